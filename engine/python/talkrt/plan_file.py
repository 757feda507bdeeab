# SPDX-License-Identifier: Apache-2.0
"""Looks into a plan without running it: for `inspect`, `verify` and the bench. The engine validates
plans by itself; this reader only refuses what it could not print."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from talkrt.errors import Error, PlanError

_ITEM_BYTES = {"8": 1, "16": 2, "32": 4, "64": 8}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    name: str
    dtype: str  # as the file spells it: "F32"
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * _ITEM_BYTES[self.dtype.lstrip("UIFB")]


@dataclass(frozen=True, slots=True)
class PlanFile:
    path: str
    file_bytes: int
    manifest: dict[str, Any]
    tensors: tuple[TensorInfo, ...]

    def tensor(self, name: str) -> NDArray[Any]:
        if all(info.name != name for info in self.tensors):
            raise PlanError(f"{self.path}: there is no tensor {name}", "TALKRT_ERROR_PLAN_CORRUPT")
        with safe_open(self.path, framework="numpy") as file:
            array: NDArray[Any] = np.asarray(file.get_tensor(name))
        return array

    def network_look_ahead_ms(self) -> float | None:
        """Audio beyond the time of its coefficients that the network hears: FORMAT.md, section 5.
        A frame between two steps needs up to one step more, which Model.look_ahead includes."""
        motion, features = self.manifest.get("motion"), self.manifest.get("features")
        if not motion or not features:
            return None
        steps = (motion["frames_per_step"] - 1) * features["hop"]
        samples = steps + features["window"] - motion["time_offset"]
        return 1000.0 * float(samples) / float(self.manifest["audio"]["sample_rate"])


def read_plan(path: str | os.PathLike[str]) -> PlanFile:
    name = os.fspath(path)
    if not Path(name).is_file():
        problem = "is a folder" if Path(name).is_dir() else "no such file"
        raise Error(f"{name}: {problem}; give a plan file", "TALKRT_ERROR_NOT_FOUND")
    try:
        with safe_open(name, framework="numpy") as file:
            metadata = file.metadata() or {}
            slices = ((key, file.get_slice(key)) for key in file.keys())  # noqa: SIM118
            tensors = tuple(
                TensorInfo(key, part.get_dtype(), tuple(part.get_shape())) for key, part in slices
            )
    except OSError as error:
        raise Error(f"{name}: {error.strerror or error}; check it", "TALKRT_ERROR_IO") from None
    except SafetensorError as error:
        raise _corrupt(name, f"is not a plan, or is damaged ({error})") from None
    if "talkrt.plan" not in metadata:
        raise _corrupt(
            name, "is a safetensors file but not a plan (no talkrt.plan in its metadata)"
        )
    try:
        manifest = json.loads(metadata["talkrt.plan"])
    except ValueError as error:
        raise _corrupt(name, f"its manifest is not JSON ({error})") from None
    if not isinstance(manifest, dict) or manifest.get("format") != "talkrt.plan":
        raise _corrupt(name, "its manifest does not say format talkrt.plan")
    if manifest.get("format_version") != 1:
        found = manifest.get("format_version")
        raise PlanError(
            f"{name}: format_version is {found!r}, this version of TalkRT reads 1; "
            "export the plan again or update talkrt",
            "TALKRT_ERROR_PLAN_UNSUPPORTED",
        )
    return PlanFile(name, Path(name).stat().st_size, manifest, tensors)


def _corrupt(name: str, problem: str) -> PlanError:
    return PlanError(f"{name}: {problem}; export it again", "TALKRT_ERROR_PLAN_CORRUPT")
