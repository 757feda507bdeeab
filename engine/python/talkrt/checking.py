# SPDX-License-Identifier: Apache-2.0
"""A plan's check clip: its audio is run here, or its cameras are drawn, and the frames are compared
with the pictures that the float64 reference made. A wrong driver, library or CPU shows up as a
number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talkrt.controls import Controls
from talkrt.engine import Engine
from talkrt.errors import PlanError
from talkrt.model import Model
from talkrt.pictures import decode_png
from talkrt.plan_file import PlanFile


@dataclass(frozen=True, slots=True)
class FrameCheck:
    index: int
    psnr_db: float  # infinite when the pictures are equal
    largest_difference: int  # of 255
    passed: bool


@dataclass(frozen=True, slots=True)
class Check:
    min_psnr_db: float
    frames: tuple[FrameCheck, ...]

    @property
    def passed(self) -> bool:
        return all(frame.passed for frame in self.frames)


def replay(plan: PlanFile, engine: Engine) -> Check:
    """Renders the check clip here and compares."""
    spec = plan.manifest.get("check")
    if not spec:
        raise PlanError(
            f"{plan.path}: has no check clip; export it again to get one",
            "TALKRT_ERROR_PLAN_UNSUPPORTED",
        )
    floor = float(spec["min_psnr_db"])
    model = engine.load(plan.path)
    images = _spoken(model, plan, spec) if model.takes_audio else _seen(model, spec)
    wanted = set(spec["frames"] if model.takes_audio else range(len(spec["cameras"])))
    results = []
    for index, image in images:
        if index in wanted:
            expected = decode_png(plan.tensor(f"check/frame/{index}").tobytes())
            results.append(_compare(index, image, expected, floor))
        if len(results) == len(wanted):
            break  # the clip may go on for minutes
    if missing := wanted - {result.index for result in results}:
        raise PlanError(
            f"{plan.path}: its check audio ends before frames {sorted(missing)}; export it again",
            "TALKRT_ERROR_PLAN_CORRUPT",
        )
    return Check(floor, tuple(results))


def psnr(image: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB over 8-bit values; infinite when equal."""
    error = np.mean((image.astype(np.float64) - expected.astype(np.float64)) ** 2)
    return math.inf if error == 0.0 else 10.0 * math.log10(255.0**2 / float(error))


def _seen(model: Model, spec: dict[str, Any]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """A scene's pictures."""
    size = (spec["width"], spec["height"])
    session = model.session(size=size)
    for index, camera in enumerate(spec["cameras"]):
        viewmat, K = np.reshape(camera["viewmat"], (4, 4)), np.reshape(camera["K"], (3, 3))
        view = session.draw(viewmat, K, size, alpha=False, depth=False)
        assert view.image is not None
        yield index, view.image


def _spoken(
    model: Model, plan: PlanFile, spec: dict[str, Any]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """A head's frames, with idle motion and emotion off, as the pictures were made."""
    sampling = spec.get("sampling")  # of a model that animates a portrait
    shown: dict[str, Any] = (
        {"portrait": plan.tensor("check/portrait")} | sampling if sampling else {}
    )
    session = model.session(
        size=(spec["width"], spec["height"]),
        fps=Fraction(*spec["fps"]),
        idle_motion=False,
        **shown,
    )
    session.set_controls(Controls(emotion_intensity=0.0))
    features = model.feature_shape is not None
    push = session.push_features if features else session.push_audio
    rest = plan.tensor("check/rows" if features else "check/audio")
    while rest.size:
        rest = rest[push(rest) :]
        for frame in session.frames():
            yield frame.index, frame.image
    session.finish_audio()
    for frame in session.frames():
        yield frame.index, frame.image


def _compare(
    index: int, image: NDArray[np.uint8], expected: NDArray[np.uint8], floor: float
) -> FrameCheck:
    if image.shape != expected.shape:
        raise PlanError(
            f"check/frame/{index} is {expected.shape[1]}x{expected.shape[0]}, the manifest says "
            f"{image.shape[1]}x{image.shape[0]}; export the plan again",
            "TALKRT_ERROR_PLAN_CORRUPT",
        )
    colors, wanted = image[..., :3], expected[..., :3]
    decibels = psnr(colors, wanted)
    largest = int(np.abs(colors.astype(np.int16) - wanted.astype(np.int16)).max())
    return FrameCheck(index, decibels, largest, decibels >= floor)
