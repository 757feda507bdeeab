# SPDX-License-Identifier: Apache-2.0
"""Targets per model and named machine, from a TOML file: benchmarks/targets.toml, or one's own."""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talkrt.errors import Error

from .gates import Gate, at_least, at_most
from .measure import Measurement
from .sampling import label, rate_interval, summarize

OWN = Path(__file__).with_name("targets.toml")
_FIGURES = ("fps", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "first_frame_ms", "deadlines_met")
_MATCHES = ("cpu", "cores", "gpu")


@dataclass(frozen=True, slots=True)
class Targets:
    path: str
    machine: str
    figures: dict[str, float]


def find(path: Path, model: str, environment: dict[str, Any], machine: str | None) -> Targets:
    """The targets of `model` on the named machine, or on the one whose profile fits. None of a
    profile or of a model's targets is an error when it was asked for by name, else empty."""
    document = _read(path)
    profiles = document.get("machines", {})
    if machine is None:
        machine = next((n for n, p in profiles.items() if _fits(p, environment)), "")
    elif machine not in profiles:
        known = ", ".join(profiles) or "none"
        raise Error(f"{path}: there is no machine {machine!r}; it names: {known}")
    elif not _fits(profiles[machine], environment):
        raise Error(
            f"{path}: machine {machine!r} is {profiles[machine]}, but this is "
            f"{environment['cpu']}, {environment['cores_usable']} cores, GPU {environment['gpu']}"
        )
    figures = document.get("targets", {}).get(model, {}).get(machine, {})
    for name in figures:
        if name not in _FIGURES:
            raise Error(
                f"{path}: targets.{model}.{machine}.{name} is not known; "
                f"expected one of: {', '.join(_FIGURES)}"
            )
    return Targets(str(path), machine, {k: float(v) for k, v in figures.items()})


def gates(targets: Targets, m: Measurement) -> list[Gate]:
    return [_gate(name, bound, m) for name, bound in targets.figures.items()]


def throughput(m: Measurement, fps: float) -> Gate:
    interval = rate_interval(m.samples.at_s)
    return at_least("throughput", m.frames_per_second, interval, fps, "FPS")


def _gate(name: str, bound: float, m: Measurement) -> Gate:
    if name == "fps":
        return throughput(m, bound)
    if name == "deadlines_met":
        met = 1.0 - m.misses / m.frames
        return at_least("deadlines met", met, (met, met), bound, "of the frames")
    if name == "first_frame_ms":
        first = summarize(m.start.first_frame_ms, ())
        return at_most("first frame", first.median, (first.least, first.most), bound, "ms")
    percent = float(name[1 : -len("_ms")])
    summary = summarize(m.samples.latency_ms, (percent,))
    if label(percent) not in summary.percentiles:
        return too_few(percent, summary.count)
    interval = summary.intervals[label(percent)]
    value = summary.percentiles[label(percent)]
    return at_most(f"frame {label(percent)}", value, interval, bound, "ms")


def too_few(percent: float, count: int) -> Gate:
    from .gates import INCONCLUSIVE
    from .sampling import needed

    detail = f"{label(percent)} needs {needed(percent)} frames, there are {count}: measure longer"
    return Gate(f"frame {label(percent)}", "inconclusive", detail, INCONCLUSIVE)


def _fits(profile: dict[str, Any], environment: dict[str, Any]) -> bool:
    cpu = fnmatch.fnmatch(environment["cpu"], profile.get("cpu", "*"))
    cores = profile.get("cores") in (None, environment["cores_usable"])
    gpu = fnmatch.fnmatch(environment["gpu"] or "none", profile.get("gpu", "none"))
    return cpu and cores and gpu


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise Error(f"{path}: {error.strerror}; give a file of targets") from None
    except tomllib.TOMLDecodeError as error:
        raise Error(f"{path}: is not TOML ({error})") from None
    for name, profile in document.get("machines", {}).items():
        for key in profile:
            if key not in _MATCHES:
                raise Error(
                    f"{path}: machines.{name}.{key} is not known; expected: {', '.join(_MATCHES)}"
                )
    return document
