# SPDX-License-Identifier: Apache-2.0
"""Noise to train in and to be judged in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .utterance import SAMPLE_RATE

NOISES = ("white", "pink", "babble")


def coloured_noise(slope: float, samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise whose amplitude goes with frequency ** slope: 0 white, -0.5 pink; unit RMS."""
    spectra = np.fft.rfft(rng.standard_normal(samples))
    spectra *= np.maximum(np.arange(len(spectra)), samples * 20 / SAMPLE_RATE) ** slope
    noise = np.fft.irfft(spectra, samples)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def babble(
    speech: Sequence[NDArray[np.int16]], voices: int, samples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Several voices at once, unit RMS. Short recordings are repeated."""
    total = np.zeros(samples)
    for index in rng.choice(len(speech), voices, replace=len(speech) < voices):
        voice = np.roll(speech[index], int(rng.integers(len(speech[index]))))
        total += np.resize(voice, samples)
    return np.asarray(total / np.sqrt(np.mean(total**2)))


def noisy(
    audio: NDArray[np.int16],
    speech: NDArray[np.bool_],
    noise: str,
    voices: Sequence[NDArray[np.int16]],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """`audio` with "clean" (a floor at 60 dB) or one of NOISES at 10 dB below the speech.

    The level of the speech is its RMS where `speech` (evenly spread over the audio) is true;
    `voices` is what babble is made of.
    """
    clean = audio / 32768.0
    talking = np.repeat(speech, len(audio) // len(speech))
    level = np.sqrt(np.mean(clean[: len(talking)][talking] ** 2))
    match noise:
        case "clean" | "white":
            added = coloured_noise(0.0, len(audio), rng)
        case "pink":
            added = coloured_noise(-0.5, len(audio), rng)
        case "babble":
            added = babble(voices, 6, len(audio), rng)
        case _:
            raise ValueError(f"noise {noise!r} is not one of clean, {', '.join(NOISES)}")
    decibels = -60 if noise == "clean" else -10
    return np.asarray(clean + level * 10 ** (decibels / 20) * added, np.float32)
