# SPDX-License-Identifier: Apache-2.0
"""Makes clean synthetic speech sound like anyone anywhere: the augmentation, on spectra.

Synthetic speech is clean where human speech is not: closures are digitally silent, formants fixed.
A network learns such shortcuts unless they are taken away, so noise is always present, closures are
filled and vocal tracts warped. On spectra a filter, a room or a codec is one multiplication.
Nothing here delays the sound, so labels stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .log_mel import FFT, FLOOR, SAMPLE_RATE, mel_filters, spectrum
from .noise import babble, coloured_noise

_BINS = FFT // 2 + 1
_VOICES = 128  # other vocal tracts to choose from
_BANK_FRAMES = 6000  # of each kind of noise: a minute
_WINDOW_ENERGY = 150.0  # a signal of RMS r has r^2 * 150 in each bin, on average


class Microphone:
    """Hears batches of clean audio, each row through its own voice change, room and noise."""

    def __init__(
        self, speech: Sequence[NDArray[np.int16]], loud_snr: tuple[float, float], seed: int
    ) -> None:
        """`speech` is what babble is made of; `loud_snr`, dB, is the range of 6 rows in 10."""
        self._loud_snr = loud_snr
        self._rng = np.random.default_rng(seed)
        filters = [mel_filters(), *(_vocal_tract(self._rng) for _ in range(_VOICES))]
        self._filters = torch.from_numpy(np.stack(filters))
        octave = np.log2(np.maximum(np.arange(_BINS), 1) * SAMPLE_RATE / FFT / 1000)
        self._octave = octave.astype(np.float32)  # of each bin, around 1 kHz
        self._bank = _noise_bank(speech, self._rng)
        phase = self._rng.uniform(0, 2 * np.pi, (_BANK_FRAMES, _BINS)).astype(np.float32)
        self._cosines = torch.from_numpy(1.98 * np.cos(phase))  # under 2: no sum is quite zero

    @torch.no_grad()
    def hear(self, audio: Tensor) -> Tensor:
        """[B, samples] in [-1, 1] -> log-mel [B, frames, 80]."""
        size = len(audio)
        clean = spectrum(self._clipped(audio))
        power = clean.real.square() + clean.imag.square()
        frames = power.shape[1]
        power = self._mixed(power, self._tail(power).mul_(self._noise(size, frames, kinds=1)))
        power *= self._equaliser(size)
        level = _active_level(power)
        loud = self._uniform(*self._loud_snr, size)
        snr = torch.where(self._coin(0.6, size), loud, self._uniform(25, 60, size))
        amount = (level * 10 ** (-snr / 10))[:, None, None]
        noise = self._noise(size, frames, kinds=len(self._bank))
        noise = noise.mul_(self._equaliser(size) * amount)
        power = self._codec(self._mixed(power, noise))
        gain = 10 ** (self._uniform(-37, -8, size) / 10) * _WINDOW_ENERGY / level
        voices = torch.from_numpy(self._rng.integers(1, 1 + _VOICES, size=size))
        voices = torch.where(self._coin(0.8, size), voices, 0)
        mel = torch.bmm(power, self._filters[voices]) * gain[:, None, None]
        return self._masked(torch.log(mel + FLOOR))

    def _mixed(self, a: Tensor, b: Tensor) -> Tensor:
        """Power of the sum of two sounds of power `a` and `b`, at random phases."""
        size, frames = a.shape[:2]
        start = self._rng.integers(_BANK_FRAMES - frames, size=size)
        cosines = torch.stack([self._cosines[s : s + frames] for s in start])
        return cosines.mul_((a * b).sqrt_()).add_(a).add_(b)

    def _clipped(self, audio: Tensor) -> Tensor:
        drive = self._uniform(3, 8, len(audio))[:, None]
        hit = self._coin(0.1, len(audio))[:, None]
        return torch.where(hit, torch.tanh(audio * drive) / drive, audio)

    def _tail(self, power: Tensor) -> Tensor:
        """Power of a diffuse tail: a room, or the breath that fills a human's closures."""
        size = len(power)
        room = self._coin(0.5, size)
        seconds = torch.where(room, self._uniform(0.1, 0.7, size), self._uniform(0.03, 0.12, size))
        gain = torch.where(room, self._uniform(-30, -4, size), self._uniform(-40, -14, size))
        gain = torch.where(self._coin(0.1, size), -200.0, gain)
        keep = (10 ** (-6 * 0.01 / seconds))[:, None]
        tail = torch.empty_like(power)
        state = torch.zeros_like(power[:, 0])
        for frame in range(power.shape[1]):
            tail[:, frame] = state
            state = keep * state + (1 - keep) * power[:, frame]
        return tail * (10 ** (gain / 10))[:, None, None]

    def _equaliser(self, size: int) -> Tensor:
        """Gains of power [B, 1, 257]: a tilt, three peaks, sometimes a telephone's band."""
        rng, octave = self._rng, self._octave
        decibels = rng.normal(0, 2.0, (size, 1)) * octave
        for _ in range(3):
            centre, width = rng.uniform(-3, 3, (size, 1)), rng.uniform(0.3, 1.2, (size, 1))
            decibels += rng.uniform(-8, 8, (size, 1)) * np.exp(-(((octave - centre) / width) ** 2))
        low = np.where(rng.random((size, 1)) < 0.4, rng.uniform(-4.5, -1.7, (size, 1)), -9)
        high = np.where(rng.random((size, 1)) < 0.25, rng.uniform(1.75, 3, (size, 1)), 9)
        decibels -= 24 * np.maximum(low - octave, 0) + 60 * np.maximum(octave - high, 0)
        gains = 10 ** (np.clip(decibels, -60, 24) / 10)
        return torch.from_numpy(gains.astype(np.float32))[:, None, :]

    def _noise(self, size: int, frames: int, kinds: int) -> Tensor:
        """Spectra of unit power [B, frames, 257], of the first `kinds` kinds of noise."""
        kind = self._rng.integers(kinds, size=size)
        start = self._rng.integers(_BANK_FRAMES - frames, size=size)
        rows = [self._bank[k][s : s + frames] for k, s in zip(kind, start, strict=True)]
        return torch.stack(rows)

    def _codec(self, power: Tensor) -> Tensor:
        """Drops what lies far below a frame's peak, as codecs do, and adds quantisation noise."""
        size = len(power)
        hit = self._coin(0.2, size)[:, None, None]
        threshold = 10 ** (self._uniform(-45, -25, size) / 10)[:, None, None]
        peak = power.amax(dim=2, keepdim=True)
        dropped = torch.where(power < peak * threshold, power * 0.03, power)
        quantised = dropped + 3e-4 * power.mean(dim=2, keepdim=True)
        return torch.where(hit, quantised, power)

    def _masked(self, mel: Tensor) -> Tensor:
        """Hides a band from half of the rows, so that no band is indispensable."""
        size = len(mel)
        first = self._uniform(0, 80, size)[:, None]
        width = torch.where(self._coin(0.5, size), self._uniform(0, 12, size), 0.0)[:, None]
        band = torch.arange(mel.shape[2])[None, :]
        inside = (band >= first) & (band < first + width)
        return torch.where(inside[:, None, :], mel.mean(dim=(1, 2), keepdim=True), mel)

    def _uniform(self, low: float, high: float, size: int) -> Tensor:
        return torch.from_numpy(self._rng.uniform(low, high, size).astype(np.float32))

    def _coin(self, probability: float, size: int) -> Tensor:
        return torch.from_numpy(self._rng.random(size) < probability)


