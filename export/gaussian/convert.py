# SPDX-License-Identifier: Apache-2.0
"""A rigged head and the speech network, to a plan.

Order matters: the plan is written only after PyTorch and ONNX Runtime agree, and it takes its final
name only after the runtime itself has replayed the check clip.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import parity
from ..budgets import DEVICE_BUDGETS
from ..plan import write_plan
from ..report import Exported, Steps
from ..to_onnx import OnnxGraph, to_onnx
from . import check_clip
from .emotions import EMOTIONS
from .replayed import replayed
from .speech.module import motion_section, speech_graph

if TYPE_CHECKING:
    from .avatar import Avatar

WIDTH = HEIGHT = 512  # pixels
FPS = Fraction(25)
HOST_BUDGET = 256 << 20  # bytes, for the model and its first session
IDLE = {
    "blinks_per_minute": 17.0,
    "gaze_share": 0.88,
    "head_degrees": [2.2, 2.5, 1.3],
    "breaths_per_minute": 14.0,
}


def export_head(output: Path, *, seed: int, count: int, name: str, steps: Steps) -> Exported:
    """Writes the plan of the synthetic head; raises what export_avatar raises."""
    from .head.rig.build import build_avatar

    with steps.step("build the head"):
        avatar = build_avatar(seed=seed, budget=count)
    return export_avatar(output, avatar, name=name, licence="Apache-2.0", steps=steps)


def export_avatar(
    output: Path, avatar: Avatar, *, name: str, licence: str | None, steps: Steps
) -> Exported:
    """Writes the plan of a rigged head. Raises ParityError, PlanError, ValueError or OSError, and
    then leaves what was at `output` untouched."""
    with steps.step("export the network"):
        exported = to_onnx(speech_graph())
    audio = check_clip.load_audio()
    mel = check_clip.log_mel_rows(audio)
    section = motion_section()
    per_step = section["frames_per_step"]
    with steps.step("compare PyTorch with ONNX Runtime"):
        windows = mel[: len(mel) // per_step * per_step].reshape(-1, 1, per_step, mel.shape[1])
        rows = parity.compare(exported, [{"mel": window} for window in windows.astype(np.float32)])
        parity.require(rows)
    frames = check_clip.FRAMES
    with steps.step("render the check clip in float64", total=len(frames)) as step:
        track = check_clip.speech_track(exported.graph, mel, section)
        pictures = check_clip.reference_frames(
            avatar, track, WIDTH, HEIGHT, FPS, frames, step.advance
        )
    manifest = _manifest(name, avatar, exported, section)
    if licence is not None:
        manifest["licence"] = licence
    tensors = _tensors(avatar, exported) | {"check/audio": audio}
    tensors |= {
        f"check/frame/{index}": np.frombuffer(picture, np.uint8)
        for index, picture in zip(frames, pictures, strict=True)
    }
    with (
        steps.step("replay the check clip in the runtime"),
        tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder,
    ):
        aside = Path(folder) / output.name
        write_plan(aside, manifest, tensors)
        decibels = [frame.psnr_db for frame in replayed(aside)]
        aside.replace(output)
    return Exported(
        output,
        output.stat().st_size,
        avatar.cloud.count,
        len(avatar.rig.shapes),
        rows,
        decibels,
    )


def _manifest(
    name: str, avatar: Avatar, exported: OnnxGraph, motion: Mapping[str, Any]
) -> dict[str, Any]:
    known = set(avatar.rig.channels)
    rows = [
        row | {"channels": [channel for channel in row["channels"] if channel in known]}
        for row in motion["coefficients"]
    ]
    return {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "gaussian",
        "name": name,
        "created_by": f"talkrt {version('talkrt')}",
        "audio": {"sample_rate": check_clip.SAMPLE_RATE},
        "video": {"width": WIDTH, "height": HEIGHT, "fps": [FPS.numerator, FPS.denominator]},
        "budget": {"host_bytes": HOST_BUDGET, "device_bytes": DEVICE_BUDGETS["gaussian"]},
        "graphs": [exported.manifest()],
        "features": check_clip.FEATURES,
        "motion": {
            **motion,
            "coefficients": [row for row in rows if row["channels"]],
            "emotions": [_known(emotion.manifest(), known) for emotion in EMOTIONS],
            "idle": IDLE,
        },
        "gaussian": {
            "count": avatar.cloud.count,
            "sh_degree": 0,
            "antialias": False,
            "camera": {
                "viewmat": [float(x) for x in np.ravel(avatar.viewmat)],
                "K": [float(x) for x in np.ravel(avatar.K)],
            },
            "background": [float(x) for x in avatar.background.mean(axis=(0, 1)) / 255],
            **avatar.rig.manifest(),
        },
        "check": {
            "frames": list(check_clip.FRAMES),
            "fps": [FPS.numerator, FPS.denominator],
            "width": WIDTH,
            "height": HEIGHT,
            "min_psnr_db": check_clip.MIN_PSNR_DB,
        },
    }


def _known(emotion: dict[str, Any], channels: set[str]) -> dict[str, Any]:
    kept = {name: value for name, value in emotion["channels"].items() if name in channels}
    return emotion | {"channels": kept}


def _tensors(avatar: Avatar, exported: OnnxGraph) -> dict[str, NDArray[Any]]:
    cloud = avatar.cloud
    found: dict[str, NDArray[Any]] = {
        "gaussian/means": cloud.means,
        "gaussian/quats": cloud.quats,
        "gaussian/scales": cloud.scales,
        "gaussian/opacities": cloud.opacities,
        "gaussian/sh": cloud.sh,
        "gaussian/background": avatar.background,
    }
    if cloud.layers.any():
        found["gaussian/layers"] = cloud.layers
    return found | avatar.rig.tensors() | exported.tensors()
