# SPDX-License-Identifier: Apache-2.0
"""Log-mel features in float64, written from `export/FORMAT.md` (section 2) and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def hertz_to_mel(hertz: float) -> float:
    """Slaney's Auditory Toolbox: 200/3 Hz a mel up to 1 kHz, then 27 mels for a factor of 6.4."""
    if hertz < 1000.0:
        return hertz / (200.0 / 3.0)
    return 15.0 + 27.0 * float(np.log(hertz / 1000.0) / np.log(6.4))


def mel_to_hertz(mel: float) -> float:
    if mel < 15.0:
        return mel * (200.0 / 3.0)
    return 1000.0 * float(np.exp((mel - 15.0) / 27.0 * np.log(6.4)))


def filters(
    sample_rate: int = 16000,
    fft_size: int = 512,
    mels: int = 80,
    f_min: float = 60.0,
    f_max: float = 7600.0,
) -> Array:
    """Triangles of unit area (in hertz): [mels, fft_size / 2 + 1]."""
    low, high = hertz_to_mel(f_min), hertz_to_mel(f_max)
    edges = [mel_to_hertz(low + (high - low) * i / (mels + 1)) for i in range(mels + 2)]
    out = np.zeros((mels, fft_size // 2 + 1))
    for row in range(mels):
        left, centre, right = edges[row : row + 3]
        height = 2.0 / (right - left)
        for column in range(fft_size // 2 + 1):
            hertz = column * sample_rate / fft_size
            if left < hertz <= centre:
                out[row, column] = height * (hertz - left) / (centre - left)
            elif centre < hertz < right:
                out[row, column] = height * (right - hertz) / (right - centre)
    return out


def log_mel(
    audio: Array,
    sample_rate: int = 16000,
    fft_size: int = 512,
    window: int = 400,
    hop: int = 160,
    mels: int = 80,
    f_min: float = 60.0,
    f_max: float = 7600.0,
    floor: float = 1e-5,
) -> Array:
    """[samples] in [-1, 1] -> [frames, mels], one row for each frame whose last sample exists."""
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(window) / window)
    bank = filters(sample_rate, fft_size, mels, f_min, f_max)
    frames = max((len(audio) - window) // hop + 1, 0) if len(audio) >= window else 0
    out = np.empty((frames, mels))
    for m in range(frames):
        piece = np.asarray(audio[m * hop : m * hop + window], np.float64) * hann
        power = np.abs(np.fft.rfft(piece, fft_size)) ** 2
        out[m] = np.log(bank @ power + floor)
    return out
