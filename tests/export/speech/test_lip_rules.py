# SPDX-License-Identifier: Apache-2.0
"""Closures close, whatever the network says about the rest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn
from talkrt.export.gaussian.speech.lip_rules import (
    CLOSE,
    CLOSED_JAW,
    CLOSED_MM,
    GAP_MM,
    JAW,
    PUCKER,
    close_lips,
    closure_strength,
    lip_gap,
)
from talkrt.export.gaussian.speech.visemes import COEFFICIENTS

coefficients = hn.arrays(np.float64, 14, elements=st.floats(0, 1))


def test_the_gap_of_an_open_jaw_is_33_mm_and_closed_lips_have_none():
    jaw = np.zeros(14)
    jaw[COEFFICIENTS.index("jawOpen")] = 1
    assert lip_gap(jaw) == 33.0
    jaw[COEFFICIENTS.index("mouthClose")] = 1
    assert lip_gap(jaw) == 0.0


@given(coefficients)
def test_full_strength_closes_any_lips(values):
    closed = close_lips(values, np.array(1.0))
    assert closed @ GAP_MM <= 1e-12
    assert closed[JAW] <= CLOSED_JAW
    assert closed[PUCKER] == values[PUCKER]


@given(coefficients)
def test_without_strength_only_an_impossible_mouth_close_changes(values):
    same = close_lips(values, np.array(0.0))
    expected = values.copy()
    expected[CLOSE] = min(values[CLOSE], values[JAW])
    np.testing.assert_array_equal(same, expected)


@given(coefficients, st.floats(0, 1))
def test_mouth_close_never_exceeds_the_jaw_and_all_stay_in_range(values, strength):
    out = close_lips(values, np.array(strength))
    assert out[CLOSE] <= out[JAW] + 1e-12
    assert (out >= 0).all() and (out <= 1).all()


@given(hn.arrays(np.float64, (5, 14), elements=st.floats(0, 1)))
def test_rows_are_closed_independently(values):
    strength = np.array([0.0, 0.2, 0.5, 0.9, 1.0])
    together = close_lips(values, strength)
    for row in range(5):
        np.testing.assert_array_equal(together[row], close_lips(values[row], strength[row]))


def test_strength_rises_between_three_and_six_tenths():
    strength = closure_strength(np.array([0.0, 0.3, 0.45, 0.6, 1.0]))
    np.testing.assert_allclose(strength, [0, 0, 0.5, 1, 1], atol=1e-12)
    speaking = np.zeros(14)
    speaking[[JAW, 7]] = 0.15, 0.1
    assert lip_gap(close_lips(speaking, closure_strength(np.array(0.59)))) <= CLOSED_MM
