# SPDX-License-Identifier: Apache-2.0
"""One loaded plan: immutable, shared by its sessions."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talkrt import _core
from talkrt.cameras import Camera
from talkrt.errors import Error
from talkrt.session import Session

FRAME_MEMORY = ("host", "device")  # by talkrt_frame_memory
PIXEL_FORMATS = ("rgba8", "nv12", "rgba_f32")  # by talkrt_pixel_format

Background = str | tuple[float, float, float] | NDArray[np.uint8]


class Model:
    """Made by Engine.load; keeps its engine alive."""

    def __init__(self, core: _core.Model) -> None:
        self._core = core
        self.kind = core.kind  # "gaussian", "avatar", "vasa1"; "scene" takes no audio
        self.name = core.name
        self.sample_rate = core.sample_rate  # Hz, of the audio that sessions take; 0: none
        self.size = (core.width, core.height)  # pixels, as exported
        self.fps = Fraction(*core.fps)  # as exported
        self.look_ahead = core.look_ahead  # samples a frame needs beyond its own time, at most
        self.emotions = tuple(core.emotions)
        self.target = np.array(core.target)  # [3] the point that a free camera should turn about
        self.up = np.array(core.up)  # [3] the direction that it should keep upright, unit length

    @property
    def host_bytes(self) -> int:
        """Memory that the loaded model holds."""
        return self._core.host_bytes

    @property
    def host_budget_bytes(self) -> int:
        return self._core.host_budget_bytes

    @property
    def pinned_bytes(self) -> int:
        """Page-locked memory of the host that it holds; counts against host_budget_bytes."""
        return self._core.pinned_bytes

    @property
    def device_bytes(self) -> int:
        """Memory of the GPU that it holds."""
        return self._core.device_bytes

    @property
    def device_budget_bytes(self) -> int:
        return self._core.device_budget_bytes

    @property
    def load_ms(self) -> float:
        return self._core.load_ms

    @property
    def needs_portrait(self) -> bool:
        """Whether sessions animate a picture of a face that the host gives."""
        return self.kind == "vasa1"

    @property
    def takes_audio(self) -> bool:
        """Whether sessions are pushed audio and pulled frames; a scene is only drawn."""
        return self.sample_rate > 0

    @property
    def feature_shape(self) -> tuple[int, int] | None:
        """[row_width, channels] of the features that sessions take instead of audio, if so."""
        features = self.describe()["manifest"].get("features", {})
        if features.get("kind") != "rows" or "encoder" in features:
            return None
        return features["row_width"], features["channels"]

    def camera(self, size: tuple[int, int] | None = None) -> Camera:
        """The plan's own camera, for pictures of `size`; they keep its vertical field of view."""
        viewmat, K, found = _core.camera(self._core, size or self.size)
        return Camera(np.reshape(viewmat, (4, 4)), np.reshape(K, (3, 3)), found)

    def describe(self) -> dict[str, Any]:
        """The plan's manifest and a summary of its tensors."""
        description: dict[str, Any] = json.loads(self._core.describe_json())
        return description

    def session(
        self,
        *,
        size: tuple[int, int] | None = None,
        fps: float | Fraction | None = None,
        background: Background = "plan",
        seed: int = 1,
        idle_motion: bool = True,
        frame_slots: int = 0,
        audio_capacity: int = 0,
        portrait: NDArray[np.uint8] | None = None,
        portrait_crop: ArrayLike | None = None,
        crop_only: bool = False,
        steps: int | None = None,
        hop: int | None = None,
        eta: float = 0.0,
        guidance: float | None = None,
        frame_memory: str = "host",
        frames_ahead: int = 0,
        pixel_format: str = "rgba8",
    ) -> Session:
        """One head, talking: takes all the memory it will ever need, or raises BudgetError. Or one
        scene, for which only `size` (by default of what is drawn) and `background` mean anything.

        size: (width, height) in pixels, by default the plan's.
        fps: frames per second of audio time, by default the plan's.
        background: "plan", "transparent", (r, g, b) from 0 to 1, or a picture of the frame's size
        as uint8 [H, W, 3].
        seed: of blinks, gaze and head motion; idle_motion: whether there are any.
        frame_slots: frames that may be held at once.
        audio_capacity: samples that push_audio can hold ahead of pull, by default two seconds.

        Models that animate a portrait (`needs_portrait`) take these, others refuse them:
        portrait: uint8 [H, W, 3], or [H, W, 4] to be laid over white. portrait_crop: [2, 3], from
        its pixel indices to those of the crop that the networks see; without one the portrait is
        that crop. By default a frame is the whole picture in its own size, or with crop_only the
        crop in the plan's.
        steps: of denoising, by default the plan's. eta: noise drawn on the way, 0 to 1. guidance:
        how strongly motion follows speech, by default the plan's. seed: of this noise, too.
        hop: frames of motion made at once, by default the plan's whole window; fewer look less far
        ahead (Session.look_ahead) and cost a window's work each.

        pixel_format: of frames: "rgba8", or "nv12" (BT.709, limited range) as video encoders take
        it, not with a transparent background; where a GPU draws also "rgba_f32".

        Where a GPU draws:
        frame_memory: "host", or "device" for frames that stay in the GPU's memory, as torch, CuPy
        and PyCUDA take them; pull then does not wait for the GPU.
        frames_ahead: 0 to 2 frames that are drawn while the host has the one before; controls reach
        a frame when it is begun, and each takes a slot.
        """
        if frame_memory not in FRAME_MEMORY:
            raise Error(f"frame_memory is {frame_memory!r}, expected 'host' or 'device'")
        if pixel_format not in PIXEL_FORMATS:
            raise Error(
                f"pixel_format is {pixel_format!r}, expected one of {', '.join(PIXEL_FORMATS)}"
            )
        width, height = size or (0, 0)
        rate = self.fps if fps is None else Fraction(str(fps)).limit_denominator(1_000_000)
        kind, color, image = _background(background)
        core = self._core.session(
            width=width,
            height=height,
            fps=(rate.numerator, rate.denominator),
            frame_slots=frame_slots,
            audio_capacity=audio_capacity,
            seed=seed,
            idle_motion=idle_motion,
            background=kind,
            background_color=color,
            background_image=image,
            portrait=_picture(portrait),
            portrait_crop=_crop(portrait_crop),
            portrait_crop_only=crop_only,
            motion_steps=steps or 0,
            motion_hop=hop or 0,
            motion_eta=eta,
            motion_guidance=-1.0 if guidance is None else guidance,
            frame_memory=FRAME_MEMORY.index(frame_memory),
            frames_ahead=frames_ahead,
            pixel_format=PIXEL_FORMATS.index(pixel_format),
        )
        return Session(core, self.sample_rate, self.emotions)


