# SPDX-License-Identifier: Apache-2.0
"""Where frames go. Every output is written aside and renamed when all of them are complete, so that
an error, a full disk or Ctrl-C leaves neither a broken file nor half of a set."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from talkrt.errors import Error

Image = NDArray[np.uint8]  # RGBA [H, W, 4]


class Output(Protocol):
    """Made without touching the disk, so that abort can be arranged before there is anything to
    remove: a signal may come between any two statements."""

    def begin(self) -> None:
        """Makes what is written aside."""

    def write(self, image: NDArray[Any]) -> None:
        """Takes the next frame (an Image, but for planes of depth); keeps no reference to it after
        returning."""

    def close(self) -> None:
        """Completes what was written aside."""

    def commit(self) -> None:
        """Gives it its name."""

    def abort(self) -> None:
        """Removes every trace. May follow any other call, and raises nothing."""


def aside(path: Path) -> Path:
    """The name under which `path` is written until it is complete: on the same file system."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def check_writable(path: Path) -> None:
    """Raises Error unless a file of this name can be made, before anyone works for it."""
    if path.is_dir():
        raise _refused(path, "is a folder; give a file name")
    folder = path.parent
    if not folder.is_dir():
        raise _refused(path, f"there is no folder {folder}; make it: mkdir -p {folder}")
    probe = aside(path)
    try:
        probe.touch()
    except OSError as error:
        raise _refused(
            path, f"cannot be written ({error.strerror}); choose another place"
        ) from None
    finally:
        with suppress(OSError):
            probe.unlink()


def _refused(path: Path, problem: str) -> Error:
    return Error(f"{path}: {problem}", "TALKRT_ERROR_IO")
