# SPDX-License-Identifier: Apache-2.0
"""A trained TalkingGaussian avatar as the exporter of plans takes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..raw_gaussians import RawGaussians
from ..reference import MIN_ALPHA
from ..spatial_order import spatial_order
from ..trained.deform import Deform
from ..trained.played import Played
from ..trained.source import AvatarSource, Cloud, Part, joined
from .baked import (
    BakedFace,
    BakedMouth,
    OriginalFace,
    OriginalMouth,
    face_graphs,
    mouth_graphs,
)
from .checkpoint import TalkingGaussian
from .movement import move_mouth, opacities
from .networks import MotionNetwork

# What float32 leaves of coordinates up to the bound of the planes, and of all else.
MEANS, QUATS, SCALES = 2e-7, 1e-5, 1e-6
USUAL_REACH = 0.15


def avatar_source(avatar: TalkingGaussian, played: Played, dilate: bool = False) -> AvatarSource:
    trained = (avatar.face.count, avatar.mouth.count)
    face = _visible(avatar.face)
    moving = _moving(face, avatar.face_network)
    order = np.concatenate([_ordered(face, moving), _ordered(face, ~moving)])
    face = _chosen(face, order)
    moved = _chosen(face, np.arange(int(moving.sum())))  # the rest lies outside of every plane
    mouth = _visible(avatar.mouth)
    mouth = _chosen(mouth, _ordered(mouth, np.ones(mouth.count, bool)))
    cloud, start = joined(_at_rest(face), _at_rest(mouth))
    avatar = replace(avatar, face=moved, mouth=mouth)
    face_chain, mouth_chain = face_graphs(avatar), mouth_graphs(avatar)
    face_baked, mouth_baked = face_chain[-1].module, mouth_chain[-1].module
    assert isinstance(face_baked, BakedFace)
    assert isinstance(mouth_baked, BakedMouth)
    parts = (
        Part(
            deform=Deform("face", 0, moved.count, face_baked.network()),
            graphs=face_chain,
            original=OriginalFace(moved, avatar.face_network),
            tolerances=_tolerances(moved),
            trained=trained[0],
        ),
        Part(
            deform=Deform("mouth", start, mouth.count, mouth_baked.network()),
            graphs=mouth_chain,
            original=OriginalMouth(mouth, avatar.mouth_network),
            tolerances=_tolerances(mouth),
            trained=trained[1],
        ),
    )
    units = played.recording.action_units[played.piece]
    return AvatarSource(
        origin="talkinggaussian",
        extractor=avatar.extractor,
        channels=avatar.channels,
        row_width=avatar.row_width,
        cloud=cloud,
        layers=(np.arange(cloud.count) >= start).astype(np.uint8),
        parts=parts,
        played=played,
        inputs={"action_units": units.astype(np.float32)},
        composite="layered",
        dilate=dilate,
    )


def _tolerances(raw: RawGaussians) -> dict[str, float]:
    reach = max(1.0, float(np.abs(raw.xyz).max()) / USUAL_REACH)
    return {"means": MEANS * reach, "quats": QUATS, "scales": SCALES * reach}


def _visible(raw: RawGaussians) -> RawGaussians:
    """Without what no pixel ever shows: opacities do not change, and below 1/255 is not drawn."""
    seen = opacities(raw).numpy() >= MIN_ALPHA - 1e-6
    return _chosen(raw, np.flatnonzero(seen)) if seen.any() else raw


def _moving(raw: RawGaussians, network: MotionNetwork) -> NDArray[np.bool_]:
    """Without features on any plane the face's network, which has no biases, gives zeros."""
    with torch.no_grad():
        found: NDArray[np.bool_] = (
            network.encode(torch.from_numpy(raw.xyz)).ne(0).any(dim=1).numpy()
        )
    return found if found.any() else np.ones(raw.count, bool)


def _ordered(raw: RawGaussians, among: NDArray[np.bool_]) -> NDArray[np.intp]:
    at = np.flatnonzero(among)
    return at[spatial_order(raw.xyz[at])] if len(at) else at


def _chosen(raw: RawGaussians, at: NDArray[np.intp]) -> RawGaussians:
    return RawGaussians(raw.xyz[at], raw.scaling[at], raw.rotation[at], raw.opacity[at], raw.sh[at])


def _at_rest(raw: RawGaussians) -> Cloud:
    """As the networks' outputs of 0 leave them."""
    moved = move_mouth(raw, torch.zeros(raw.count, 3))
    return Cloud(
        means=raw.xyz,
        quats=moved.quats.numpy(),
        scales=moved.scales.numpy(),
        opacities=opacities(raw).numpy(),
        sh=raw.sh,
    )
