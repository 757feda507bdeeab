# SPDX-License-Identifier: Apache-2.0
"""Samples to what DeepSpeech 0.1 hears: 26 cepstra each 20 ms, with nine neighbours on either side.

As python_speech_features makes them: pre-emphasis 0.97, frames of 400 samples without a window, a
power spectrum of 512 points, 26 triangles from 0 to 8000 Hz, an orthonormal cosine transform, a
lifter of 22, and the log energy in place of the first cepstrum. Then the numbers of the whole clip,
or here of the window, are brought to mean 0 and deviation 1.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .window import FRAME, SAMPLE_RATE

FFT, LENGTH, CEPSTRA, LIFTER, EMPHASIS = 512, 400, 26, 22, 0.97
CONTEXT = 9
INPUTS = (2 * CONTEXT + 1) * CEPSTRA  # numbers of one vector
FULL_SCALE = 32_768.0  # the original reads 16-bit integers
EPSILON = float(np.finfo(np.float64).eps)  # in place of an exact 0


def triangles() -> NDArray[np.float64]:
    """[bins, CEPSTRA]"""

    def hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = 700 * (10 ** (mel / 2595) - 1)
        return found

    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = np.floor((FFT + 1) * hertz(np.linspace(0, top, CEPSTRA + 2)) / SAMPLE_RATE)
    bins = np.arange(FFT // 2 + 1)
    out = np.zeros((len(bins), CEPSTRA))
    for band in range(CEPSTRA):
        low, middle, high = edges[band : band + 3]
        rise, fall = (bins >= low) & (bins < middle), (bins >= middle) & (bins < high)
        out[rise, band] = (bins[rise] - low) / (middle - low)
        out[fall, band] = (high - bins[fall]) / (high - middle)
    return out


def cosines() -> NDArray[np.float64]:
    """[CEPSTRA, CEPSTRA]: energies to lifted cepstra."""
    band, order = np.mgrid[:CEPSTRA, :CEPSTRA]
    table = np.cos(np.pi * order * (2 * band + 1) / (2 * CEPSTRA)) * np.sqrt(2 / CEPSTRA)
    table[:, 0] /= np.sqrt(2)
    lifted: NDArray[np.float64] = table * (1 + LIFTER / 2 * np.sin(np.pi * order / LIFTER))
    return lifted


class Mfcc(nn.Module):
    """[1, samples] to [1, samples // FRAME, INPUTS]."""

    def __init__(self) -> None:
        super().__init__()
        time = np.arange(LENGTH)[:, None] * np.arange(FFT // 2 + 1)
        angle = 2 * np.pi * (time % FFT) / FFT
        tables = {"real": np.cos(angle), "imaginary": -np.sin(angle), "bands": triangles()}
        for name, table in (tables | {"cosines": cosines()}).items():
            self.register_buffer(name, torch.from_numpy(table).float())

    def forward(self, samples: Tensor) -> Tensor:
        real, imaginary, bands, cosine = (
            self.get_buffer(name) for name in ("real", "imaginary", "bands", "cosines")
        )
        x = samples * FULL_SCALE
        x = torch.cat([x[:, :1], x[:, 1:] - EMPHASIS * x[:, :-1]], dim=1)
        count = samples.shape[1] // FRAME
        x = functional.pad(x, (0, LENGTH))
        first, second = (x[:, at : at + count * FRAME].reshape(count, FRAME) for at in (0, FRAME))
        frames = torch.cat([first, second[:, : LENGTH - FRAME]], dim=1)
        power = ((frames @ real) ** 2 + (frames @ imaginary) ** 2) / FFT
        energy = power.sum(dim=1, keepdim=True)
        cepstra = _log(power @ bands) @ cosine
        cepstra = torch.cat([_log(energy), cepstra[:, 1:]], dim=1)
        padded = functional.pad(cepstra, (0, 0, CONTEXT, CONTEXT))
        stacked = torch.cat([padded[i : i + count] for i in range(2 * CONTEXT + 1)], dim=1)
        centered = stacked - stacked.mean()
        return (centered / centered.square().mean().sqrt())[None]


def _log(x: Tensor) -> Tensor:
    """No mantissa of float32 holds 1 + EPSILON, but EPSILON itself it does."""
    return torch.log(torch.clamp(x, min=EPSILON))
