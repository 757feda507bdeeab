# SPDX-License-Identifier: Apache-2.0
"""Cameras as people write them: plan, orbit, swing, or a JSON file."""

from __future__ import annotations

import math
from pathlib import Path

from talkrt.camera_file import read_camera_path
from talkrt.camera_path import MAX_ELEVATION, CameraPath, Orbit, Pictures
from talkrt.errors import Error
from talkrt.model import Model

_SWING_DEGREES, _ORBIT_DEGREES, _SECONDS = 30.0, 360.0, 8.0
_LIMITS = {  # of what may follow the name: least, most
    "turns": (-1000.0, 1000.0),
    "degrees": (-360_000.0, 360_000.0),
    "elevation": (-MAX_ELEVATION, MAX_ELEVATION),
    "seconds": (0.04, 86_400.0),
}


def camera_path(text: str, model: Model, size: tuple[int, int], distance: float) -> CameraPath:
    """plan: the plan's camera. orbit: around the plan's target, and orbit:turns=2,elevation=20 or
    orbit:degrees=90,seconds=4. swing: to either side. Otherwise a file: camera_file.py. `distance`
    scales that of the plan's camera."""
    home = model.camera(size).dollied(model.target, distance)
    name, _, rest = text.partition(":")
    if name in ("orbit", "swing"):
        options = _options(text, rest)
        default = _ORBIT_DEGREES if name == "orbit" else _SWING_DEGREES
        degrees = options.get("degrees", 360.0 * options.get("turns", default / 360.0))
        seconds = options.get("seconds", _SECONDS)
        elevation = options.get("elevation")
        return Orbit(home, model.target, model.up, degrees, seconds, elevation, name == "swing")
    if text == "plan":
        return Pictures((home,))
    if distance != 1.0:
        raise Error(f"--distance moves the plan's camera; {text} says itself where cameras stand")
    if not text.lower().endswith(".json"):
        raise Error(f"--camera is {text!r}, expected plan, orbit, swing or a .json file")
    return read_camera_path(Path(text), model.camera(size), model.target, model.up)


def _options(text: str, rest: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in rest.split(",") if rest else []:
        key, _, amount = part.partition("=")
        if key not in _LIMITS or key in found:
            words = ", ".join(_LIMITS)
            raise Error(f"--camera is {text!r}, expected each of {words} at most once, as turns=2")
        least, most = _LIMITS[key]
        try:
            found[key] = float(amount)
        except ValueError:
            found[key] = math.nan
        if not least <= found[key] <= most:
            raise Error(
                f"--camera is {text!r}: {key} is {amount!r}, expected {least:g} to {most:g}"
            )
    if "turns" in found and "degrees" in found:
        raise Error(f"--camera is {text!r}, expected turns or degrees, not both")
    return found
