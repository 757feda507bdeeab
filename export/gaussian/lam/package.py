# SPDX-License-Identifier: Apache-2.0
"""Finds the files of a LAM avatar, in a folder or in the zip file that LAM writes.

`skin.glb` is the rigged mesh, `offset.ply` the Gaussians. `vertex_order.json` lists the vertices by
height, for a renderer that draws in that order; we check that it is of this mesh. `animation.glb`
is an idle clip that all avatars share; the engine's own idle motion takes its place.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ...checkpoint import CheckpointError

SKIN, OFFSETS, ORDER, ANIMATION = "skin.glb", "offset.ply", "vertex_order.json", "animation.glb"
NEEDED = (SKIN, OFFSETS, ORDER)
FLAME_FILES = ("flame_params.json", "lbs_weight_20k.json", "bone_tree.json")
MAX_BYTES = 256 << 20  # of a file in a zip; LAM's largest is a tenth of it
MAX_ENTRIES = 4096
# What zipfile raises on damage, beside the error that it documents.
_ZIP_ERRORS = (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, UnicodeError)


@contextmanager
def opened(source: Path) -> Iterator[Path]:
    """The folder with the files. Raises CheckpointError, and OSError for what cannot be opened."""
    if source.is_dir():
        yield _folder(source)
    elif not source.exists():
        raise CheckpointError(f"{source}: no such file or folder, expected a LAM avatar")
    elif not zipfile.is_zipfile(source):
        raise CheckpointError(f"{source}: expected a LAM avatar: its folder or its .zip file")
    else:
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder)
            _unpack(source, inner)
            try:
                yield inner
            except (
                CheckpointError,
                ValueError,
            ) as error:  # names the zip, not where it was unpacked
                raise CheckpointError(str(error).replace(f"{inner}/", f"{source}: ")) from None


def check_order(path: Path, vertices: int) -> None:
    """A wrong vertex_order.json means that the files are of different avatars."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise CheckpointError(f"{path}: {size} bytes, expected at most {MAX_BYTES}")
    try:
        found = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: is no JSON: {error}") from None
    whole = isinstance(found, list) and all(type(index) is int for index in found)
    if not whole or sorted(found) != list(range(vertices)):
        count = len(found) if isinstance(found, list) else "no list"
        raise CheckpointError(
            f"{path}: {count} numbers, expected each of the {vertices} vertices of {SKIN} once"
        )


def _folder(source: Path) -> Path:
    inside = [path for path in sorted(source.iterdir()) if (path / SKIN).is_file()]
    folder = inside[0] if len(inside) == 1 and not (source / SKIN).is_file() else source
    _check_names(str(folder), {path.name for path in folder.iterdir() if path.is_file()})
    return folder


def _check_names(where: str, names: set[str]) -> None:
    flame = [name for name in FLAME_FILES if name in names]
    if flame and ANIMATION not in names:
        raise CheckpointError(
            f"{where}: {flame[0]} says that this is LAM's FLAME package, whose blendshapes are not "
            "ARKit's; expected the one for chatting avatars (skin.glb with 51 ARKit blendshapes)"
        )
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise CheckpointError(
            f"{where}: {', '.join(missing)} missing, expected a LAM avatar: {', '.join(NEEDED)}"
        )


def _unpack(source: Path, folder: Path) -> None:
    """The needed files alone, into `folder`, whatever the archive calls their folder."""
    try:
        with zipfile.ZipFile(source) as archive:
            names = [PurePosixPath(info.filename) for info in archive.infolist()]
            if len(names) > MAX_ENTRIES:
                raise CheckpointError(
                    f"{source}: {len(names)} entries, expected at most {MAX_ENTRIES}"
                )
            skins = [name for name in names if name.name == SKIN and "__MACOSX" not in name.parts]
            if len(skins) > 1:
                raise CheckpointError(f"{source}: {len(skins)} times {SKIN}, expected one avatar")
            home = skins[0].parent if skins else PurePosixPath()
            _check_names(str(source), {name.name for name in names if name.parent == home})
            for name in NEEDED:
                (folder / name).write_bytes(_entry(archive, source, str(home / name)))
    except _ZIP_ERRORS as error:
        raise CheckpointError(f"{source}: a damaged zip file: {error}") from None


def _entry(archive: zipfile.ZipFile, source: Path, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise CheckpointError(f"{source}: {name} unpacks to more than {MAX_BYTES} bytes")
    return data
