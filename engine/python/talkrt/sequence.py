# SPDX-License-Identifier: Apache-2.0
"""A sequence of PNG files: a folder, or a pattern such as frames/face-%05d.png."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from talkrt.errors import Error
from talkrt.output import Image, aside, check_writable
from talkrt.pictures import PngEncoder

_NUMBER = re.compile(r"%0?(\d*)d")


def is_sequence(path: str) -> bool:
    """A pattern, an existing folder, or a name without a suffix."""
    name = Path(path).name
    return bool(_NUMBER.search(name)) or path.endswith("/") or not Path(path).suffix


class PngSequence:
    """Numbers frames from 0. Makes a missing folder; never mixes its frames with old ones."""

    def __init__(self, path: str, size: tuple[int, int], opaque: bool) -> None:
        self._folder, self._name = split_pattern(path)
        check_sequence(path)
        self._made_folder = not self._folder.exists()
        self._folder.mkdir(exist_ok=True)
        self._aside = aside(self._folder / "frames")
        self._aside.mkdir()
        self._encoder = PngEncoder(size, opaque)
        self._count = 0

    def write(self, image: Image) -> None:
        (self._aside / (self._name % self._count)).write_bytes(self._encoder.encode(image))
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
        if self._made_folder and self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()


def split_pattern(path: str) -> tuple[Path, str]:
    """(folder, file name with one %d)."""
    whole = Path(path)
    if _NUMBER.search(whole.name):
        if whole.suffix.lower() != ".png" or whole.name.count("%") != 1:
            raise Error(f"{path}: a sequence is of PNG files; write it as frames/%05d.png")
        return whole.parent, whole.name
    return whole, "%05d.png"


def check_sequence(path: str) -> None:
    """Raises Error unless the frames can be written and none of that name is there."""
    folder, name = split_pattern(path)
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
