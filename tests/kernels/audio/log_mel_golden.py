# SPDX-License-Identifier: Apache-2.0
"""Signals and their log-mel rows by the float64 oracle: tests/data/golden/log_mel.bin.

int32 signals; per signal int32 samples, int32 rows, float32 [samples], float32 [rows, 80].
`python tests/kernels/audio/log_mel_golden.py` writes it anew.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

TESTS = Path(__file__).parents[2]
GOLDEN = TESTS / "data" / "golden" / "log_mel.bin"
RATE = 16000
SAMPLES = 400 + 11 * 160 + 37  # 12 rows and a rest that belongs to none

Signal = NDArray[np.float32]


def oracle() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "log_mel_oracle", TESTS / "reference" / "log_mel.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def signals() -> dict[str, Signal]:
    rng = np.random.default_rng(5)
    t = np.arange(SAMPLES) / RATE
    quiet = np.zeros(SAMPLES)
    quiet[1000] = 1e-4
    made = {
        "speech-like": vowel(t) + 0.003 * rng.normal(size=SAMPLES),
        "full-scale sine": np.sin(2 * np.pi * 1000 * t),
        "sine between bins, 3 kHz": 0.5 * np.sin(2 * np.pi * 3011.7 * t),
        "white noise": 0.1 * rng.normal(size=SAMPLES),
        "silence": np.zeros(SAMPLES),
        "one tiny click": quiet,
        "clipped": np.clip(8 * np.sin(2 * np.pi * 331 * t) + rng.normal(size=SAMPLES), -1, 1),
        "constant": np.full(SAMPLES, 0.9),
    }
    return {name: signal.astype(np.float32) for name, signal in made.items()}


def vowel(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """A voice of 120 to 150 Hz with the formants of an open vowel, fading in."""
    phase = 2 * np.pi * (120 * t + 110 * t**2)
    total = np.zeros_like(t)
    for harmonic in range(1, 50):
        hertz = harmonic * (120 + 220 * t)
        gain = sum(
            a / (1 + ((hertz - f) / w) ** 2)
            for f, w, a in ((700, 90, 1.0), (1220, 110, 0.5), (2600, 160, 0.2))
        )
        total += gain * np.sin(harmonic * phase)
    return 0.25 * total * np.minimum(1.0, t / 0.03)


def golden() -> bytes:
    log_mel = oracle().log_mel
    parts = [np.int32(len(signals())).tobytes()]
    for signal in signals().values():
        rows = log_mel(signal.astype(np.float64))
        parts.append(np.array([signal.size, rows.shape[0]], "<i4").tobytes())
        parts += [signal.astype("<f4").tobytes(), rows.astype("<f4").tobytes()]
    return b"".join(parts)


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_bytes(golden())
