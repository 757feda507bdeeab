# SPDX-License-Identifier: Apache-2.0
"""What the bench lets a head say: a file, the plan's check audio, or a made-up murmur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from talkrt.errors import Error
from talkrt.plan_file import PlanFile

FloatArray = NDArray[np.float32]

_MOST_SECONDS = 60  # of a file: it is repeated anyway


@dataclass(frozen=True, slots=True)
class Speech:
    source: str  # for the report
    samples: FloatArray  # [n] at the plan's rate


def speech_for(plan: PlanFile, rate: int, path: str | None) -> Speech:
    if path is not None:
        return Speech(path, _from_file(path, rate))
    if any(info.name == "check/audio" for info in plan.tensors):
        return Speech("the plan's check audio", plan.tensor("check/audio").astype(np.float32))
    return Speech("a synthetic murmur: the plan has no check audio", murmur(rate, seconds=4))


def murmur(rate: int, seconds: int) -> FloatArray:
    """A buzz of 120 Hz with noise, opening and closing four times a second as syllables do."""
    t = np.arange(seconds * rate) / rate
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    noise = np.random.default_rng(1).standard_normal(t.size)
    syllables = np.clip(np.sin(2 * np.pi * 4 * t), 0, None)
    return np.asarray(0.1 * syllables * (buzz + 0.3 * noise), np.float32)


def _from_file(path: str, rate: int) -> FloatArray:
    from talkrt.audio import mono, open_audio

    chunks: list[FloatArray] = []
    for chunk in mono(open_audio(path), rate):
        chunks.append(chunk)
        if sum(map(len, chunks)) >= _MOST_SECONDS * rate:
            break
    samples = np.concatenate(chunks)[: _MOST_SECONDS * rate]
    if samples.size < rate // 10:
        raise Error(f"{path}: {samples.size / rate:.3f} s of audio; the bench needs 0.1 s or more")
    return samples
