# SPDX-License-Identifier: Apache-2.0
"""What a synthesizer yields: samples and the phones in them, and the step to 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16000  # Hz, of everything the network hears


@dataclass(frozen=True, slots=True)
class Phone:
    name: str  # in the synthesizer's own alphabet
    begin: int  # sample
    end: int  # sample, one past the last


@dataclass(frozen=True, slots=True)
class Utterance:
    language: str  # "en", "de", "fr", "es", "cmn"
    text: str
    rate: int  # Hz
    samples: NDArray[np.int16]  # [T]
    phones: tuple[Phone, ...]  # in order of time, without overlap


def resampled(utterance: Utterance) -> Utterance:
    """The utterance at SAMPLE_RATE. The filter has zero phase, so the phones keep their times."""
    if utterance.rate == SAMPLE_RATE:
        return utterance
    from scipy.signal import resample_poly

    ratio = Fraction(SAMPLE_RATE, utterance.rate)
    audio = resample_poly(utterance.samples.astype(np.float64), ratio.numerator, ratio.denominator)
    phones = tuple(
        Phone(p.name, round(p.begin * ratio), round(p.end * ratio)) for p in utterance.phones
    )
    samples = np.clip(np.rint(audio), -32768, 32767).astype(np.int16)
    return Utterance(utterance.language, utterance.text, SAMPLE_RATE, samples, phones)
