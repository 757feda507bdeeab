# SPDX-License-Identifier: Apache-2.0
"""Runs a network over streams, clean or in noise, and scores it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .batches import STEP, TIME_OFFSET
from .dataset import Stream
from .log_mel import MELS, log_mel
from .metrics import Clip, Scores, make_clip, score
from .microphone import babble, coloured_noise
from .network import STEP_FRAMES, SpeechNet, normalise_sequence

NOISES = ("white", "pink", "babble")


@torch.no_grad()
def predict(
    net: SpeechNet, audio: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """[samples] -> coefficients [N, 14], closure [N], energy [N], one row per step."""
    mel = log_mel(torch.from_numpy(audio))
    steps = len(mel) // STEP_FRAMES
    grouped = mel[: steps * STEP_FRAMES].reshape(1, steps, STEP_FRAMES, MELS)
    features, _, _ = normalise_sequence(grouped, net.initial_mean[None], net.initial_peak[None])
    raw, _ = net(features)
    out = torch.sigmoid(raw[0]).double().numpy()
    return out[:, :-2], out[:, -2], out[:, -1]


def clip_of(net: SpeechNet, stream: Stream, audio: NDArray[np.float32]) -> Clip:
    # Silence behind the end, so that the last labels have an answer.
    tail = np.zeros(-TIME_OFFSET + 2 * STEP, np.float32)
    coefficients, closure, _ = predict(net, np.concatenate([audio, tail]))
    return make_clip(coefficients, closure, STEP, TIME_OFFSET, stream.labels)


def score_streams(net: SpeechNet, streams: Sequence[Stream], noise: str, seed: int) -> Scores:
    """`noise` is "clean" (a floor at 60 dB) or one of NOISES, at 10 dB below the speech."""
    rng = np.random.default_rng(seed)
    voices = [stream.audio for stream in streams]
    clips = []
    for stream in streams:
        audio = noisy(stream, noise, voices, rng)
        clips.append(clip_of(net, stream, audio))
    return score(clips)


def noisy(
    stream: Stream, noise: str, voices: Sequence[NDArray[np.int16]], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The stream's audio with noise; the level of speech is its RMS outside pauses."""
    audio = stream.audio / 32768.0
    talking = np.repeat(stream.labels.speech, len(audio) // len(stream.labels.speech))
    level = np.sqrt(np.mean(audio[: len(talking)][talking] ** 2))
    decibels = -60 if noise == "clean" else -10
    match noise:
        case "clean" | "white":
            added = coloured_noise(0.0, len(audio), rng)
        case "pink":
            added = coloured_noise(-0.5, len(audio), rng)
        case "babble":
            added = babble(voices, 6, len(audio), rng)
        case _:
            raise ValueError(f"noise {noise!r} is not one of clean, {', '.join(NOISES)}")
    return np.asarray(audio + level * 10 ** (decibels / 20) * added, np.float32)
