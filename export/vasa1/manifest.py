# SPDX-License-Identifier: Apache-2.0
"""What a plan says of the model and holds beside its graphs: FORMAT.md, section 9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..budgets import DEVICE_BUDGETS
from .motion_generator import MotionGenerator
from .speech_windows import SAMPLE_RATE
from .template import Template

Precision = Literal["float32", "float16"]

FPS = 25
HOST_BUDGET = 6 << 30  # bytes: the plan, its weights as an ONNX runtime repacks them, one session
GUIDANCE = 2.8
STEPS = 10  # of denoising, where nobody asks for another number
SMOOTHING = 0.01
MULTIPLIER = 1.1
ROLES = (
    "portrait_motion",
    "portrait_appearance",
    "speech",
    "denoise",
    "stitch",
    "retarget_eyes",
    "retarget_lips",
    "warp",
    "picture",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a plan is."""

    name: str
    licence: str | None = None
    untrained_seed: int | None = None  # weights are random numbers of this seed


def manifest(
    identity: Identity,
    net: MotionGenerator,
    side: int,
    graphs: Sequence[Mapping[str, Any]],
    precision: Precision = "float32",
    check: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`side`: of a frame, pixels."""
    config = net.config
    found = {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "vasa1",
        "name": identity.name,
        "created_by": f"talkrt {version('talkrt')}",
        "audio": {"sample_rate": SAMPLE_RATE},
        "video": {"width": side, "height": side, "fps": [FPS, 1]},
        "budget": {"host_bytes": HOST_BUDGET, "device_bytes": DEVICE_BUDGETS["vasa1"]},
        "graphs": list(graphs),
        "vasa1": {
            "keypoints": 21,
            "motion": config.motion,
            "positions": config.positions,
            "precision": precision,
            "window": {"frames": config.frames, "previous": config.previous},
            "diffusion": {
                "schedule": "cosine",
                "steps": config.steps,
                "default_steps": min(STEPS, config.steps),
                "guidance": GUIDANCE,
            },
            "smoothing": SMOOTHING,
            "multiplier": MULTIPLIER,
            "stitching": True,
            "graphs": {role: role for role in ROLES},
        },
    }
    if identity.licence is not None:
        found["licence"] = identity.licence
    if identity.untrained_seed is not None:
        found["untrained"] = {"seed": identity.untrained_seed}
    if check is not None:
        found["check"] = dict(check)
    return found


def tensors(net: MotionGenerator, template: Template) -> dict[str, NDArray[Any]]:
    start = net.start_motion_feat.detach().numpy()
    return {
        "vasa1/start_motion": np.ascontiguousarray(start, np.float32),
        "vasa1/mean_exp": template.mean_exp,
        "vasa1/std_exp": template.std_exp,
        "vasa1/min_pose": template.min_pose,
        "vasa1/max_pose": template.max_pose,
    }
