# SPDX-License-Identifier: Apache-2.0
"""What the user may say about a scene; None leaves open what is found from the file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

CONVENTIONS: dict[str, Literal["gsplat", "inria"]] = {"gsplat": "gsplat", "inria": "inria"}
AXES = ("x", "y", "z", "-x", "-y", "-z")


@dataclass(frozen=True, slots=True)
class SceneOptions:
    name: str | None = None  # the file's
    licence: str | None = None  # not stated
    up: str | None = None  # as is usual in files of its format; else one of AXES
    camera: Path | None = None  # found from where the splats are
    size: tuple[int, int] = (1280, 720)  # pixels
    fps: Fraction = Fraction(30)
    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    antialias: bool | None = None  # as the file says
    convention: Literal["gsplat", "inria"] = "gsplat"
    sh_degree: int | None = None  # what the file has


def scene_options(
    *,
    name: str | None,
    licence: str | None,
    up: str | None,
    camera: Path | None,
    size: str,
    fps: str,
    background: str,
    antialias: bool | None,
    convention: str,
    sh_degree: int | None,
) -> SceneOptions:
    """From the words of the command line. Raises ValueError or talkrt.Error."""
    from talkrt.cli.options import parse_fps, parse_size

    check_texts(name, licence)
    if up is not None and up.removeprefix("+") not in AXES:
        raise ValueError(f"--up is {up!r}, expected one of {', '.join(AXES)}")
    if convention not in CONVENTIONS:
        raise ValueError(f"--convention is {convention!r}, expected {' or '.join(CONVENTIONS)}")
    width, height = parse_size(size) or (0, 0)
    return SceneOptions(
        name=name,
        licence=licence,
        up=None if up is None else up.removeprefix("+"),
        camera=camera,
        size=(width, height),
        fps=parse_fps(fps) or Fraction(30),
        background=plain_color(background),
        antialias=antialias,
        convention=CONVENTIONS[convention],
        sh_degree=sh_degree,
    )


def check_texts(name: str | None, licence: str | None) -> None:
    for option, text, longest in (("--name", name, 64), ("--licence", licence, 255)):
        if text is not None and not (1 <= len(text) <= longest and text.isprintable()):
            raise ValueError(f"{option} is {text!r}, expected 1 to {longest} printable characters")


def plain_color(background: str) -> tuple[float, float, float]:
    """--background where a picture will not do."""
    from talkrt.background import parse_background
    from talkrt.errors import Error

    try:
        color = parse_background(background, (1, 1))
    except Error:
        color = ""
    if not isinstance(color, tuple):
        raise ValueError(f"--background is {background!r}, expected #RRGGBB or the name of a color")
    return color
