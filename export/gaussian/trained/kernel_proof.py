# SPDX-License-Identifier: Apache-2.0
"""The proof that the tensors for fused kernels are the network, and whether they may be float16."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...parity import Parity
from ..bake_proof import run_chain
from ..cloud import frames_to_quats_scales
from ..reference import Posed, sh_colors
from . import check
from .deform import evaluate
from .source import AvatarSource, Cloud, Part

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
KERNEL = "kernel tensors"


def prove_kernel(
    cloud: Cloud, part: Part, inputs: Sequence[Mapping[str, FloatArray]]
) -> list[Parity]:
    """The original against float64 arithmetic on the tensors of a plan in float32."""
    if part.deform.network is None:
        return []
    worst: dict[str, float] = {}
    for given in inputs:
        expected = check.original_attributes(part, given)
        found = kernel_attributes(cloud, part, given, np.float32)
        if "sh" in found:
            found["colors"] = _seen(found["means"], found.pop("sh"), given["camera"])
        for name, value in found.items():
            error = float(np.abs(value - expected[name]).max())
            worst[name] = error if np.isnan(error) else max(worst.get(name, 0.0), error)
    return [
        Parity(f"{part.deform.graph}, {KERNEL}", name, len(inputs), error, part.tolerances[name])
        for name, error in worst.items()
    ]


def _seen(means: DoubleArray, sh: DoubleArray, camera: FloatArray) -> DoubleArray:
    """Colours for a camera [1, 12]: its transposed rotation, row by row, and translation."""
    turned, moved = camera[0, :9].reshape(3, 3), camera[0, 9:]
    towards = means + turned.astype(np.float64) @ moved
    return sh_colors(sh, towards / np.linalg.norm(towards, axis=1, keepdims=True))


def kernel_attributes(
    cloud: Cloud, part: Part, inputs: Mapping[str, FloatArray], precision: DTypeLike
) -> dict[str, DoubleArray]:
    import torch

    deform = part.deform
    tensors = deform.tensors(precision) | {"gaussian/means": cloud.means, "gaussian/sh": cloud.sh}
    given = {name: torch.from_numpy(value) for name, value in inputs.items()}
    with torch.no_grad():
        made = run_chain(
            part.graphs[:-1], given, lambda at, values: part.graphs[at].module(*values)
        )
    return dict(evaluate(deform.manifest(), tensors, made["mix"].numpy()))


def same_pictures(source: AvatarSource, frames: Sequence[int]) -> tuple[float, int]:
    """The share of bytes that float16 leaves as float32 has them, and the largest difference, up to
    the first frame of which a byte is off by more than one: that settles it.

    Both are drawn by the library's own rasterizer: it is the networks that are compared here.
    """
    if all(part.deform.network is None for part in source.parts):
        return 0.0, 255
    same, total, largest = 0, 0, 0
    for frame in frames:
        inputs = check.frame_inputs(source, frame)
        exact, half = (
            check.picture(
                source,
                frame,
                [
                    kernel_attributes(source.cloud, part, inputs, precision)
                    if part.deform.network
                    else check.original_attributes(part, inputs)
                    for part in source.parts
                ],
                draw_quickly,
            )
            for precision in (np.float32, np.float16)
        )
        difference = np.abs(exact.astype(int) - half.astype(int))
        same += int((difference == 0).sum())
        total += difference.size
        largest = max(largest, int(difference.max()))
        if largest > 1:
            break
    return same / total, largest


def draw_quickly(
    posed: Posed, view: check.View, behind: NDArray[Any] | None
) -> tuple[FloatArray, FloatArray]:
    """By the library's rasterizer, which wants quaternions and scales again."""
    from talkrt import rasterize

    quats, scales = frames_to_quats_scales(posed.frames)
    colors, alphas, _ = rasterize(
        posed.means,
        quats,
        scales,
        posed.opacities,
        posed.sh,
        view.viewmat[None],
        view.K[None],
        view.width,
        view.height,
        sh_degree=round(posed.sh.shape[1] ** 0.5) - 1,
        convention="inria",
    )
    color, alpha = colors[0], alphas[0, ..., 0]
    return color if behind is None else color + (1 - alpha[..., None]) * behind, alpha
