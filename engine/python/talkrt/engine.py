# SPDX-License-Identifier: Apache-2.0
"""The engine: what the machine offers, and the cache of loaded models."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from talkrt import _core
from talkrt.backends import find_onnxruntime, offer_tensorrt
from talkrt.errors import Error
from talkrt.model import Model

DEVICES = ("auto", "cpu", "cuda")  # by talkrt_device

_LOG = logging.getLogger("talkrt")
_LOG.addHandler(logging.NullHandler())  # silent unless the host configures logging
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)  # by talkrt_log_level


class Engine:
    """Opens ONNX Runtime and loads plans. One engine serves a whole process, from any thread.

    device: "cpu", "cuda" (an NVIDIA GPU, or BackendError), or "auto": the GPU where there is one.
    device_index: of several GPUs, as CUDA counts them.
    threads: of the kernels, the caller's included; 0: one per core this process may use.
    host_budget_bytes: for all models together; 0: no limit beside each plan's own.
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
        )

    def load(self, path: str | os.PathLike[str]) -> Model:
        """Loads a plan, or returns the model of an unchanged file that is still loaded."""
        return Model(self._core.load(os.fsencode(path)))

    def describe(self) -> dict[str, Any]:
        """What was found, what will be used and why, and the memory account."""
        description: dict[str, Any] = json.loads(self._core.describe_json())
        return description


def _log(level: int, message: str) -> None:
    _LOG.log(_LEVELS[level], "%s", message)
