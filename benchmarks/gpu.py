# SPDX-License-Identifier: Apache-2.0
"""Clocks, power, temperature and held-back clocks of the GPU while something is measured, through
nvidia-ml-py. Where that package, a driver or a GPU is missing, there are no figures, and why."""

from __future__ import annotations

import importlib
import os
import statistics
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

# Reasons that cost speed; being idle or following an application's clocks does not invalidate.
_SLOWING = {
    "SwPowerCap": "power cap",
    "HwSlowdown": "hardware slowdown",
    "SwThermalSlowdown": "temperature (software)",
    "HwThermalSlowdown": "temperature (hardware)",
    "HwPowerBrakeSlowdown": "power brake",
}


@dataclass(frozen=True, slots=True)
class GpuFigures:
    name: str
    uuid: str
    driver: str
    sm_mhz: tuple[float, float] | None  # least, mean
    memory_mhz: tuple[float, float] | None
    watts: tuple[float, float] | None  # mean, most
    celsius: float | None  # most
    joules: float | None  # over the measurement
    process_bytes: int | None
    reasons: tuple[str, ...]


@dataclass(slots=True)
class GpuWatch:
    nvml: Any
    handle: Any
    _sm: list[float] = field(default_factory=list)
    _memory: list[float] = field(default_factory=list)
    _watts: list[float] = field(default_factory=list)
    _celsius: list[float] = field(default_factory=list)
    _reasons: set[str] = field(default_factory=set)
    _energy: float | None = None

    def begin(self) -> None:
        self._energy = self._joules()

    def look(self) -> None:
        nvml, handle = self.nvml, self.handle
        with suppress(nvml.NVMLError):
            self._sm.append(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM))
            self._memory.append(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM))
        with suppress(nvml.NVMLError):
            self._watts.append(nvml.nvmlDeviceGetPowerUsage(handle) / 1e3)
        with suppress(nvml.NVMLError):
            self._celsius.append(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        with suppress(nvml.NVMLError):
            bits = nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
            for name, words in _SLOWING.items():
                if bits & getattr(nvml, f"nvmlClocksEventReason{name}", 0):
                    self._reasons.add(words)

    def end(self) -> GpuFigures:
        nvml, handle = self.nvml, self.handle
        energy = self._joules()
        both = energy is not None and self._energy is not None
        return GpuFigures(
            name=_text(nvml.nvmlDeviceGetName(handle)),
            uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
            driver=_text(nvml.nvmlSystemGetDriverVersion()),
            sm_mhz=(min(self._sm), statistics.fmean(self._sm)) if self._sm else None,
            memory_mhz=(min(self._memory), statistics.fmean(self._memory))
            if self._memory
            else None,
            watts=(statistics.fmean(self._watts), max(self._watts)) if self._watts else None,
            celsius=max(self._celsius, default=None),
            joules=energy - self._energy if both and energy and self._energy else None,
            process_bytes=self._process_bytes(),
            reasons=tuple(sorted(self._reasons)),
        )

    def _joules(self) -> float | None:
        with suppress(self.nvml.NVMLError):
            return float(self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle)) / 1e3
        return None

    def _process_bytes(self) -> int | None:
        with suppress(self.nvml.NVMLError):
            for process in self.nvml.nvmlDeviceGetComputeRunningProcesses(self.handle):
                if process.pid == os.getpid() and process.usedGpuMemory is not None:
                    return int(process.usedGpuMemory)
        return None


def open_gpu(nvml: Any = None) -> tuple[GpuWatch | None, str]:
    """The first GPU, or None and why there is none to watch."""
    try:
        nvml = nvml or importlib.import_module("pynvml")
    except ImportError:
        return None, "nvidia-ml-py is not installed"
    try:
        nvml.nvmlInit()
        if nvml.nvmlDeviceGetCount() == 0:
            return None, "the driver has no GPU"
        return GpuWatch(nvml, nvml.nvmlDeviceGetHandleByIndex(0)), ""
    except nvml.NVMLError as error:
        return None, f"no NVIDIA driver answers ({error})"


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
