# SPDX-License-Identifier: Apache-2.0
"""The check clip of an avatar: what the original networks, a float64 rasterizer and the original's
own way of composing make of the recording's features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio_windows import audio_window
from ..cloud import quats_to_rotations
from ..gaussiantalker import composite as single
from ..reference import C0, Options, Posed, rasterize
from ..talkinggaussian import composite as layered
from ..track import mirrored
from .source import AvatarSource, Part

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
Attributes = Mapping[str, NDArray[Any]]  # by deform entry's output

FRAMES = (3, 9, 14)
MIN_PSNR_DB = 60.0  # a byte of sixteen off by one leaves 60; a wrong frame is far below
DRAWING = Options(convention="inria")


def frame_inputs(source: AvatarSource, frame: int) -> dict[str, FloatArray]:
    """What the graphs get for video frame `frame` of the check clip."""
    at = mirrored(source.played.frames, frame)
    played = {name: rows[at : at + 1] for name, rows in source.inputs.items()}
    return {"window": audio_window(source.played.rows, frame), **played}


def original_attributes(part: Part, inputs: Mapping[str, FloatArray]) -> dict[str, NDArray[Any]]:
    import torch

    fed = list(dict.fromkeys(p.name for g in part.graphs for p in g.inputs if "." not in p.source))
    with torch.no_grad():
        found = part.original(*(torch.from_numpy(inputs[name]) for name in fed))
    names = [port.name for port in part.graphs[-1].outputs]
    return {name: value.numpy() for name, value in zip(names, found, strict=True)}


class Draw(Protocol):
    """A rasterizer: Gaussians from one camera to colour [H, W, 3] and alpha [H, W]."""

    def __call__(
        self, posed: Posed, view: View, behind: NDArray[Any] | None
    ) -> tuple[FloatArray, FloatArray]: ...


@dataclass(frozen=True, slots=True)
class View:
    viewmat: FloatArray  # [4, 4] as the plan holds it
    K: DoubleArray  # [3, 3]
    width: int
    height: int


def draw_reference(
    posed: Posed, view: View, behind: NDArray[Any] | None
) -> tuple[FloatArray, FloatArray]:
    """In float64; `behind` is None or a picture."""
    background = np.zeros(3) if behind is None else behind
    image = rasterize(posed, view.viewmat, view.K, view.width, view.height, background, DRAWING)
    return image.color.astype(np.float32), image.alpha.astype(np.float32)


def picture(
    source: AvatarSource, frame: int, moved: Sequence[Attributes], draw: Draw = draw_reference
) -> ByteArray:
    """[H, W, 3] of video frame `frame`, from each part's attributes."""
    posed = _posed(source, moved)
    played = source.played
    at = mirrored(played.frames, frame)
    torso = _torso(source, at)
    background = played.backdrops.background
    view = View(played.viewmats[at].astype(np.float32), played.intrinsics, *played.size)
    if source.composite == "single":
        return single.to_bytes(draw(posed, view, single.backdrop(torso, background))[0])
    face, mouth = (
        np.concatenate([color, alpha[..., None]], axis=2)
        for color, alpha in (draw(_layer(posed, layer), view, None) for layer in (0, 1))
    )
    return layered.composite(face, mouth, layered.backdrop(torso, background), source.dilate)


def reference_pictures(
    source: AvatarSource, frames: Sequence[int], progress: Callable[[], None] = lambda: None
) -> list[ByteArray]:
    found = []
    for frame in frames:
        inputs = frame_inputs(source, frame)
        moved = [original_attributes(part, inputs) for part in source.parts]
        found.append(picture(source, frame, moved))
        progress()
    return found


def _posed(source: AvatarSource, moved: Sequence[Attributes]) -> Posed:
    cloud = source.cloud
    rest = {name: getattr(cloud, name) for name in ("means", "quats", "scales", "opacities", "sh")}
    now = {name: value.astype(np.float64) for name, value in rest.items()}
    for part, attributes in zip(source.parts, moved, strict=True):
        mine = slice(part.deform.first, part.deform.first + part.deform.count)
        for name, value in attributes.items():
            if name == "colors":  # as SH that say the same from everywhere
                now["sh"][mine] = 0
                now["sh"][mine, 0] = (value.astype(np.float64) - 0.5) / C0
            else:
                now[name][mine] = value
    return Posed(
        means=now["means"],
        frames=quats_to_rotations(now["quats"]) * now["scales"][:, None, :],
        sh=now["sh"],
        opacities=now["opacities"],
        layers=np.zeros(cloud.count, np.uint8) if source.layers is None else source.layers,
    )


def _layer(posed: Posed, layer: int) -> Posed:
    at = posed.layers == layer
    flat = np.zeros(int(at.sum()), np.uint8)
    return Posed(posed.means[at], posed.frames[at], posed.sh[at], posed.opacities[at], flat)


def _torso(source: AvatarSource, at: int) -> ByteArray:
    """[H, W, 4], transparent where there is none."""
    backdrops = source.played.backdrops
    whole = np.zeros((*backdrops.background.shape[:2], 4), np.uint8)
    if backdrops.torsos is not None:
        (row, column), torso = backdrops.corner, backdrops.torsos[at]
        whole[row : row + torso.shape[0], column : column + torso.shape[1]] = torso
    return whole
