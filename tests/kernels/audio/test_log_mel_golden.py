# SPDX-License-Identifier: Apache-2.0
"""The golden log-mel rows that the C++ test compares with are the oracle's."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("log_mel_golden", HERE / "log_mel_golden.py")
assert spec is not None and spec.loader is not None
made = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = made
spec.loader.exec_module(made)


def test_the_golden_rows_are_what_the_oracle_computes() -> None:
    stored = made.GOLDEN.read_bytes()
    at = 4
    assert int(np.frombuffer(stored, "<i4", 1)[0]) == len(made.signals())
    for name in made.signals():
        samples, rows = (int(n) for n in np.frombuffer(stored, "<i4", 2, at))
        signal = np.frombuffer(stored, "<f4", samples, at + 8)
        expected = np.frombuffer(stored, "<f4", rows * 80, at + 8 + 4 * samples).reshape(rows, 80)
        at += 8 + 4 * (samples + rows * 80)
        # The stored signal, not a new one: libm may differ in the last bit between machines.
        found = made.oracle().log_mel(signal.astype(np.float64))
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6, err_msg=name)
    assert at == len(stored)