def _picture(value: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    if value is None:
        return None
    if value.dtype != np.uint8 or value.ndim != 3 or value.shape[2] not in (3, 4):
        raise Error(f"portrait is {value.dtype} {value.shape}, expected uint8 [H, W, 3 or 4]")
    return np.ascontiguousarray(value)


def _crop(value: ArrayLike | None) -> list[float]:
    matrix = np.zeros((2, 3)) if value is None else np.asarray(value, np.float64)
    if matrix.shape != (2, 3):
        raise Error(f"portrait_crop has shape {matrix.shape}, expected (2, 3)")
    flat: list[float] = matrix.ravel().tolist()
    return flat


def _background(
    value: Background,
) -> tuple[int, tuple[float, float, float], NDArray[np.uint8] | None]:
    black = (0.0, 0.0, 0.0)
    if isinstance(value, np.ndarray):
        if value.dtype != np.uint8 or value.ndim != 3 or value.shape[2] != 3:
            raise Error(f"background is {value.dtype} {value.shape}, expected uint8 [H, W, 3]")
        return _core.BACKGROUND_IMAGE, black, np.ascontiguousarray(value)
    if isinstance(value, tuple):
        if len(value) != 3 or not all(0.0 <= part <= 1.0 for part in value):
            raise Error(f"background color is {value}, expected (r, g, b), each 0 to 1")
        return _core.BACKGROUND_COLOR, value, None
    if value == "plan":
        return _core.BACKGROUND_PLAN, black, None
    if value == "transparent":
        return _core.BACKGROUND_TRANSPARENT, black, None
    raise Error(f"background is {value!r}, expected 'plan', 'transparent', a color or a picture")
