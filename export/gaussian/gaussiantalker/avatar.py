# SPDX-License-Identifier: Apache-2.0
"""A trained GaussianTalker avatar as the exporter of plans takes it."""

from __future__ import annotations

import numpy as np
import torch

from ..raw_gaussians import RawGaussians
from ..spatial_order import spatial_order
from ..trained.deform import Deform
from ..trained.played import Played
from ..trained.source import AvatarSource, Cloud, Part
from .baked import ROW_WIDTH, Baked, Original, graphs
from .checkpoint import GaussianTalker
from .movement import move
from .network import AUDIO_CHANNELS, OUTPUTS, eye_code

DISTANCE = 10.0  # its cameras are this much farther away than the recording's
# Products of three planes' gradients make float32 this much coarser than TalkingGaussian's.
TOLERANCES = {"means": 2e-4, "quats": 2e-4, "scales": 2e-5, "opacities": 2e-5, "colors": 2e-4}


def avatar_source(avatar: GaussianTalker, played: Played) -> AvatarSource:
    order = spatial_order(avatar.raw.xyz)
    raw = RawGaussians(
        avatar.raw.xyz[order],
        avatar.raw.scaling[order],
        avatar.raw.rotation[order],
        avatar.raw.opacity[order],
        avatar.raw.sh[order],
    )
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
                trained=raw.count,
            ),
        ),
        played=played,
        inputs={
            "eye": np.concatenate([eye_code(float(blink)).numpy() for blink in blinks]),
            "camera": cameras.astype(np.float32),
        },
        composite="single",
    )


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
