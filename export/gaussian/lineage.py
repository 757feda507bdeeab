# SPDX-License-Identifier: Apache-2.0
"""Which program a checkpoint looks like it came from, to say so when it is not the one expected."""

from __future__ import annotations

from typing import Any

GAUSSIAN_TUPLES = {
    12: "stock 3D Gaussian Splatting",
    13: "TalkingGaussian",
    14: "GaussianTalker",
    15: "InsTaG",
}


def looks_like(value: Any) -> str:
    """A phrase for an error message."""
    match value:
        case (tuple() as face, dict() as network, tuple(), dict()):
            return _fused(face, network)
        case (tuple() as cloud, dict(), dict(), int()):
            kind = GAUSSIAN_TUPLES.get(len(cloud), "an unknown fork")
            return f"one stage of a {kind} training, before face and mouth were trained together"
        case ((dict(), dict()), tuple(), int()):
            return "a FlashAvatar checkpoint"
        case (tuple() as cloud, int()):
            kind = GAUSSIAN_TUPLES.get(len(cloud), "an unknown fork")
            return f"a {kind} training checkpoint"
        case dict() if any(str(key).startswith("deformation_net.") for key in value):
            return "a GaussianTalker deformation network" + (
                "" if "deformation_net.cam_mlp.net.0.weight" in value else " of another fork"
            )
        case dict() if "model" in value or "state_dict" in value:
            return (
                "a checkpoint of another kind of model (a NeRF head such as ER-NeRF, or SyncTalk)"
            )
        case dict():
            return f"a state dict of {len(value)} entries"
        case tuple() | list():
            return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def _fused(face: tuple[Any, ...], network: dict[Any, Any]) -> str:
    if len(face) == 15 or any("align_net" in str(key) for key in network):
        return "an InsTaG avatar"
    if any("jaw_net" in str(key) or "embedding" in str(key).split(".")[0] for key in network):
        return "a DEGSTalk avatar"
    if len(face) == 13:
        return "a TalkingGaussian avatar"
    return f"a fork of TalkingGaussian with {len(face)} entries for the face's Gaussians"
