# SPDX-License-Identifier: Apache-2.0
"""Counts one plan: allocations and bytes in one process, instructions and a hash of the pictures in
another, under callgrind."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from talkrt import __version__, _core
from talkrt.backends import find_onnxruntime
from talkrt.errors import Error
from talkrt.plan_file import PlanFile

from ..machine import commit
from ..sources import HeadSource, repeated, source_for
from . import callgrind

SCHEMA = "talkrt.counters/1"
_HOST = "talkrt_counters"
_REPEATED = 8


@dataclass(frozen=True, slots=True)
class Frames:
    warmup: int = 8
    allocations: int = 50  # frames whose allocations are counted
    instructions: int = 6  # frames under callgrind, which runs fifty times slower


def frames_for(plan: PlanFile, instructions: int) -> Frames:
    """Of a model that works in windows, a whole one is counted, and under callgrind the frames
    around the beginning of one."""
    window = plan.manifest.get("vasa1", {}).get("window", {}).get("frames")
    if window is None:
        return Frames(instructions=instructions)
    return Frames(max(window - instructions // 2, 1), window, instructions)


def count(
    plan: PlanFile,
    audio: str | None,
    frames: Frames,
    portrait: str | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """The document."""
    host = _host()
    found = find_onnxruntime()
    library = str(found.path) if found else ""
    with tempfile.TemporaryDirectory(prefix="talkrt-counters-") as name:
        folder = Path(name)
        fed = _fed(plan, audio, portrait, folder)

        def command(count: int, kind: str) -> list[str]:
            return [str(host), plan.path, *fed, str(frames.warmup), str(count), library, device,
                    kind]  # fmt: skip

        native = _run(command(frames.allocations, "allocations"))
        counted: dict[str, Any] | None = None
        instructions: dict[str, int] | None = None
        if device == "cpu" and callgrind.available():
            under = callgrind.run(command(frames.instructions, "plain"), folder,
                                  bool(native["late_start"]))  # fmt: skip
            counted = json.loads(under.output)
            instructions = _by_part(under.instructions, library, frames.instructions)
    return {
        "schema": SCHEMA,
        "talkrt": __version__,
        "commit": commit(),
        "plan": plan.path,
        "plan_sha256": hashlib.sha256(Path(plan.path).read_bytes()).hexdigest(),
        "compiler": native["build"]["compiler"],
        "onnxruntime": next((b.get("version") for b in native["engine"]["backends"]), None),
        "frames": {"warmup": frames.warmup, "allocations": frames.allocations,
                   "instructions": frames.instructions},
        "threads": 1,
        "allocations_per_frame": _per_frame(native, "allocations"),
        "allocated_bytes_per_frame": _per_frame(native, "allocated_bytes"),
        "device": device,
        "launches_per_frame": None,
        "model_bytes": native["model_bytes"],
        "session_bytes": native["session_bytes"],
        "instructions_per_frame": instructions,
        "cpu_path": counted["engine"]["devices"][0]["cpu_path"] if counted else None,
        "output_hash": counted["output_hash"] if counted else None,
    }  # fmt: skip


def _host() -> Path:
    path = Path(_core.__file__).with_name(_HOST)
    if not path.is_file():
        raise Error(
            f"{path}: this installation has no {_HOST}; install TalkRT again: pip install .",
            "TALKRT_ERROR_NOT_FOUND",
        )
    return path


def _fed(plan: PlanFile, audio: str | None, portrait: str | None, folder: Path) -> list[str]:
    """SPEECH ROW_FLOATS PORTRAIT SIDE."""
    source = source_for(plan, audio, None, portrait)
    if not isinstance(source, HeadSource):
        return ["-", "0", "-", "0"]
    speech = folder / "speech.f32"
    samples = source.samples
    if source.portrait is not None:  # its model remembers what it has just heard
        samples = np.concatenate(list(itertools.islice(repeated(samples, 0), _REPEATED)))
    speech.write_bytes(np.ascontiguousarray(samples, np.float32).tobytes())
    floats = math.prod(source.samples.shape[1:]) if source.samples.ndim > 1 else 0
    if source.portrait is None:
        return [str(speech), str(floats), "-", "0"]
    face = folder / "face.rgb"
    face.write_bytes(np.ascontiguousarray(source.portrait).tobytes())
    return [str(speech), str(floats), str(face), str(len(source.portrait))]


def _run(command: list[str]) -> dict[str, Any]:
    # ONNX Runtime's own arena and thread pool are as the engine sets them up.
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise Error(last[0], "TALKRT_ERROR_INTERNAL")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _per_frame(native: dict[str, Any], key: str) -> dict[str, float] | None:
    if not native["countable"]:
        return None
    return {part: value / native["frames"] for part, value in native[key].items()}


def _by_part(by_object: dict[str, int], library: str, frames: int) -> dict[str, int]:
    parts = {"talkrt": 0, "onnxruntime": 0, "system": 0}
    for name, instructions in by_object.items():
        if name == _HOST:
            parts["talkrt"] += instructions
        elif library and name == Path(library).resolve().name:
            parts["onnxruntime"] += instructions
        else:
            parts["system"] += instructions  # libm, libc
    return {part: total // frames for part, total in parts.items()}
