# SPDX-License-Identifier: Apache-2.0
"""Runs a network over streams, clean or in noise, and scores it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .dataset import Stream
from .log_mel import MELS, log_mel
from .metrics import Clip, Scores, make_clip, score
from .network import SpeechNet, normalise_sequence
from .noise import noisy
from .steps import FRAMES_PER_STEP, STEP, TIME_OFFSET

# Silence behind the end, so that the last labels have an answer.
TAIL = -TIME_OFFSET + 2 * STEP


@torch.no_grad()
def predict(
    net: SpeechNet, audio: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """[samples] -> coefficients [N, 14], closure [N], energy [N], one row per step."""
    mel = log_mel(torch.from_numpy(audio))
    steps = len(mel) // FRAMES_PER_STEP
    grouped = mel[: steps * FRAMES_PER_STEP].reshape(1, steps, FRAMES_PER_STEP, MELS)
    features, _, _ = normalise_sequence(grouped, net.initial_mean[None], net.initial_peak[None])
    raw, _ = net(features)
    coefficients, closure, energy = (out[0].double().numpy() for out in net.outputs(raw))
    return coefficients, closure[:, 0], energy[:, 0]


def answers_of(
    net: SpeechNet, streams: Sequence[Stream], noise: str, seed: int
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Coefficients and closure of each stream in "clean" or in one of noise.NOISES at 10 dB.

    Babble is made of the streams themselves.
    """
    rng = np.random.default_rng(seed)
    voices = [stream.audio for stream in streams]
    answers = []
    for stream in streams:
        heard = noisy(stream.audio, stream.labels.speech, noise, voices, rng)
        padded = np.concatenate([heard, np.zeros(TAIL, np.float32)])
        coefficients, closure, _ = predict(net, padded)
        answers.append((coefficients, closure))
    return answers


def clips_of(net: SpeechNet, streams: Sequence[Stream], noise: str, seed: int) -> list[Clip]:
    pairs = zip(answers_of(net, streams, noise, seed), streams, strict=True)
    return [make_clip(*answer, stream.labels) for answer, stream in pairs]


def score_streams(net: SpeechNet, streams: Sequence[Stream], noise: str, seed: int) -> Scores:
    return score(clips_of(net, streams, noise, seed))
