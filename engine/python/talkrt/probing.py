# SPDX-License-Identifier: Apache-2.0
"""What this machine offers, found without starting anything: a missing driver is a line in a
report, never a crash. (TensorRT's runtime must not be created unless a driver is there.)"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.metadata
import importlib.util
import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path

from talkrt import _core
from talkrt.backends import find_tensorrt


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    found: bool
    detail: str  # version and place, or why it is missing
    advice: str = ""  # what to install for more; empty when there is nothing to do


def cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def cores() -> tuple[int, int]:
    """(usable by this process, in the machine)."""
    return len(os.sched_getaffinity(0)), os.cpu_count() or 1


def memory_bytes() -> tuple[int, int]:
    """(available, in the machine)."""
    values = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        key, _, amount = line.partition(":")
        values[key] = int(amount.split()[0]) * 1024
    return values.get("MemAvailable", 0), values.get("MemTotal", 0)


def package(name: str, module: str, advice: str = "") -> Finding:
    """An installed Python package, looked up but not imported."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return Finding(name, False, "not installed", advice)
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = "version unknown"
    return Finding(name, True, version)


def nvidia_driver() -> Finding:
    """By libcuda alone: cuInit and a count, which are safe on any machine."""
    name = "NVIDIA driver"
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Finding(name, False, "no libcuda.so.1")
    count, version = ctypes.c_int(), ctypes.c_int()
    if status := cuda.cuInit(0):
        return Finding(name, False, f"libcuda.so.1 is there, but cuInit failed with {status}")
    cuda.cuDeviceGetCount(ctypes.byref(count))
    cuda.cuDriverGetVersion(ctypes.byref(version))
    major, minor = version.value // 1000, version.value % 1000 // 10
    return Finding(name, count.value > 0, f"{count.value} devices, CUDA {major}.{minor}")


def library(name: str, *files: str) -> Finding:
    """A shared library that the loader would find; it is not opened."""
    for file in files:
        if found := ctypes.util.find_library(file):
            return Finding(name, True, found)
    return Finding(name, False, "not installed")


def tensorrt() -> Finding:
    """What engines of plans run in: the full, lean or dispatch runtime. It is not opened."""
    if found := find_tensorrt():
        return Finding("TensorRT", True, found)
    advice = "to run plans' TensorRT engines: pip install tensorrt-cu13, or tensorrt-lean-cu13-libs"
    return replace(
        library("TensorRT", "nvinfer", "nvinfer_lean", "nvinfer_dispatch"), advice=advice
    )


def tensorrt_module() -> Finding:
    """libtalkrt_tensorrt.so, which is built where TensorRT's headers are. It is not opened."""
    name, file = "TensorRT module", "libtalkrt_tensorrt.so"
    beside = Path(_core.__file__).with_name(file)
    if named := os.environ.get("TALKRT_TENSORRT_MODULE"):
        return Finding(name, Path(named).is_file(), f"{named}, by $TALKRT_TENSORRT_MODULE")
    if beside.is_file():
        return Finding(name, True, str(beside))
    advice = (
        "to run TensorRT engines: set TENSORRT_ROOT to a checkout of github.com/NVIDIA/TensorRT "
        "and install TalkRT again, which takes the module along"
    )
    return Finding(name, False, f"no {file}: built without TensorRT's headers", advice)


def encoders() -> Finding:
    """Video and sound encoders that `talkrt render` needs; imports PyAV."""
    try:
        import av
    except ImportError as error:
        return Finding("encoders", False, str(error), "pip install av")
    needed = {
        "libx264": "H.264",
        "aac": "AAC",
        "libvpx-vp9": "VP9",
        "libopus": "Opus",
        "png": "PNG",
    }
    missing = [label for codec, label in needed.items() if codec not in av.codecs_available]
    if missing:
        advice = "pip install --force-reinstall av"
        return Finding("encoders", False, f"PyAV has no {', '.join(missing)}", advice)
    return Finding("encoders", True, ", ".join(needed.values()))
