# SPDX-License-Identifier: Apache-2.0
"""How an export talks: steps while it runs, a parity table when it is done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from .parity import Parity


@dataclass(frozen=True, slots=True)
class Exported:
    path: Path
    bytes: int
    gaussians: int
    shapes: int
    parity: Sequence[Parity]
    check_psnr_db: Sequence[float]  # the runtime's frames against the float64 reference's


class Steps:
    """Progress of the named steps of an export, on stderr."""

    def __init__(self, quiet: bool = False) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=quiet,
        )

    def __enter__(self) -> Steps:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, description: str, total: int = 1) -> Iterator[Step]:
        """A bar of `total` parts; it is full when the block ends without an error."""
        task = self._progress.add_task(description, total=total)
        yield Step(self._progress, task)
        self._progress.update(task, completed=total)


class Step:
    def __init__(self, progress: Progress, task: int) -> None:
        self._progress, self._task = progress, task  # borrowed

    def advance(self, amount: int = 1) -> None:
        self._progress.advance(self._task, amount)  # type: ignore[arg-type]


def parity_table(result: Exported) -> str:
    table = Table(title="PyTorch against ONNX Runtime", title_justify="left")
    table.add_column("graph")
    table.add_column("output")
    for heading in ("runs", "max error", "tolerance"):
        table.add_column(heading, justify="right")
    for row in result.parity:
        table.add_row(
            row.graph, row.output, str(row.runs), f"{row.max_error:.1e}", f"{row.tolerance:.0e}"
        )
    console = Console(width=88)
    with console.capture() as capture:
        console.print(table)
        values = ", ".join(f"{value:.1f}" for value in result.check_psnr_db)
        console.print(f"check clip, runtime against float64 reference: {values} dB")
        console.print(
            f"{result.path}: {result.bytes / 1e6:.2f} MB, {result.gaussians} Gaussians, "
            f"{result.shapes} shapes",
            highlight=False,
            soft_wrap=True,
        )
    return capture.get().rstrip()


def parity_json(result: Exported) -> str:
    return json.dumps(
        {
            "plan": str(result.path),
            "bytes": result.bytes,
            "gaussians": result.gaussians,
            "shapes": result.shapes,
            "parity": [asdict(row) | {"holds": row.holds} for row in result.parity],
            "check_psnr_db": list(result.check_psnr_db),
            "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        },
        indent=2,
    )
