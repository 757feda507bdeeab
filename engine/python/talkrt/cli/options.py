# SPDX-License-Identifier: Apache-2.0
"""Values of options that are more than a number or a path."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Annotated, Any

import typer

from talkrt.errors import Error

Device = Annotated[
    str, typer.Option(help="auto (the GPU where there is one), cpu or cuda.", metavar="DEVICE")
]

_BUDGET = "instead of the plan's: 8GB, 512MiB, a number of bytes, or none."
HostBudget = Annotated[
    str | None, typer.Option(help=f"Of the host's memory, {_BUDGET}", metavar="SIZE")
]
DeviceBudget = Annotated[
    str | None, typer.Option(help=f"Of the GPU's memory, {_BUDGET}", metavar="SIZE")
]
_UNITS = {"": 1} | {
    f"{prefix}{unit}": base**power
    for power, prefix in enumerate("KMGT", 1)
    for unit, base in (("", 1000), ("B", 1000), ("IB", 1024))
}


def parse_bytes(text: str | None, option: str) -> float | None:
    """8GB, 1.5GiB, 1000000 or none, which is infinite."""
    if text is None:
        return None
    if text.lower() == "none":
        return math.inf
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Z]{0,3})", text.upper())
    unit = _UNITS.get("" if match[2] == "B" else match[2]) if match else None
    amount = float(match[1]) * unit if match and unit else 0.0
    if not 1 <= amount < 2**60:
        raise Error(f"{option} is {text!r}, expected a size above 0, as 8GB or 512MiB, or none")
    return int(amount)


def parse_budgets(host: str | None, device: str | None) -> dict[str, Any]:
    """As Engine.load takes them."""
    return {
        "host_budget": parse_bytes(host, "--host-budget"),
        "device_budget": parse_bytes(device, "--device-budget"),
    }


def parse_size(text: str | None) -> tuple[int, int] | None:
    """640x480."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,4})[xX](\d{1,4})", text)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(1 <= side <= 8192 for side in size):
        raise Error(f"--size is {text!r}, expected WIDTHxHEIGHT, each 1 to 8192, as 512x512")
    return size


def parse_fps(text: str | None) -> Fraction | None:
    """25, 29.97 or 30000/1001."""
    if text is None:
        return None
    try:
        fps = Fraction(text)
    except (ValueError, ZeroDivisionError):
        fps = Fraction(0)
    if not 1 <= fps <= 240 or fps.denominator > 1_000_000:
        raise Error(f"--fps is {text!r}, expected a number from 1 to 240, as 25 or 30000/1001")
    return fps


def parse_emotion(text: str) -> tuple[str, float]:
    """happy, or happy:0.5."""
    name, colon, amount = text.partition(":")
    if not colon:
        return name, 1.0
    intensity = _number(amount)
    if intensity is None or not 0.0 <= intensity <= 1.0:
        raise Error(f"--emotion is {text!r}, expected NAME or NAME:INTENSITY, 0 to 1, as happy:0.5")
    return name, intensity


def parse_pair(text: str, option: str) -> tuple[float, float]:
    """10,-5."""
    parts = [_number(part) for part in text.split(",")]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        raise Error(f"{option} is {text!r}, expected two numbers, as 10,-5")
    return parts[0], parts[1]


def parse_box(text: str) -> tuple[float, float, float, float]:
    """120,80,380,420."""
    parts = [_number(part) for part in text.split(",")]
    numbers = [part for part in parts if part is not None]
    if len(parts) != 4 or len(numbers) != 4:
        raise Error(f"--face-box is {text!r}, expected four numbers, as 120,80,380,420")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None  # refuses NaN too
