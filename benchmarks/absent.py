# SPDX-License-Identifier: Apache-2.0
"""Which figures a report has no number for, and why: what is not said might be taken for zero."""

from __future__ import annotations

from typing import Any

from .measure import Measurement

_HERE = "not on this device: frames are made on the CPU"
_COUNTED = "draws are counted: two kernels each, and a recorded avatar's own beside them"
_ASIDE = "not timed on its own: it is part of a session's creation"
_WITHIN = "not timed on their own: they run beside the next draw, and are part of the latency"
_LIVE = "of the modes paced and server"


def not_measured(m: Measurement, environment: dict[str, Any]) -> dict[str, str]:
    """By figure, in the order of the report."""
    seen = m.observation
    on_gpu = m.device == "cuda"
    unaccounted = "this engine does not account for them" if on_gpu else _HERE
    gpu = "no GPU on this device" if environment["gpu"] is None else None
    if environment["gpu"] is not None and m.gpu is None:
        gpu = "nvidia-ml-py does not tell: pip install 'talkrt[gpu]'"
    found = {
        "launches a frame": _COUNTED if on_gpu else _HERE,
        "graph capture": _ASIDE if on_gpu else _HERE,
        "copies to and from a GPU": _WITHIN if on_gpu else _HERE,
        "bytes of the GPU": None if m.memory.device_bytes is not None else unaccounted,
        "GPU clocks, power, temperature, joules": gpu,
        "CPU clock": None if seen.clock_mhz else "the machine does not tell",
        "CPU throttling": None if seen.throttle_events is not None else "the machine does not tell",
        "steal time": None if seen.steal_s is not None else "the machine does not tell",
        "deadlines, jitter, skew": None if m.workload.mode in ("paced", "server") else _LIVE,
        "fidelity": None if m.fidelity.psnr_db is not None else "no check clip was replayed",
        "evictions": "one plan is loaded, so there is nothing to evict",
        "allocations a frame": "bench counters counts them, in a process of its own",
    }
    return {figure: why for figure, why in found.items() if why is not None}


def as_lines(absent: dict[str, str]) -> list[str]:
    """Figures with the same reason are told together."""
    reasons: dict[str, list[str]] = {}
    for figure, why in absent.items():
        reasons.setdefault(why, []).append(figure)
    return ["not measured:", *(f"  {', '.join(names)}: {why}" for why, names in reasons.items())]
