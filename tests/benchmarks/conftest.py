# SPDX-License-Identifier: Apache-2.0
"""Measurements that were never taken, to see what is said about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from talkrt.benchmarks.calibration import Calibration
from talkrt.benchmarks.measure import Fidelity, Measurement, Memory
from talkrt.benchmarks.recorder import Samples
from talkrt.benchmarks.start import Start
from talkrt.benchmarks.validity import Observation
from talkrt.benchmarks.workload import Workload

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("audio", "motion", "deform", "render", "post")


def observation(**changes: Any) -> Observation:
    quiet: dict[str, Any] = {
        "seconds": 10.0, "cores": 2, "own_cpu_s": 15.0, "foreign_cpu_s": 0.2, "steal_s": 0.0,
        "waited_s": 0.1, "load_before": 0.1, "load_after": 1.5, "clock_mhz": (),
        "calibrations": tuple(Calibration(0.2 * i, 0.25 + 0.001 * (i % 3), 0.3) for i in range(50)),
        "throttle_events": None, "wall_step_s": 0.0, "slew_s": 0.0, "suspended_s": 0.0,
    }  # fmt: skip
    return Observation(**{**quiet, **changes})


def measurement(frame_ms: list[float], **changes: Any) -> Measurement:
    at = np.cumsum(frame_ms) / 1e3
    stages = [dict.fromkeys(STAGES, value / 5) for value in frame_ms]
    samples = Samples(at.tolist(), list(frame_ms), [0] * len(frame_ms), stages)
    made: dict[str, Any] = {
        "workload": Workload(), "width": 512, "height": 512, "fps": 25.0, "look_ahead_ms": 140.0,
        "start": Start(123.4, 5.6, 40.0, (10.0, 12.0, 30.0), (11.0, 12.0, 13.0)),
        "samples": samples, "frames": len(frame_ms), "seconds": float(at[-1]),
        "cpu_seconds": 2 * float(at[-1]), "misses": 0, "skew_ms": (), "sessions_begun": 1,
        "sessions_refused": 0, "observation": observation(), "gpu": None,
        "memory": Memory({"plan file": 150_000_000, "rig: deltas": 50_000_000}, 200_000_000,
                         50_000_000, 400_000_000, 300_000_000, ((0.0, 290_000_000),)),
        "fidelity": Fidelity("ab" * 32, 90.1, 40.0, 4),
    }  # fmt: skip
    return Measurement(**{**made, **changes})


ENVIRONMENT: dict[str, Any] = {
    "taken_at": "2026-01-01T00:00:00+00:00", "talkrt": "0.1.0", "commit": "abc",
    "plan": "demo.plan", "plan_sha256": "0" * 64,
    "cpu": "A CPU", "cpu_path": "avx2", "cores_usable": 2, "cores": 2, "threads": 2,
    "governor": None, "gpu": None, "gpu_uuid": None, "gpu_driver": None, "memory_bytes": 8 << 30,
    "system": "Linux", "python": "3.11", "numpy": "2.0", "onnxruntime": "1.2", "flags": [],
}  # fmt: skip


@pytest.fixture(name="observation")
def observation_() -> Callable[..., Observation]:
    return observation


@pytest.fixture(name="measurement")
def measurement_() -> Callable[..., Measurement]:
    return measurement


@pytest.fixture
def environment() -> dict[str, Any]:
    return dict(ENVIRONMENT)


@pytest.fixture(scope="session")
def validate() -> Callable[[dict[str, Any]], None]:
    """Against the published schema of the document's kind."""
    from jsonschema import Draft202012Validator

    validators = {}
    for path in (ROOT / "benchmarks/schema").glob("*.schema.json"):
        schema = json.loads(path.read_text())
        Draft202012Validator.check_schema(schema)
        validators[schema["$id"]] = Draft202012Validator(schema)

    def check(document: dict[str, Any]) -> None:
        validators[document["schema"]].validate(json.loads(json.dumps(document)))

    return check
