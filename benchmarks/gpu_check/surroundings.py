# SPDX-License-Identifier: Apache-2.0
"""Where the check ran."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from .device import Gpu
from .steps import tool

_PACKAGES = ("torch", "gsplat", "numpy", "onnxruntime")


def surroundings(root: Path, gpu: Gpu | None, rehearsal: bool) -> dict[str, Any]:
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _said(["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"]),
        "gpu": asdict(gpu) if gpu is not None else None,
        "rehearsal": rehearsal,
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "nvcc": _said([tool("nvcc") or "nvcc", "--version"]),
        "compiler": _said(["c++", "--version"], line=0),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _said(command: list[str], line: int = -1) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[line] if lines else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
