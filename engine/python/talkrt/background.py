# SPDX-License-Identifier: Apache-2.0
"""Backgrounds as people write them: plan, transparent, a color, or a picture file."""

from __future__ import annotations

import re
from pathlib import Path

from talkrt.errors import Error
from talkrt.model import Background

_NAMED = {
    "black": "000000",
    "white": "ffffff",
    "gray": "808080",
    "grey": "808080",
    "red": "ff0000",
    "green": "00b140",  # the usual chroma-key green
    "blue": "0047bb",  # the usual chroma-key blue
}


def parse_background(text: str, size: tuple[int, int]) -> Background:
    """What Model.session takes; `size` is the frame's, to which a picture is fitted."""
    if text in ("plan", "transparent"):
        return text
    digits = _NAMED.get(text.lower())
    if digits is None and re.fullmatch(r"#?[0-9a-fA-F]{6}", text) and not Path(text).exists():
        digits = text.removeprefix("#")
    if digits is not None:
        red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
        return red, green, blue
    if not Path(text).exists():
        raise Error(
            f"background {text!r} is neither a color nor a picture; give plan, transparent, "
            f"#RRGGBB, a picture file, or one of: {', '.join(_NAMED)}",
            "TALKRT_ERROR_NOT_FOUND",
        )
    from talkrt.pictures import load_picture

    return load_picture(Path(text), size)
