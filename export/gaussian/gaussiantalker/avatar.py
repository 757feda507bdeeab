# SPDX-License-Identifier: Apache-2.0
"""A trained GaussianTalker avatar as the exporter of plans takes it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..raw_gaussians import RawGaussians
from ..reference import MIN_ALPHA
from ..spatial_order import spatial_order
from ..trained.deform import Deform
from ..trained.played import Played
from ..trained.source import AvatarSource, Cloud, Part
from .baked import ROW_WIDTH, Baked, Original, graphs
from .checkpoint import GaussianTalker
from .movement import move
from .network import AUDIO_CHANNELS, OUTPUTS, WIDTH, DeformationNetwork, eye_code

DISTANCE = 10.0  # its cameras are this much farther away than the recording's
# Products of three planes' gradients make float32 this much coarser than TalkingGaussian's.
TOLERANCES = {"means": 2e-4, "quats": 2e-4, "scales": 2e-5, "opacities": 2e-5, "colors": 2e-4}


def avatar_source(avatar: GaussianTalker, played: Played) -> AvatarSource:
    trained = avatar.raw.count
    raw = visible(avatar.raw, avatar.network)
    raw = _chosen(raw, spatial_order(raw.xyz))
    chain = graphs(raw, avatar.network)
    baked = chain[-1].module
    assert isinstance(baked, Baked)
    blinks = played.recording.action_units[played.piece, -1] / 2
    rotations = played.viewmats[:, :3, :3].swapaxes(1, 2).reshape(-1, 9)
    cameras = np.concatenate([rotations, played.viewmats[:, :3, 3]], axis=1)
    return AvatarSource(
        origin="gaussiantalker",
        extractor="deepspeech",
        channels=AUDIO_CHANNELS,
        row_width=ROW_WIDTH,
        cloud=_at_rest(raw),
        layers=None,
        parts=(
            Part(
                deform=Deform(chain[-1].name, 0, raw.count, baked.network()),
                graphs=chain,
                original=Original(raw, avatar.network),
                tolerances=TOLERANCES,
                trained=trained,
            ),
        ),
        played=played,
        inputs={
            "eye": np.concatenate([eye_code(float(blink)).numpy() for blink in blinks]),
            "camera": cameras.astype(np.float32),
        },
        composite="single",
    )


def visible(raw: RawGaussians, network: DeformationNetwork) -> RawGaussians:
    """Without what stays below the alpha that is drawn, whatever the network hears."""
    least = np.log(MIN_ALPHA / (1 - MIN_ALPHA)) - most_added_opacity(network) - 1e-3
    seen = raw.opacity[:, 0] >= least
    return _chosen(raw, np.flatnonzero(seen)) if seen.any() else raw


def most_added_opacity(network: DeformationNetwork) -> float:
    """A bound on what is added before the sigmoid: a norm's output is sqrt(64) long at most, so
    rectified it gives a row of weights no more than its positive ones can take from that."""
    head = network.opacity_deform
    assert isinstance(head, nn.Sequential)
    first, last = (part for part in head if isinstance(part, nn.Linear))
    norm = network.layers()[-1].norm2
    weights = torch.relu(first.weight)
    inner = WIDTH**0.5 * (weights * norm.gamma.abs()).norm(dim=1) + weights @ torch.relu(norm.beta)
    return float(torch.relu(last.weight) @ torch.relu(inner + first.bias) + last.bias)


def _chosen(raw: RawGaussians, at: NDArray[np.intp]) -> RawGaussians:
    return RawGaussians(raw.xyz[at], raw.scaling[at], raw.rotation[at], raw.opacity[at], raw.sh[at])


def _at_rest(raw: RawGaussians) -> Cloud:
    """As outputs of 0 would leave them; the network replaces all of it in every frame."""
    none = {name: torch.zeros(raw.count, width) for name, width in OUTPUTS.items()}
    moved = move(raw, none)
    return Cloud(
        means=raw.xyz,
        quats=moved.quats.numpy(),
        scales=moved.scales.numpy(),
        opacities=moved.opacities.numpy(),
        sh=raw.sh,
    )
