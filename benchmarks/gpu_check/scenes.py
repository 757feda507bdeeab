# SPDX-License-Identifier: Apache-2.0
"""python -m talkrt.benchmarks.gpu_check.scenes FOLDER [--small]: the scenes that kernels and peers
draw. With --small only those for programs that run a hundred times slower, or ten thousand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..scenes import Scene, random_splats, talking_head, write_scene

HEADS: Mapping[str, Callable[[], Scene]] = {  # as a peer draws them too
    "head-50k.bin": lambda: talking_head(50_000),
    "head-50k-sh3.bin": lambda: talking_head(50_000, 3),
    "head-100k.bin": lambda: talking_head(100_000),
}
_SMALL: Mapping[str, Callable[[], Scene]] = {
    "head-2k.bin": lambda: talking_head(2_000, 1, 128),  # under compute-sanitizer
    "head-300.bin": lambda: talking_head(300, 0, 48),  # in emulation
}
_OTHERS: Mapping[str, Callable[[], Scene]] = {
    "splats-of-every-size.bin": lambda: random_splats(20_000, 511, 389, 5, 2),
    "antialiased.bin": lambda: replace(talking_head(20_000), antialias=True),
    "inria.bin": lambda: replace(talking_head(20_000, 1), convention="inria", near_plane=0.2),
    "before-a-picture.bin": lambda: replace(talking_head(20_000), background=_picture(512)),
    "nothing-behind.bin": lambda: replace(talking_head(20_000), background=None),
}


def main() -> None:
    folder, *rest = sys.argv[1:]
    wanted = _SMALL if rest == ["--small"] else {**_SMALL, **HEADS, **_OTHERS}
    for name, made in wanted.items():
        write_scene(made(), Path(folder) / name)
        print(name)


def _picture(size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    y, x = np.mgrid[0:size, 0:size]
    return np.stack([x // 2, y // 2, (x + y) // 4], axis=2).astype(np.uint8)


if __name__ == "__main__":
    main()