def _vocal_tract(rng: np.random.Generator) -> NDArray[np.float32]:
    """Mel filters [257, 80] that make one voice sound like another.

    A longer or shorter tract moves all formants, another shape moves each on its own; a softer
    voice blurs them. The warp ends at 8 kHz, so that no band falls out.
    """
    knots = np.array([0, 600, 1800, 3500, 5000, 8000.0])
    scale = rng.uniform(np.log(0.83), np.log(1.2)) + rng.uniform(-0.05, 0.05, len(knots))
    moved = knots * np.exp(scale)
    moved[-1] = knots[-1] if moved[-2] < knots[-1] else 1.2 * moved[-2]
    bins = np.arange(_BINS) * SAMPLE_RATE / FFT
    filters = mel_filters(np.interp(bins, knots, moved))
    blur = rng.uniform(0.3, 2.0)  # bins
    spread = np.exp(-(((np.arange(_BINS)[:, None] - np.arange(_BINS)) / blur) ** 2))
    return np.asarray((spread / spread.sum(axis=1, keepdims=True)) @ filters, np.float32)


def _active_level(power: Tensor) -> Tensor:
    """Mean power per bin of the louder frames of each row: [B]; 1 for rows of silence."""
    frames = power.mean(dim=2)
    active = frames > 0.03 * frames.amax(dim=1, keepdim=True)
    level = (frames * active).sum(dim=1) / active.sum(dim=1).clamp(min=1)
    return torch.where(level > 1e-7, level, 1.0)


def _noise_bank(speech: Sequence[NDArray[np.int16]], rng: np.random.Generator) -> list[Tensor]:
    """White first, then coloured noises, hum, and babble of few and of many voices.

    Most is babble, the hardest kind; and there must be enough not to be learnt by heart.
    """
    samples = _BANK_FRAMES * 160 + 400
    kinds = [coloured_noise(slope, samples, rng) for slope in (0.0, -0.5, -1.0)]
    time = np.arange(samples) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * time + k * k) / k for k in range(1, 12))
    kinds.append(hum + 0.3 * coloured_noise(-0.5, samples, rng))
    kinds += [babble(speech, voices, samples, rng) for voices in (3, 4, 5, 6, 6, 7, 8, 8)]
    bank = []
    for noise in kinds:
        scaled = noise / np.sqrt(np.mean(noise**2))
        spectra = spectrum(torch.from_numpy(scaled.astype(np.float32)))
        bank.append(spectra.abs().square() / _WINDOW_ENERGY)
    return bank
