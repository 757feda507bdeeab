# SPDX-License-Identifier: Apache-2.0
"""Training batches: random crops of streams, at random speeds, with labels that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .dataset import Stream
from .labels import HOP
from .log_mel import MEL_HOP, WINDOW
from .microphone import Microphone
from .steps import STEP, TIME_OFFSET
from .visemes import REST_TARGETS

_LEAD = 2000  # samples of a stream before the first crop: the first labels lie before its audio
_BABBLE_STREAMS = 40


@dataclass(frozen=True, slots=True)
class Batch:
    mel: Tensor  # [B, T, 2, 80]
    coefficients: Tensor  # [B, T, 14]
    closure: Tensor  # [B, T] 0 or 1
    silence: Tensor  # [B, T] 0 or 1
    energy: Tensor  # [B, T]
    viseme: Tensor  # [B, T] class index


class Batches:
    """Draws batches for ever; equal seeds and streams give equal batches."""

    def __init__(
        self,
        streams: Sequence[Stream],
        weights: NDArray[np.float64],
        loud_snr: tuple[float, float],
        seed: int,
    ) -> None:
        self._streams = streams
        self._weights = weights / weights.sum()
        self._rng = np.random.default_rng(seed)
        some = self._rng.choice(len(streams), min(_BABBLE_STREAMS, len(streams)), replace=False)
        babble = [streams[i].audio for i in some]
        self._microphone = Microphone(babble, loud_snr, seed + 1)

    def draw(self, size: int, steps: int) -> Batch:
        rng = self._rng
        span = (2 * steps - 1) * MEL_HOP + WINDOW
        which = rng.choice(len(self._streams), size, p=self._weights)
        speeds = np.where(rng.random(size) < 0.6, rng.uniform(0.85, 1.18, size), 1.0)
        silent = rng.random(size) < 0.08  # noise alone, at rest
        audio = np.zeros((size, span), np.float32)
        labels: list[list[NDArray[np.float32]]] = []
        for row, (index, speed) in enumerate(zip(which, speeds, strict=True)):
            stream = self._streams[index]
            room = len(stream.audio) - _LEAD - int(span * speed) - 2
            start = _LEAD + HOP * int(rng.integers(room // HOP))
            if not silent[row]:
                audio[row] = _stretched(stream.audio, start, float(speed), span)
            labels.append(_labels(stream, start, float(speed), steps, bool(silent[row])))
        tracks = [torch.from_numpy(np.stack(track)) for track in zip(*labels, strict=True)]
        coefficients, closure, silence, energy, viseme = tracks
        mel = self._microphone.hear(torch.from_numpy(audio)).reshape(size, steps, 2, -1)
        return Batch(mel, coefficients, closure, silence, energy, viseme.long())


def _stretched(
    audio: NDArray[np.int16], start: int, speed: float, span: int
) -> NDArray[np.float32]:
    """`span` samples of audio from `start` on, played at `speed` (which moves the pitch too)."""
    if speed == 1.0:
        return np.asarray(audio[start : start + span] / 32768, np.float32)
    position = np.arange(span, dtype=np.float32) * np.float32(speed)
    whole = position.astype(np.int32)
    part = position - whole
    piece = audio[start : start + int(whole[-1]) + 2].astype(np.float32) / 32768
    return np.asarray(piece[whole] * (1 - part) + piece[whole + 1] * part, np.float32)


def _labels(
    stream: Stream, start: int, speed: float, steps: int, silent: bool
) -> list[NDArray[np.float32]]:
    """Coefficients, closure, silence, energy and viseme at the steps' answer times."""
    source = stream.labels
    if silent:
        rest = np.broadcast_to(REST_TARGETS.astype(np.float32), (steps, len(REST_TARGETS)))
        none = np.zeros(steps, np.float32)
        return [rest.copy(), none, none + 1, none, none]
    place = (start + speed * (np.arange(steps) * STEP + TIME_OFFSET)) / HOP
    low = place.astype(np.int64)
    part = (place - low).astype(np.float32)[:, None]
    near = np.rint(place).astype(np.int64)
    tracks = source.coefficients[low] * (1 - part) + source.coefficients[low + 1] * part
    return [
        tracks.astype(np.float32),
        source.closure[near].astype(np.float32),
        source.silence[near].astype(np.float32),
        source.energy[near].astype(np.float32),
        source.viseme[near].astype(np.float32),
    ]
