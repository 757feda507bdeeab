# SPDX-License-Identifier: Apache-2.0
"""Where ONNX Runtime's library is, and TensorRT's.

The engine opens the libraries itself, so Python's `onnxruntime` is looked up but never imported:
the import would cost time and memory, and would start a second set of threads.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "TALKRT_ONNXRUNTIME"
TENSORRT_VARIABLE = "TALKRT_TENSORRT"
_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-training")


@dataclass(frozen=True, slots=True)
class OnnxRuntime:
    path: str
    source: str  # where the path came from, for a person


def find_onnxruntime() -> OnnxRuntime | None:
    """The library that an Engine opens, or None: then the system's loader is asked for one."""
    if path := os.environ.get(VARIABLE):
        return OnnxRuntime(path, f"${VARIABLE}")
    spec = importlib.util.find_spec("onnxruntime")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        # A wheel holds libonnxruntime.so.1.21.0; the library opens the providers beside it.
        libraries = sorted(Path(folder, "capi").glob("libonnxruntime.so*"))
        if libraries:
            return OnnxRuntime(str(libraries[-1]), f"Python package {package_version()}")
    return None


def find_tensorrt() -> str | None:
    """TensorRT's runtime in a Python package, the full one first, or what the variable names. None:
    the system's loader is asked for one."""
    if path := os.environ.get(TENSORRT_VARIABLE):
        return path
    for kind in ("", "_lean", "_dispatch"):
        spec = importlib.util.find_spec(f"tensorrt{kind}_libs")
        for folder in (spec.submodule_search_locations or []) if spec else []:
            if libraries := sorted(Path(folder).glob(f"libnvinfer{kind}.so*")):
                return str(libraries[-1])
    return None


def offer_tensorrt() -> None:
    """Names the library of a Python package for the engine, which has its own search else."""
    if path := find_tensorrt():
        os.environ.setdefault(TENSORRT_VARIABLE, path)


def package_version() -> str:
    """Name and version of the installed package, as pip knows it."""
    for name in _PACKAGES:
        try:
            return f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return "onnxruntime"
