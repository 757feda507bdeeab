# SPDX-License-Identifier: Apache-2.0
"""The check clip of a Gaussian plan: a little speech, and the frames that it must become.

Nothing here runs in the engine: PyTorch evaluates the network and the features, NumPy the rig and
the rasterizer, in float64. So the clip tells a wrong runtime, driver or CPU from a right one. Idle
motion and emotion are off, as they are when the clip is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..to_onnx import Graph
from .reference import pose, rasterize
from .speech import lip_rules

if TYPE_CHECKING:
    from .avatar import Avatar

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

SAMPLE_RATE = 16000
FEATURES = {
    "kind": "log_mel",
    "fft_size": 512,
    "window": 400,
    "hop": 160,
    "mels": 80,
    "f_min": 60.0,
    "f_max": 7600.0,
    "floor": 1e-5,
}
AUDIO = Path(__file__).with_name("check_speech.npy")  # int16, the head's first words
FRAMES = (3, 13, 22, 31)  # at 25 a second: rest, then three mouth shapes
MIN_PSNR_DB = 40.0  # rounding to 8 bits alone leaves about 59; a wrong frame is far below 40


@dataclass(frozen=True, slots=True)
class MotionTrack:
    """What the network says, step by step, after the lip rule."""

    first_sample: int  # audio sample of row 0; negative: look-ahead reaches before the audio
    step_samples: int
    rows: DoubleArray  # [steps, C]
    channels: Sequence[Sequence[str]]  # by column, the channels that it drives

    def at(self, sample: int) -> dict[str, float]:
        """Channel values for one audio sample, linear between steps."""
        steps = np.arange(len(self.rows)) * self.step_samples + self.first_sample
        values = [float(np.interp(sample, steps, column)) for column in self.rows.T]
        drives = zip(values, self.channels, strict=True)
        return {channel: value for value, names in drives for channel in names}


def load_audio() -> FloatArray:
    """Mono samples at SAMPLE_RATE."""
    return np.asarray(np.load(AUDIO) / 32768, np.float32)


def log_mel_rows(audio: FloatArray) -> DoubleArray:
    """[frames, mels], with the silence after the end that look-ahead hears."""
    import torch

    from .speech.log_mel import log_mel

    padded = np.concatenate([audio.astype(np.float64), np.zeros(SAMPLE_RATE // 4)])
    rows: DoubleArray = log_mel(torch.from_numpy(padded)).numpy()
    return rows


def speech_track(graph: Graph, mel: DoubleArray, motion: Mapping[str, Any]) -> MotionTrack:
    """Runs the PyTorch graph over log-mel rows, states fed back; `motion` as in the manifest."""
    import torch

    per_step = int(motion["frames_per_step"])
    states = [
        torch.zeros(state.shape)
        if state.init is None
        else torch.from_numpy(state.init.astype(np.float32))
        for state in graph.states
    ]
    names = [port.name for port in graph.outputs]
    rows = []
    with torch.no_grad():
        for step in range(len(mel) // per_step):
            block = mel[step * per_step : (step + 1) * per_step].astype(np.float32)
            found = graph.module(torch.from_numpy(block)[None], *states)
            states = list(found[len(names) :])
            outputs = {name: value.numpy()[0] for name, value in zip(names, found, strict=False)}
            strength = lip_rules.closure_strength(outputs["closure"].astype(np.float64))
            rows.append(
                lip_rules.close_lips(outputs["coefficients"].astype(np.float64), strength[0])
            )
    channels = [tuple(row["channels"]) for row in motion["coefficients"]]
    return MotionTrack(motion["time_offset"], motion["step_samples"], np.array(rows), channels)


def reference_frames(
    avatar: Avatar,
    track: MotionTrack,
    width: int,
    height: int,
    fps: Fraction,
    frames: Sequence[int],
    progress: Callable[[], None] = lambda: None,
) -> list[bytes]:
    """A PNG of each frame, by the float64 reference."""
    from talkrt.pictures import PngEncoder

    encoder = PngEncoder((width, height), opaque=True)
    backdrop = stretched(avatar.background, width, height) / 255.0
    pictures = []
    for frame in frames:
        values = track.at(int(frame * SAMPLE_RATE / fps))
        known = {name: value for name, value in values.items() if name in avatar.rig.channels}
        posed = pose(avatar.cloud, avatar.rig, known)
        image = rasterize(posed, avatar.viewmat, avatar.K, width, height, backdrop)
        color = np.rint(np.clip(image.color, 0, 1) * 255).astype(np.uint8)
        opaque = np.full((height, width, 1), 255, np.uint8)
        pictures.append(encoder.encode(np.concatenate([color, opaque], axis=2)))
        progress()
    return pictures


def stretched(picture: NDArray[np.uint8], width: int, height: int) -> DoubleArray:
    """[h, w, 3] enlarged to [height, width, 3], linear between pixel centres, in whole steps."""
    grown = picture.astype(np.float64)
    for axis, size in ((0, height), (1, width)):
        old = grown.shape[axis]
        at = (np.arange(size) + 0.5) * old / size - 0.5
        low = np.clip(np.floor(at).astype(int), 0, old - 1)
        high = np.minimum(low + 1, old - 1)
        share = np.clip(at - low, 0, 1)
        share = share[:, None, None] if axis == 0 else share[None, :, None]
        grown = (1 - share) * grown.take(low, axis) + share * grown.take(high, axis)
    return np.floor(grown + 0.5)
