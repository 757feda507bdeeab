# SPDX-License-Identifier: Apache-2.0
"""Opens a scene file by what is in it; its name says nothing."""

from __future__ import annotations

from pathlib import Path

from .packed_ply import is_packed, open_packed_ply
from .ply import open_ply
from .ply_header import read_header
from .source import SceneError, Source
from .splat import open_splat
from .spz import MAGIC, open_spz

# Recognised only to be refused with a word of help. A .splat may begin with any bytes, by chance
# with these too; four make that rare enough.
FOREIGN = {
    b"PK\x03\x04": "a zip file (a .sog or a checkpoint?)",
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard",
    b"glTF": "a glTF model",
    MAGIC: ".spz version 4 or later",
}


def open_scene(path: Path) -> Source:
    """Reads headers only, but for .spz. Raises SceneError, or OSError when it cannot be opened."""
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "no such file"
        raise SceneError(f"{path}: {problem}; expected a .ply, .splat or .spz file")
    with path.open("rb") as file:
        start = file.read(8)
    file_bytes = path.stat().st_size
    if not start:
        raise SceneError(f"{path}: is empty; expected a .ply, .splat or .spz file")
    if start.startswith((b"ply\n", b"ply\r", b"ply ", b"ply\t")):
        header = read_header(path)
        return (open_packed_ply if is_packed(header) else open_ply)(header)
    if start.startswith(b"\x1f\x8b\x08"):
        return open_spz(path)
    for magic, what in FOREIGN.items():
        if start.startswith(magic):
            raise SceneError(
                f"{path}: is {what}, expected .ply, packed .ply, .splat or .spz version 2 or 3; "
                "save the scene as .ply"
            )
    return open_splat(path, file_bytes)
