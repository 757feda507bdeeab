# SPDX-License-Identifier: Apache-2.0
"""Reads a folder that TalkingGaussian trained: the fused checkpoint, face and mouth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...checkpoint import CheckpointError, read_checkpoint
from ...state_dict import load_state
from ..lineage import looks_like
from ..raw_gaussians import RawGaussians, raw_gaussians
from .networks import FaceNetwork, MotionNetwork, MouthNetwork

# Only the width of the features tells the extractors apart: rows of [C, W].
EXTRACTORS = {29: ("deepspeech", 16), 44: ("esperanto", 16), 1024: ("hubert", 2)}
FUSED = "chkpnt_fuse_latest.pth"
MAX_DEGREE = 3


@dataclass(frozen=True, slots=True)
class TalkingGaussian:
    path: Path
    extractor: str  # a name of EXTRACTORS
    channels: int  # C of the audio features
    row_width: int  # W
    face: RawGaussians  # scales are activated by softplus
    face_network: FaceNetwork
    mouth: RawGaussians
    mouth_network: MouthNetwork


def read_talkinggaussian(folder: Path) -> TalkingGaussian:
    """`folder` as training left it, or the fused checkpoint itself."""
    path = _fused_file(folder) if folder.is_dir() else folder
    value = read_checkpoint(path)
    match value:
        case (tuple() as face, dict() as face_state, tuple() as mouth, dict() as mouth_state):
            if len(face) != 13 or len(mouth) != 13:
                raise _another(path, value)
        case _:
            raise _another(path, value)
    channels = _audio_channels(path, face_state)
    face_network, mouth_network = FaceNetwork(channels), MouthNetwork(channels)
    _load(face_network, f"{path}: the face's network", face_state)
    _load(mouth_network, f"{path}: the mouth's network", mouth_state)
    extractor, row_width = EXTRACTORS[channels]
    return TalkingGaussian(
        path=path,
        extractor=extractor,
        channels=channels,
        row_width=row_width,
        face=_gaussians(f"{path}: the face's Gaussians", face),
        face_network=face_network,
        mouth=_gaussians(f"{path}: the mouth's Gaussians", mouth),
        mouth_network=mouth_network,
    )


def _fused_file(folder: Path) -> Path:
    latest = folder / FUSED
    if latest.is_file():
        return latest
    numbered = {
        int(found[1]): path
        for path in folder.glob("chkpnt_fuse_*.pth")
        if (found := re.fullmatch(r"chkpnt_fuse_(\d+)\.pth", path.name))
    }
    if numbered:
        return numbered[max(numbered)]
    stages = [
        stage for stage in ("face", "mouth") if (folder / f"chkpnt_{stage}_latest.pth").is_file()
    ]
    if stages:
        raise CheckpointError(
            f"{folder}: {FUSED} is missing; the {' and the '.join(stages)} were trained but not "
            "yet together: run the last stage of training, train_fuse.py"
        )
    if (folder / "point_cloud").is_dir() and any(folder.glob("point_cloud/*/deformation.pth")):
        raise CheckpointError(f"{folder}: {FUSED} is missing; this is a GaussianTalker folder")
    raise CheckpointError(f"{folder}: {FUSED} is missing, expected a folder of TalkingGaussian")


def _another(path: Path, value: Any) -> CheckpointError:
    return CheckpointError(
        f"{path}: looks like {looks_like(value)}, expected a fused TalkingGaussian avatar: "
        "13 entries of Gaussians and a state dict, for the face and for the mouth"
    )


def _audio_channels(path: Path, state: dict[Any, Any]) -> int:
    key = "audio_net.encoder_conv.0.weight"
    first = state.get(key)
    if not isinstance(first, np.ndarray) or first.ndim != 3:
        raise CheckpointError(f"{path}: the face's network: {key}: missing, expected [32, C, 3]")
    channels = int(first.shape[1])
    if channels not in EXTRACTORS:
        known = ", ".join(f"{c} ({name})" for c, (name, _) in EXTRACTORS.items())
        raise CheckpointError(
            f"{path}: the face's network: {key}: audio features of {channels} channels, "
            f"expected {known}"
        )
    return channels


def _load(network: MotionNetwork, source: str, state: dict[Any, Any]) -> None:
    offsets = {name: value.clone() for name, value in network.named_buffers()}
    load_state(network, source, state)
    for name, value in network.named_buffers():
        if not value.equal(offsets[name]):
            raise CheckpointError(
                f"{source}: {name}: {value.tolist()}, expected {offsets[name].tolist()}"
            )


def _gaussians(source: str, entries: tuple[Any, ...]) -> RawGaussians:
    degree, xyz, dc, rest, _, scaling, rotation, opacity = entries[:8]
    if not isinstance(degree, int) or not 0 <= degree <= MAX_DEGREE:
        raise CheckpointError(f"{source}: entry 0, the SH degree, is not 0 to {MAX_DEGREE}")
    return raw_gaussians(source, xyz, scaling, rotation, opacity, dc, rest, (degree + 1) ** 2)
