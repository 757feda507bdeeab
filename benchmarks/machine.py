# SPDX-License-Identifier: Apache-2.0
"""The conditions of a measurement: without them a number is worth nothing."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from talkrt import Engine, __version__, probing

from .gpu import GpuWatch


def environment(engine: Engine, plan: str, gpu: GpuWatch | None = None) -> dict[str, Any]:
    description = engine.describe()
    device: dict[str, Any] = next(iter(description.get("devices", [])), {})
    backend: dict[str, Any] = next(iter(description.get("backends", [])), {})
    usable, present = probing.cores()
    drawing = next((d for d in description.get("devices", []) if d.get("used")), None)
    card = gpu.end() if gpu is not None else None
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "talkrt": __version__,
        "commit": commit(),
        "plan": plan,
        "plan_sha256": sha256(plan),
        "cpu": probing.cpu_model(),
        "cpu_path": device.get("cpu_path"),
        "cores_usable": usable,
        "cores": present,
        "threads": device.get("threads"),
        "governor": governor(),
        "device": f"cuda:{drawing['index']}" if drawing else "cpu",
        "gpu": card.name if card else drawing["gpu"] if drawing else None,
        "gpu_uuid": card.uuid if card else None,
        "gpu_driver": card.driver if card else None,
        "memory_bytes": probing.memory_bytes()[1],
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": backend.get("version"),
        "flags": sys.argv[1:],
    }


def load_average() -> float:
    """Of the last minute: runnable tasks, ours included."""
    return os.getloadavg()[0]


def governor() -> str | None:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    try:
        return path.read_text().strip()
    except OSError:
        return None  # virtual machines have none


def sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def commit() -> str | None:
    """Of the checkout this file runs from, with "+" when it was changed; None when installed."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists() or not (root / "engine/include/talkrt/talkrt.h").exists():
        return None

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
