# SPDX-License-Identifier: Apache-2.0
"""The engine: what the machine offers, and the cache of loaded models."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable
from typing import Any

from talkrt import _core
from talkrt.backends import find_onnxruntime, offer_tensorrt
from talkrt.errors import Error
from talkrt.model import Model

DEVICES = ("auto", "cpu", "cuda")  # by talkrt_device

NO_BUDGET = 2**64 - 1  # TALKRT_NO_BUDGET

_LOG = logging.getLogger("talkrt")
_LOG.addHandler(logging.NullHandler())  # silent unless the host configures logging
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)  # by talkrt_log_level


class Engine:
    """Opens ONNX Runtime and loads plans. One engine serves a whole process, from any thread.

    device: "cpu", "cuda" (an NVIDIA GPU, or BackendError), or "auto": the GPU where there is one.
    device_index: of several GPUs, as CUDA counts them.
    threads: of the kernels, the caller's included; 0: one per core this process may use.
    host_budget_bytes, device_budget_bytes: of the host's and the GPU's memory, for all models
    together; 0: no limit beside each plan's own.
    may_evict: asked with a plan's path before its idle model is evicted; False keeps it. It runs in
    the thread that loads or makes a session and must not use this engine, which waits for it: its
    load, session and describe raise there. An exception in it is reported as unraisable and keeps
    the model.
    onnxruntime: library to open; by default $TALKRT_ONNXRUNTIME, then the one inside the installed
    `onnxruntime` package, then the system's.

    What the engine logs goes to the logger "talkrt".
    """

    def __init__(
        self,
        threads: int = 0,
        host_budget_bytes: int = 0,
        onnxruntime: str | os.PathLike[str] | None = None,
        device: str = "auto",
        device_index: int = 0,
        device_budget_bytes: int = 0,
        may_evict: Callable[[str], bool] | None = None,
    ) -> None:
        if device not in DEVICES:
            raise Error(f"device is {device!r}, expected one of {', '.join(DEVICES)}")
        if device != "cpu":
            offer_tensorrt()
        if onnxruntime is None:
            found = find_onnxruntime()
            path = found.path if found else None
        else:
            path = os.fspath(onnxruntime)
        least = _LOG.getEffectiveLevel()
        level = sum(least > known for known in _LEVELS[:-1])
        self._core = _core.Engine(
            threads,
            host_budget_bytes,
            path,
            _log,
            level,
            device=DEVICES.index(device),
            device_index=device_index,
            device_budget_bytes=device_budget_bytes,
            may_evict=(lambda path: may_evict(os.fsdecode(path))) if may_evict else None,
        )

    def load(
        self,
        path: str | os.PathLike[str],
        host_budget: float | None = None,
        device_budget: float | None = None,
    ) -> Model:
        """Loads a plan, or returns the model of an unchanged file that is still loaded.

        host_budget, device_budget: bytes for the model and its sessions in place of the plan's own;
        math.inf is no limit. A model that is loaded already gets them too, for all who use it.
        """
        host, device = _budget("host_budget", host_budget), _budget("device_budget", device_budget)
        return Model(self._core.load(os.fsencode(path), host, device))

    def describe(self) -> dict[str, Any]:
        """What was found, what will be used and why, and the memory account."""
        description: dict[str, Any] = json.loads(self._core.describe_json())
        return description


def _budget(name: str, wished: float | None) -> int:
    """As the core takes it: 0 for the plan's own, the largest number for none."""
    if wished is None:
        return 0
    if wished == math.inf:
        return NO_BUDGET
    if not 0 < wished < NO_BUDGET or wished != int(wished):
        raise Error(f"{name} is {wished!r}, expected a whole number of bytes above 0, or math.inf")
    return int(wished)


def _log(level: int, message: str) -> None:
    _LOG.log(_LEVELS[level], "%s", message)
