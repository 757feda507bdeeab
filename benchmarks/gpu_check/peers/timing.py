# SPDX-License-Identifier: Apache-2.0
"""Times of a peer's frames on the GPU, taken as those of the kernels are: between events on its
stream, calls back to back, the first tenth for warming up."""

from __future__ import annotations

import importlib
import itertools
from typing import Any

from .peer import Peer

_FRAMES = 200
_VIEWS = (4, 16, 64)


def frame_us(peer: Peer, views: int = 1, frames: int = _FRAMES) -> dict[str, float]:
    torch: Any = importlib.import_module("torch")
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(frames + 1)]
    marks[0].record()
    for mark in marks[1:]:
        peer.frame(views)
        mark.record()
    torch.cuda.synchronize()
    times = [1e3 * begin.elapsed_time(end) for begin, end in itertools.pairwise(marks)]
    return summary(times)


def summary(times: list[float]) -> dict[str, float]:
    kept = sorted(times[len(times) // 10 :])
    at = min(len(kept) - 1, len(kept) * 95 // 100)
    return {"min": kept[0], "median": kept[len(kept) // 2], "p95": kept[at]}


def batches(peer: Peer) -> list[dict[str, Any]]:
    if not peer.batches:
        return []
    found = []
    for views in _VIEWS:
        times = frame_us(peer, views, max(20, _FRAMES * 4 // (4 + views)))
        found.append({"views": views, "device_us": times, "fps": 1e6 * views / times["median"]})
    return found
