# SPDX-License-Identifier: Apache-2.0
"""A sequence of files, one a picture: a folder, or a pattern such as frames/face-%05d.png."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from talkrt.errors import Error
from talkrt.output import aside, check_writable

PNG = (".png",)
_NUMBER = re.compile(r"%0?(\d*)d")


def is_sequence(path: str) -> bool:
    """A pattern, an existing folder, or a name without a suffix."""
    name = Path(path).name
    return bool(_NUMBER.search(name)) or path.endswith("/") or not Path(path).suffix


class Sequence:
    """Numbers frames from 0. Makes a missing folder; never mixes its frames with old ones."""

    def __init__(
        self, path: str, encode: Callable[[NDArray[Any]], bytes], suffixes: tuple[str, ...] = PNG
    ) -> None:
        self._folder, self._name = split_pattern(path, suffixes)
        check_sequence(path, suffixes)
        self._makes_folder = not self._folder.exists()
        self._aside = aside(self._folder / "frames")
        self._encode = encode
        self._count = 0

    def begin(self) -> None:
        self._folder.mkdir(exist_ok=True)
        self._aside.mkdir()

    def write(self, image: NDArray[Any]) -> None:
        (self._aside / (self._name % self._count)).write_bytes(self._encode(image))
        self._count += 1

    def close(self) -> None:
        pass

    def commit(self) -> None:
        for index in range(self._count):
            name = self._name % index
            (self._aside / name).replace(self._folder / name)
        self._aside.rmdir()

    def abort(self) -> None:
        shutil.rmtree(self._aside, ignore_errors=True)
        if self._makes_folder and self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()


def split_pattern(path: str, suffixes: tuple[str, ...] = PNG) -> tuple[Path, str]:
    """(folder, file name with one %d)."""
    whole = Path(path)
    if _NUMBER.search(whole.name):
        if whole.suffix.lower() not in suffixes or whole.name.count("%") != 1:
            kinds = " or ".join(suffix.removeprefix(".").upper() for suffix in suffixes)
            raise Error(f"{path}: a sequence is of {kinds} files; write it as frames/%05d.png")
        return whole.parent, whole.name
    return whole, "%05d.png"


def check_sequence(path: str, suffixes: tuple[str, ...] = PNG) -> None:
    """Raises Error unless the frames can be written and none of that name is there."""
    folder, name = split_pattern(path, suffixes)
    if not folder.exists():
        check_writable(folder)
        return
    if not folder.is_dir():
        raise Error(f"{folder}: is a file; give a folder for the frames", "TALKRT_ERROR_IO")
    check_writable(folder / (name % 0))
    before, after = (
        re.escape(part) for part in re.split(_NUMBER.pattern.replace("(", "(?:"), name)
    )
    frame = re.compile(before + r"\d+" + after)
    if old := next((entry for entry in folder.iterdir() if frame.fullmatch(entry.name)), None):
        raise Error(
            f"{folder}: already holds frames ({old.name}); remove them or choose another folder",
            "TALKRT_ERROR_IO",
        )
