# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as exceptions. Their messages are made for people: what, where, what to do."""

from __future__ import annotations


class Error(Exception):
    """Anything TalkRT refuses. `code` is the name of the C ABI's status."""

    def __init__(self, message: str, code: str = "TALKRT_ERROR_INVALID_ARGUMENT") -> None:
        super().__init__(message)
        self.code = code


class PlanError(Error):
    """A file that is no plan, contradicts itself, or needs what this version cannot do."""


class BackendError(Error):
    """ONNX Runtime could not be opened, or refused a graph."""


class DeviceLostError(BackendError):
    """The GPU failed while in use. Nothing of its engine can draw any more: make a new engine."""


class BudgetError(Error):
    """More memory would be needed than a budget, or the machine, allows."""


class UnsupportedError(Error, NotImplementedError):
    """What this kind of model cannot do, or what a similar library offers under this name and
    TalkRT does not."""


class AudioError(Error):
    """Audio that cannot be read or contains samples that are no numbers."""


_CLASSES: dict[str, type[Error]] = {
    "TALKRT_ERROR_PLAN_CORRUPT": PlanError,
    "TALKRT_ERROR_PLAN_UNSUPPORTED": PlanError,
    "TALKRT_ERROR_BACKEND_MISSING": BackendError,
    "TALKRT_ERROR_BACKEND_FAILED": BackendError,
    "TALKRT_ERROR_DEVICE_LOST": DeviceLostError,
    "TALKRT_ERROR_OUT_OF_BUDGET": BudgetError,
    "TALKRT_ERROR_OUT_OF_MEMORY": BudgetError,
    "TALKRT_ERROR_BAD_AUDIO": AudioError,
    "TALKRT_ERROR_FINISHED": AudioError,
    "TALKRT_ERROR_UNSUPPORTED": UnsupportedError,
}


def make(code: str, message: str) -> Error:
    """The exception for a status of the C ABI; talkrt._core raises through here."""
    return _CLASSES.get(code, Error)(message, code)
