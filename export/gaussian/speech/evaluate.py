# SPDX-License-Identifier: Apache-2.0
"""Runs a network over streams, clean or in noise, and scores it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .dataset import Stream
from .log_mel import MELS, log_mel
from .metrics import Clip, Scores, make_clip, score
from .network import SpeechNet, normalise_sequence
from .noise import noisy
from .steps import FRAMES_PER_STEP, STEP, TIME_OFFSET

# Silence behind the end, so that the last labels have an answer.
TAIL = -TIME_OFFSET + 2 * STEP


@torch.no_grad()
def predict(net: SpeechNet, audio: NDArray[np.float32]) -> Tensor:
    """[samples] -> raw outputs [N, 17], one row per step."""
    mel = log_mel(torch.from_numpy(audio))
    steps = len(mel) // FRAMES_PER_STEP
    grouped = mel[: steps * FRAMES_PER_STEP].reshape(1, steps, FRAMES_PER_STEP, MELS)
    features, _, _ = normalise_sequence(grouped, net.initial_mean[None], net.initial_peak[None])
    raw: Tensor = net(features)[0][0]
    return raw


def raw_outputs(net: SpeechNet, streams: Sequence[Stream], noise: str, seed: int) -> list[Tensor]:
    """Raw outputs for each stream in "clean" or in one of noise.NOISES at 10 dB.

    Babble is made of the streams themselves.
    """
    rng = np.random.default_rng(seed)
    voices = [stream.audio for stream in streams]
    found = []
    for stream in streams:
        heard = noisy(stream.audio, stream.labels.speech, noise, voices, rng)
        found.append(predict(net, np.concatenate([heard, np.zeros(TAIL, np.float32)])))
    return found


def clip_of(net: SpeechNet, raw: Tensor, stream: Stream) -> Clip:
    coefficients, closure, _ = (out.double().numpy() for out in net.outputs(raw))
    return make_clip(coefficients, closure[:, 0], stream.labels)


def clips_of(net: SpeechNet, streams: Sequence[Stream], noise: str, seed: int) -> list[Clip]:
    raws = raw_outputs(net, streams, noise, seed)
    return [clip_of(net, raw, stream) for raw, stream in zip(raws, streams, strict=True)]


def score_streams(net: SpeechNet, streams: Sequence[Stream], noise: str, seed: int) -> Scores:
    return score(clips_of(net, streams, noise, seed))
