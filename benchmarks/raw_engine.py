# SPDX-License-Identifier: Apache-2.0
"""Which kind of file `--engine` was given, by its bytes: a plan of TalkRT, or what trtexec
writes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_TAG = 0x74727466  # the first word of a serialized TensorRT engine
_HEAD_BYTES = 28


@dataclass(frozen=True, slots=True)
class RawEngine:
    path: str
    version: tuple[int, int, int, int]  # of the TensorRT that built it

    @property
    def release(self) -> str:
        return ".".join(map(str, self.version))


def recognise(path: str) -> RawEngine | None:
    """None when it is anything else, or not there: the plan reader says what is wrong then."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    if len(head) < _HEAD_BYTES:
        return None
    tag, serialization = struct.unpack_from("<II", head)
    if tag != _TAG or serialization != 0:
        return None
    return RawEngine(path, (head[24], head[25], head[26], head[27]))
