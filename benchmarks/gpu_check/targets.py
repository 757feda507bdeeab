# SPDX-License-Identifier: Apache-2.0
"""What the GPU device must reach on an H200, and what a run of the check found. Only figures of
programs that ran are judged; without one it is said why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]  # documents of the steps, by step
Verdict = str  # "goal", "must", "missed", "not measured"

_SCENE = "head-50k.bin"
_PLAN = ("plan, one session", "plan, frames ahead")


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    unit: str
    must: float
    goal: float
    lower_is_better: bool
    measured: float | None
    source: str  # which program told, or why none did

    @property
    def verdict(self) -> Verdict:
        if self.measured is None:
            return "not measured"
        sign = -1.0 if self.lower_is_better else 1.0
        reached = sign * self.measured
        if reached >= sign * self.goal:
            return "goal"
        return "must" if reached >= sign * self.must else "missed"


def figures(results: Results) -> list[Figure]:
    """In the order in which they were asked for."""

    def figure(
        name: str, unit: str, must: float, goal: float, lower: bool,
        find: Callable[[Results], tuple[float, str]],
    ) -> Figure:  # fmt: skip
        try:
            value, source = find(results)
        except (KeyError, ValueError) as error:
            missing = error.args[0] if error.args else "nothing"
            return Figure(name, unit, must, goal, lower, None, f"no figure: {missing}")
        return Figure(name, unit, must, goal, lower, value, source)

    return [
        figure("50k Gaussians, one frame, device time", "us", 40, 20, True, _frame),
        figure("batched throughput, 50k each", "frames/s", 40_000, 80_000, False, _batched),
        figure("faster than gsplat", "x", 5, 10, False, _than_gsplat),
        figure("faster than the best peer", "x", 2, 3, False, _than_best),
        figure("demo plan, audio in to RGBA in pinned memory", "frames/s", 2_000, 5_000, False,
               _plan),
        figure("fidelity against the float64 oracle", "dB", 60, 80, False, _fidelity),
        figure("kernel launches a frame", "", 4, 2, True, _launches),
        figure("host allocations a frame", "", 0, 0, True, _allocations),
    ]  # fmt: skip


def _document(results: Results, step: str) -> Any:
    if results.get(step) is None:
        raise KeyError(f"step {step!r} left no result")
    return results[step]


def _scene(results: Results) -> Any:
    for scene in _document(results, "kernels")["scenes"]:
        if scene["scene"] == _SCENE:
            return scene
    raise KeyError(f"{_SCENE} was not measured")


def _frame(results: Results) -> tuple[float, str]:
    return float(_scene(results)["frame_us"]["median"]), "bench_cuda_rasterizer, median"


def _batched(results: Results) -> tuple[float, str]:
    best = max(_scene(results)["batches"], key=lambda batch: float(batch["device_fps"]))
    more = f"{best['fps_with_copies']:.0f} with copies"
    return float(best["device_fps"]), f"{best['views']} views a draw; {more}"


def _peers(results: Results) -> dict[str, float]:
    """Microseconds of one frame of the 50k head, by peer."""
    found: dict[str, float] = {}
    for row in _document(results, "side by side")["rows"]:
        if row["scene"] == _SCENE and row["frame_us"] is not None:
            found[row["peer"]] = float(row["frame_us"]["median"])
    if not found:
        raise KeyError("no peer ran")
    return found


def _than_gsplat(results: Results) -> tuple[float, str]:
    peers = _peers(results)
    if "gsplat" not in peers:
        raise KeyError("gsplat did not run")
    return peers["gsplat"] / _frame(results)[0], f"gsplat: {peers['gsplat']:.0f} us"


def _than_best(results: Results) -> tuple[float, str]:
    peers = _peers(results)
    best = min(peers, key=lambda name: peers[name])
    return peers[best] / _frame(results)[0], f"best of {', '.join(peers)}: {best}"


def _plan(results: Results) -> tuple[float, str]:
    found = {
        step: float(results[step]["throughput"]["frames_per_second"])
        for step in _PLAN
        if results.get(step) is not None
    }
    if not found:
        raise KeyError(f"steps {' and '.join(map(repr, _PLAN))} left no result")
    best = max(found, key=lambda step: found[step])
    return found[best], f"bench, step {best!r}"


def _fidelity(results: Results) -> tuple[float, str]:
    crowded = results.get("kernels, bins overflow") or {"scenes": []}
    scenes = [*_document(results, "kernels")["scenes"], *crowded["scenes"]]
    worst = min(scenes, key=lambda scene: float(scene["psnr_db"]))
    return float(worst["psnr_db"]), f"worst of {len(scenes)} scenes: {worst['scene']}"


def _launches(results: Results) -> tuple[float, str]:
    return float(_scene(results)["kernels_per_draw"]), "of one draw, one avatar or many"


def _allocations(results: Results) -> tuple[float, str]:
    counted = _document(results, "allocations")["allocations_per_frame"]
    if counted is None:
        raise KeyError("allocations cannot be counted here")
    return float(counted["talkrt"]), "bench counters: TalkRT's own"
