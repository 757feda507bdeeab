# SPDX-License-Identifier: Apache-2.0
"""One head, talking: push audio, pull frames; or one scene. Both are drawn from any camera."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talkrt import _core
from talkrt._core import Frame, View
from talkrt.controls import Controls
from talkrt.errors import Error


@dataclass(frozen=True, slots=True)
class Stats:
    width: int
    height: int
    fps_num: int
    fps_den: int
    frames: int  # delivered
    audio_pushed: int  # samples accepted since the session began
    audio_dropped: int  # by interrupts
    audio_queued: int  # accepted, not yet consumed
    host_bytes: int  # held by this session
    pinned_bytes: int  # the same, page-locked
    device_bytes: int  # the same, of the GPU


class Session:
    """Made by Model.session. One thread may push while another pulls; interrupt, set_controls and
    stats may be called from any thread. The GIL is free while the engine works."""

    def __init__(self, core: _core.Session, sample_rate: int, emotions: tuple[str, ...]) -> None:
        self._core = core
        self._emotions = {name: index for index, name in enumerate(emotions)}
        self.sample_rate = sample_rate  # Hz, what push_audio takes

    def push_audio(self, samples: ArrayLike, sample_rate: int | None = None) -> int:
        """Appends mono samples in [-1, 1] and returns how many of them fitted: push the rest after
        a pull. Never waits. A sample_rate other than the plan's is refused."""
        mono = np.ascontiguousarray(samples, dtype=np.float32)
        if mono.ndim != 1:
            raise Error(f"audio has shape {mono.shape}, expected mono samples [n]")
        return self._core.push_audio(mono, self.sample_rate if sample_rate is None else sample_rate)

    def push_features(self, rows: ArrayLike) -> int:
        """The same for a model that takes features instead of audio: rows [T, row_width, channels],
        one for each frame at the plan's rate. Returns how many rows fitted."""
        values = np.ascontiguousarray(rows, dtype=np.float32)
        if values.ndim != 3:
            raise Error(f"features have shape {values.shape}, expected [T, row_width, channels]")
        return self._core.push_features(values.reshape(len(values), -1))

    def finish_audio(self) -> None:
        """No more audio will come: the last frames need not wait for look-ahead."""
        self._core.finish_audio()

    def interrupt(self) -> None:
        """The speaker was cut off: drops audio that has not become frames yet."""
        self._core.interrupt()

    def pull(self, out: NDArray[np.uint8] | None = None) -> Frame | None:
        """Renders the next frame, or returns None when it needs more audio or the stream has ended
        (`ended` tells which). With `out`, RGBA uint8 [H, W, 4], the pixels go there."""
        return self._core.pull() if out is None else self._core.pull_into(out)

    def draw(
        self,
        viewmat: ArrayLike,
        K: ArrayLike,
        size: tuple[int, int] | None = None,
        *,
        image: bool = True,
        alpha: bool = True,
        depth: bool = True,
    ) -> View:
        """What is shown now, from a camera: a scene, or the head as in its last frame. Holds what
        was asked for, each [H, W, ...], read-only and never written again: image uint8 RGBA, alpha
        and depth float32. Belongs to the thread that pulls.

        viewmat: world to camera [4, 4]. K: intrinsics [3, 3] in pixels.
        size: (width, height), by default the session's. A frame's own view is
        `draw(*model.camera(size))`.
        """
        if size is None:
            stats = self.stats
            size = stats.width, stats.height
        return _core.draw(
            self._core,
            _floats("viewmat", viewmat, 4),
            _floats("K", K, 3),
            size,
            image=image,
            floats=alpha,
            depth=depth,
        )

    def frames(self) -> Iterator[Frame]:
        """Pulls until there is no frame to be had now."""
        while (frame := self._core.pull()) is not None:
            yield frame

    @property
    def ended(self) -> bool:
        """Whether the last pull found that every frame of the finished audio was delivered."""
        return self._core.ended

    def set_controls(self, controls: Controls) -> None:
        """Takes effect on the next pull; a change of emotion fades over about half a second."""
        index = self._emotions.get(controls.emotion)
        if index is None:
            known = ", ".join(self._emotions) or "none"
            raise Error(
                f"emotion {controls.emotion!r} is not known to this model; it knows: {known}",
                "TALKRT_ERROR_NOT_FOUND",
            )
        self._core.set_controls(
            emotion=index,
            emotion_intensity=controls.emotion_intensity,
            gaze_yaw=controls.gaze_yaw,
            gaze_pitch=controls.gaze_pitch,
            head_yaw=controls.head_yaw,
            head_pitch=controls.head_pitch,
            head_roll=controls.head_roll,
            head_distance=controls.head_distance,
            head_motion=controls.head_motion,
            blink=controls.blink,
            expression_scale=controls.expression_scale,
        )

    @property
    def stats(self) -> Stats:
        return Stats(**self._core.stats())

    @property
    def size(self) -> tuple[int, int]:
        """Of its frames, pixels."""
        stats = self.stats
        return stats.width, stats.height

    @property
    def fps(self) -> Fraction:
        """Frames per second of audio time."""
        stats = self.stats
        return Fraction(stats.fps_num, stats.fps_den)

    @property
    def device(self) -> str:
        """What draws its pictures: "cpu" or "cuda"."""
        name: str = self.describe()["device"]
        return name

    @property
    def look_ahead(self) -> int:
        """Samples that a frame of this session needs beyond its own time, at most."""
        samples: int = self.describe()["look_ahead"]
        return samples

    def describe(self) -> dict[str, Any]:
        """device, look_ahead, and graphs: name, runs, calls and ms of each, so far."""
        description: dict[str, Any] = json.loads(self._core.describe_json())
        return description

    def channels(self) -> list[float]:
        """Numbers that the last frame shows: channels in the order of the manifest's
        gaussian.channels, or the x, y and z of a portrait's 21 keypoints."""
        return self._core.channels()


def _floats(name: str, value: ArrayLike, side: int) -> list[float]:
    matrix = np.asarray(value, np.float32)
    if matrix.shape != (side, side):
        raise Error(f"{name} has shape {matrix.shape}, expected ({side}, {side})")
    flat: list[float] = matrix.ravel().tolist()
    return flat
