# SPDX-License-Identifier: Apache-2.0
"""Where ONNX Runtime's library is.

The engine opens the library itself, so Python's `onnxruntime` is looked up but never imported: the
import would cost time and memory, and would start a second set of threads.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "TALKRT_ONNXRUNTIME"
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


def package_version() -> str:
    """Name and version of the installed package, as pip knows it."""
    for name in _PACKAGES:
        try:
            return f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return "onnxruntime"
