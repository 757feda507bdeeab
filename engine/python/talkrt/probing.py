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
from dataclasses import dataclass
from pathlib import Path


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
    """The lean runtime or the full one, as a package or a system library."""
    for module in ("tensorrt_lean", "tensorrt"):
        found = package(module, module)
        if found.found:
            return Finding("TensorRT", True, f"{module} {found.detail}")
    return library("TensorRT", "nvinfer_lean", "nvinfer")


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
