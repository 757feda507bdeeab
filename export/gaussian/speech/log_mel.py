# SPDX-License-Identifier: Apache-2.0
"""The log-mel features of the plan format (FORMAT.md, section 2), in PyTorch for training.

The engine computes them in C++; tests hold both to an independent NumPy version.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

FFT, WINDOW, MEL_HOP, MELS = 512, 400, 160, 80
F_MIN, F_MAX, FLOOR = 60.0, 7600.0, 1e-5
SAMPLE_RATE = 16000


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    logarithmic = 15 + np.log(np.maximum(hertz, 1000.0) / 1000) * 27 / np.log(6.4)
    return np.where(hertz < 1000, hertz * 3 / 200, logarithmic)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def mel_filters(bins: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
    """[257, 80]. `bins` are the frequencies to take the spectrum's bins for, if not their own."""
    low, high = _mel(np.array([F_MIN, F_MAX]))
    edges = _hertz(np.linspace(low, high, MELS + 2))
    if bins is None:
        bins = np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT
    rise = (bins[:, None] - edges[None, :-2]) / np.diff(edges)[:-1]
    fall = (edges[None, 2:] - bins[:, None]) / np.diff(edges)[1:]
    triangles = np.maximum(0, np.minimum(rise, fall))
    return np.asarray(triangles * 2 / (edges[2:] - edges[:-2]), np.float32)


def spectrum(audio: torch.Tensor) -> torch.Tensor:
    """Complex spectra of all whole frames: [..., samples] -> [..., frames, 257]."""
    window = torch.hann_window(WINDOW, periodic=True, dtype=audio.dtype)
    spectra: torch.Tensor = torch.fft.rfft(audio.unfold(-1, WINDOW, MEL_HOP) * window, FFT)
    return spectra


def log_mel(audio: torch.Tensor) -> torch.Tensor:
    """[..., samples] in [-1, 1] -> [..., frames, 80]."""
    power = spectrum(audio).abs().square()
    return torch.log(power @ torch.from_numpy(mel_filters()).to(audio.dtype) + FLOOR)
