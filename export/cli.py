# SPDX-License-Identifier: Apache-2.0
"""`talkrt export`: from a model to a plan that is proven equal to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="export",
    help="Turn a model into a plan, with a parity table; nothing is written when it fails.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _commands() -> None:
    """Keeps `gaussian` a sub-command: the other models join it here."""


@app.command()
def gaussian(
    output: Annotated[Path, typer.Option("-o", "--output", help="the plan to write")],
    seed: Annotated[int, typer.Option(help="of the synthetic head")] = 7,
    gaussians: Annotated[int, typer.Option(help="how many, at most", min=1000)] = 50_000,
    name: Annotated[str, typer.Option(help="the plan's name")] = "demo",
    json: Annotated[bool, typer.Option("--json", help="print the parity table as JSON")] = False,
) -> None:
    """The synthetic head with its speech-to-motion network."""
    from .gaussian.convert import export_head
    from .parity import ParityError
    from .report import Steps, parity_json, parity_table

    if not output.parent.is_dir():
        _fail(f"{output}: the folder {output.parent} does not exist")
    try:
        with Steps(quiet=json) as steps:
            result = export_head(output, seed=seed, count=gaussians, name=name, steps=steps)
    except (ParityError, OSError, ValueError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None
    print(parity_json(result) if json else parity_table(result))


def _fail(message: str) -> None:
    print(f"talkrt export: {message}", file=sys.stderr)
    raise typer.Exit(1)
