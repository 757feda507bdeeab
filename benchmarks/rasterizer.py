# SPDX-License-Identifier: Apache-2.0
"""The CPU rasterizer alone, stage by stage, on seeded scenes. Every round times frames and then the
scalar renderer, which is the plainest program for the same picture: times differ between machines
and hours, their ratio hardly."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from talkrt import __version__, _core, probing
from talkrt.errors import Error

from .machine import commit, load_average
from .scenes import Scene, talking_head

SCHEMA = "talkrt.bench-kernels/1"
STAGES = ("project", "sort", "bin", "blend")
WARNING_LOAD = 0.5  # of the cores, before the measurement


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    count: int
    sh_degree: int
    threads: int
    talking: bool = False  # only mouth and eyes move, and only changes are drawn


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    frame_ms: float  # median of the best round
    fastest_ms: float
    rounds_ms: tuple[float, ...]  # median of each round
    stage_ms: dict[str, float]  # medians of the best round
    scalar_ms: float  # median of the rounds
    ratio: float  # scalar over frame, median of the rounds
    psnr_db: float  # of the scene at rest, against the scalar renderer
    visible: int
    intersections: int
    tiles_drawn: int

    @property
    def frames_per_second(self) -> float:
        return 1e3 / self.frame_ms


def cases(threads: int) -> list[Case]:
    return [
        Case("50k SH 0", 50_000, 0, 1),
        Case("50k SH 0", 50_000, 0, threads),
        Case("50k SH 3", 50_000, 3, threads),
        Case("100k SH 0", 100_000, 0, threads),
        Case("50k SH 0, mouth and eyes", 50_000, 0, threads, talking=True),
    ]


def mouth_and_eyes(scene: Scene) -> NDArray[np.float32]:
    """How far each Gaussian of `talking_head` swings: the mouth by 4 pixels, the eyes by 2."""
    x, y, z = scene.means.astype(np.float64).T
    mouth = (z < 0) & ((x / 0.36) ** 2 + ((y - 0.45) / 0.25) ** 2 < 1)
    eyes = (z < 0) & (((np.abs(x) - 0.26) / 0.15) ** 2 + ((y + 0.18) / 0.10) ** 2 < 1)
    offsets = np.zeros_like(scene.means)
    offsets[mouth, 1] = 0.02
    offsets[eyes & ~mouth, 1] = 0.01
    return offsets


def measure(case: Case, frames: int, rounds: int) -> Result:
    scene = talking_head(case.count, case.sh_degree)
    try:
        found = _core.measure_rasterizer(
            means=scene.means,
            frames=scene.frames,
            opacities=scene.opacities,
            sh=scene.sh,
            viewmat=scene.viewmat,
            K=scene.K,
            width=scene.width,
            height=scene.height,
            offsets=mouth_and_eyes(scene) if case.talking else None,
            threads=case.threads,
            count=frames,
            rounds=rounds,
        )
    except ValueError as error:  # TALKRT_CPU names a path that cannot run here
        raise Error(str(error)) from None
    return summarized(case, found)


def summarized(case: Case, found: dict[str, Any]) -> Result:
    rounds = found["rounds"]
    medians = [statistics.median(r["frame"]) for r in rounds]
    best = rounds[medians.index(min(medians))]
    return Result(
        case=case,
        frame_ms=min(medians),
        fastest_ms=min(min(r["frame"]) for r in rounds),
        rounds_ms=tuple(medians),
        stage_ms={stage: statistics.median(best[stage]) for stage in STAGES},
        scalar_ms=statistics.median(r["scalar"] for r in rounds),
        ratio=statistics.median(r["scalar"] / m for r, m in zip(rounds, medians, strict=True)),
        psnr_db=found["psnr_db"],
        visible=found["visible"],
        intersections=found["intersections"],
        tiles_drawn=found["tiles_drawn"],
    )


@dataclass(frozen=True, slots=True)
class Machine:
    cpu: str
    cpu_path: str
    cores: int
    frames: int
    rounds: int
    load_before: float
    load_after: float

    @property
    def warnings(self) -> list[str]:
        if self.load_before > WARNING_LOAD * self.cores:
            return [f"others used the machine: load {self.load_before:.1f} before"]
        return []


def machine(path: str, frames: int, rounds: int, load_before: float) -> Machine:
    cores = probing.cores()[0]
    return Machine(probing.cpu_model(), path, cores, frames, rounds, load_before, load_average())


def as_json(results: Sequence[Result], where: Machine) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "talkrt": __version__,
        "commit": commit(),
        "machine": asdict(where),
        "image": "512x512 RGBA8",
        "results": [{**asdict(r), "frames_per_second": r.frames_per_second} for r in results],
        "warnings": where.warnings,
    }


def as_table(results: Sequence[Result], where: Machine) -> str:
    columns = ("thr", *STAGES, "frame", "FPS", "scalar", "ratio", "PSNR")
    lines = [
        f"head scenes at 512x512; path {where.cpu_path}; {where.cpu}, {where.cores} cores",
        f"best median of {where.rounds} rounds of {where.frames} frames, ms; scalar: float64, one "
        "thread",
        "",
        f"{'scene':25}" + "".join(f"{c:>8}" for c in columns),
    ]
    for r in results:
        # With only changes drawn, copying and listing the movers is timed as one stage.
        stages = [f"{r.stage_ms[s]:.3f}" for s in STAGES]
        if r.case.talking:
            stages[STAGES.index("bin")] = "-"
        cells = [str(r.case.threads), *stages, f"{r.frame_ms:.3f}", f"{r.frames_per_second:.0f}",
                 f"{r.scalar_ms:.0f}", f"{r.ratio:.0f}x", f"{r.psnr_db:.1f}"]  # fmt: skip
        lines.append(f"{r.case.name:25}" + "".join(f"{c:>8}" for c in cells))
    lines += ["", f"load {where.load_before:.2f} before, {where.load_after:.2f} after"]
    lines += [f"warning: {text}" for text in where.warnings]
    return "\n".join(line.rstrip() for line in lines)
