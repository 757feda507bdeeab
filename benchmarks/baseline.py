# SPDX-License-Identifier: Apache-2.0
"""Against an earlier report of the same plan on the same machine. Two processes at two times differ
for many reasons, so the tolerance is wide; `bench compare` is the strong test."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from talkrt.errors import Error

from .gates import REGRESSION, Gate, Outcome
from .sampling import Samples, effective_count

TOLERANCE = 0.10
_SAME_ENVIRONMENT = ("plan_sha256", "cpu", "cores_usable", "threads", "cpu_path", "gpu")
_SAME_WORKLOAD = ("mode", "width", "height", "sessions", "shown")
_RESAMPLES = 2000
_LEAST_FRAMES = 20


def read_baseline(path: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(Path(path).read_text())
    except OSError as error:
        raise Error(f"{path}: {error.strerror}; give a report of bench --save") from None
    except ValueError as error:
        raise Error(f"{path}: is not JSON ({error}); give a report of bench --save") from None
    found = document.get("schema") if isinstance(document, dict) else None
    if found != "talkrt.bench/2":
        raise Error(f"{path}: its schema is {found!r}, expected 'talkrt.bench/2': measure it again")
    for key in ("complete", "environment", "workload", "validity", "samples"):
        if not isinstance(document.get(key), bool if key == "complete" else dict):
            raise Error(f"{path}: is damaged: it has no {key!r}; measure it again")
    if not document["complete"]:
        raise Error(f"{path}: that run was stopped ({document.get('stopped')}); take a whole one")
    state = document["validity"].get("state")
    if state != "valid":
        raise Error(f"{path}: that run was {state}; a baseline must be valid: measure it again")
    return document


def check_machine(path: str, old: dict[str, Any], environment: dict[str, Any]) -> None:
    """Raises Error when the baseline is of another machine or plan."""
    _check(path, old["environment"], environment, _SAME_ENVIRONMENT)


def check_workload(path: str, old: dict[str, Any], workload: dict[str, Any]) -> None:
    _check(path, old["workload"], workload, _SAME_WORKLOAD)


def _check(path: str, old: dict[str, Any], new: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        if old.get(key) != new.get(key):
            short = 12 if key.endswith("sha256") else None
            found = f"{str(old.get(key))[:short]}, this is {str(new.get(key))[:short]}"
            raise Error(f"{path}: is of another {_words(key)}: {found}")


def gate(old: dict[str, Any], frame_ms: list[float], tolerance: float = TOLERANCE) -> Gate:
    """Of the medians' ratio, its interval by resampling as many frames as are worth."""
    before = np.asarray(old["samples"].get("frame_ms", ()), np.float64)
    now = np.asarray(frame_ms, np.float64)
    if min(len(before), len(now)) < _LEAST_FRAMES:
        few = f"{len(before)} frames before and {len(now)} now, {_LEAST_FRAMES} are needed"
        return Gate("baseline", "inconclusive", few, REGRESSION)
    ratios = _resampled_median(now, 1) / _resampled_median(before, 2)
    low, high = (float(v) for v in np.quantile(ratios, (0.005, 0.995)))
    ratio = float(np.median(now) / np.median(before))
    outcome: Outcome = "inconclusive"
    if low > 1 + tolerance:
        outcome = "fail"
    elif high <= 1 + tolerance:
        outcome = "pass"
    words = {"pass": "not slower", "fail": "SLOWER", "inconclusive": "not certain"}[outcome]
    detail = (
        f"frames take {ratio:.3f} times as long ({low:.3f} to {high:.3f}), "
        f"{1 + tolerance:.3g} is allowed: {words}"
    )
    return Gate("baseline", outcome, detail, REGRESSION)


def _resampled_median(values: Samples, seed: int) -> Samples:
    worth = max(2, math.floor(effective_count(values)))
    rng = np.random.default_rng(seed)
    kept: Samples = np.median(rng.choice(values, (_RESAMPLES, min(worth, 2000))), axis=1)
    return kept


def _words(key: str) -> str:
    return {"plan_sha256": "plan", "cpu": "machine", "cores_usable": "number of cores",
            "cpu_path": "CPU path", "shown": "input"}.get(key, key)  # fmt: skip
