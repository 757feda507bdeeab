# SPDX-License-Identifier: Apache-2.0
"""The list of shapes: which channels drive what, on which members.

A shape is a name, its factors, and a function from a member to a Motion (or None). Channels that
only turn joints (jawForward, the eyes' looks) need no shape here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...rig import Factor, Shape
from . import correctives, mouth, shading, tongue, upper_face
from .fields import DoubleArray, Field, Points, mirrored
from .jaw_stretch import jaw_stretch
from .lid_colors import LidColors
from .lids import LidPose
from .members import EYE_RIMS, SKIN, Member
from .motion import (
    Motion,
    field_motion,
    follows_skin,
    lid_motion,
    recolored,
    still,
    surface_lid_field,
)
from .shading import Shade

SIDES = (("Left", 1), ("Right", -1))
# The most that some weights reach in ordinary use; a corrective's is a product.
USUAL = {
    "jawOpen*mouthPucker": 0.25,
    "jawOpen*mouthFunnel": 0.2,
    "jawOpen*mouthClose": 0.3,
    "jawOpen*mouthSmile": 0.4,
    "mouthLeft": 0.6,
    "mouthRight": 0.6,
    "eyePitch@down": 0.6,
    "eyePitch@up": 0.6,
    "eyeLookDown": 0.8,
    "eyeLookUp": 0.8,
    "jawOpen": 0.7,
    "cheekPuff": 0.8,
    "mouthShrugLower": 0.6,
    "mouthShrugUpper": 0.6,
    "mouthRollLower": 0.6,
    "mouthRollUpper": 0.6,
    "mouthDimple": 0.7,
    "mouthFrown": 0.8,
    "mouthStretch": 0.7,
    "mouthPress": 0.7,
}
LOOK_DOWN_DEGREES, LOOK_UP_DEGREES = 30.0, 25.0  # of eyePitch, for what the lids do at a full look
HALF_BLINK, FULL_BLINK = ((0.0, 0.0), (0.5, 1.0), (1.0, 0.0)), ((0.5, 0.0), (1.0, 1.0))

Move = Callable[[Member], Motion | None]


@dataclass(frozen=True, slots=True)
class Recipe:
    shape: Shape
    move: Move

    @property
    def usual(self) -> float:
        name = self.shape.name.removesuffix("Left").removesuffix("Right")
        return USUAL.get(self.shape.name, USUAL.get(name, 1.0))


def recipes(lid_colors: LidColors) -> Iterator[Recipe]:
    yield from _mouth_and_face()
    yield from _mouth_correctives()
    for side, sign in SIDES:
        yield from _lids(side, sign, lid_colors)
    yield from _tongue()


def _plain(name: str, move: Move, *channels: str) -> Recipe:
    return Recipe(Shape(name, tuple(Factor(c) for c in channels or (name,))), move)


def _sided(field: Field, sign: int) -> Field:
    return field if sign > 0 else mirrored(field)


def _shaded(shade: Shade | None, sign: int) -> Shade | None:
    if shade is None or sign > 0:
        return shade

    def other(p: Points) -> DoubleArray:
        return shade(Points(p.xyz * [-1.0, 1.0, 1.0], p.upper))

    return other


def _surface(field: Field, shade: Shade | None, lids_too: bool = False) -> Move:
    """Moves skin, lips, rims and brows; `lids_too` for fields that reach the upper lids."""

    def move(member: Member) -> Motion | None:
        if not (follows_skin(member) or (lids_too and member.name == "upper_lid")):
            return None
        motion = field_motion(member, field)
        if shade is not None and member.name in SKIN:
            motion = motion.plus(recolored(member, shade(member.points)))
        return motion

    return move


def _both(first: Move, second: Move) -> Move:
    def move(member: Member) -> Motion | None:
        a, b = first(member), second(member)
        return a.plus(b) if a is not None and b is not None else a if b is None else b

    return move


def _only(names: tuple[str, ...], move: Move) -> Move:
    return lambda member: move(member) if member.name in names else None


def _mouth_and_face() -> Iterator[Recipe]:
    for fields, lids_too in ((mouth, False), (upper_face, True)):
        for name, field in fields.MIDDLE.items():
            move = _surface(field, shading.MIDDLE.get(name), lids_too)
            yield _plain(name, _both(move, jaw_stretch) if name == "jawOpen" else move)
        for name, field in fields.LEFT.items():
            for side, sign in SIDES:
                move = _surface(
                    _sided(field, sign), _shaded(shading.LEFT.get(name), sign), lids_too
                )
                if name == "cheekSquint":
                    move = _both(move, _lid_move(sign, ((1, LidPose(cheek=1)),)))
                yield _plain("mouth" + side if name == "mouthLeft" else name + side, move)


def _mouth_correctives() -> Iterator[Recipe]:
    for (a, b), field in correctives.MOUTH.items():
        yield _plain(f"{a}*{b}", _surface(field, None), a, b)
    for (a, b), field in correctives.MOUTH_LEFT.items():
        for side, sign in SIDES:
            yield _plain(f"{a}*{b}{side}", _surface(_sided(field, sign), None), a, b + side)


def _lid_move(sign: int, terms: tuple[tuple[float, LidPose], ...]) -> Move:
    """The weighted sum of lid poses of one eye, on lids, lashes, rims and the skin around."""

    def move(member: Member) -> Motion | None:
        if member.name in ("upper_lid", "lashes_upper"):
            if member.side != sign:
                return None
            total = still(member)
            for weight, pose in terms:
                total = total.plus(lid_motion(member, pose), weight)
            return total
        if not (member.name in SKIN or (member.name in EYE_RIMS and member.side == sign)):
            return None
        total = still(member)
        for weight, pose in terms:
            field = _sided(surface_lid_field(pose), sign)
            total = total.plus(field_motion(member, field), weight)
        return total

    return move


def _lids(side: str, sign: int, colors: LidColors) -> Iterator[Recipe]:
    def blink_colors(share: float) -> Move:
        return lambda member: colors.closed(member, sign, share)

    def shape(name: str, *factors: Factor) -> Shape:
        return Shape(name, factors)

    blink = f"eyeBlink{side}"
    half = _both(_lid_move(sign, ((1, LidPose(blink=0.5)),)), blink_colors(0.45))
    full = _both(_lid_move(sign, ((1, LidPose(blink=1)),)), blink_colors(1.0))
    yield Recipe(shape(f"{blink}@0.5", Factor(blink, HALF_BLINK)), half)
    yield Recipe(shape(f"{blink}@1", Factor(blink, FULL_BLINK)), full)

    down = Factor("eyePitch", ((0.0, 0.0), (LOOK_DOWN_DEGREES, 1.0)))
    up = Factor("eyePitch", ((-LOOK_UP_DEGREES, 1.0), (0.0, 0.0)))
    drivers = (
        (Factor(f"eyeLookDown{side}"), f"eyeLookDown{side}", "look_down"),
        (Factor(f"eyeLookUp{side}"), f"eyeLookUp{side}", "look_up"),
        (down, f"eyePitch@down{side}", "look_down"),
        (up, f"eyePitch@up{side}", "look_up"),
        (Factor(f"eyeWide{side}"), f"eyeWide{side}", "wide"),
        (Factor(f"eyeSquint{side}"), f"eyeSquint{side}", "squint"),
    )
    for factor, name, field in drivers:
        alone = LidPose(**{field: 1.0})
        move = _lid_move(sign, ((1, alone),))
        if field == "squint":
            move = _both(move, _shade_only(_shaded(shading.LEFT["eyeSquint"], sign)))
        yield Recipe(shape(name, factor), move)
        both = LidPose(blink=1.0, **{field: 1.0})
        terms = ((1.0, both), (-1.0, LidPose(blink=1.0)), (-1.0, alone))
        corrective = _only(("upper_lid", "lashes_upper"), _lid_move(sign, terms))
        yield Recipe(shape(f"{blink}*{name}", Factor(blink), factor), corrective)
    yield from _catchlights(side, sign)


def _shade_only(shade: Shade | None) -> Move:
    def move(member: Member) -> Motion | None:
        if shade is None or member.name not in SKIN:
            return None
        return recolored(member, shade(member.points))

    return move


def _catchlights(side: str, sign: int) -> Iterator[Recipe]:
    """Reflections go out before the lid, which is behind them, would pass under them."""

    def off(member: Member) -> Motion | None:
        if member.name != "catchlight" or member.side != sign:
            return None
        rest = still(member)
        return Motion(rest.means, rest.frames, rest.colors, rest.opacities - 1.0)

    for channel, knots in (
        (f"eyeBlink{side}", ((0.12, 0.0), (0.35, 1.0))),
        (f"eyeLookDown{side}", ((0.35, 0.0), (0.75, 1.0))),
        ("eyePitch", ((10.0, 0.0), (22.0, 1.0))),
    ):
        factors = (Factor(channel, knots),)
        yield Recipe(Shape(f"catchlight{side}@{channel}", factors), off)


def _tongue() -> Iterator[Recipe]:
    lifted = Factor("tongueOut", ((0.0, 0.0), (0.15, 1.0)))
    yield Recipe(Shape("tongueOut@lift", (lifted,)), _only(("tongue",), tongue.lift))
    yield _plain("tongueOut", _only(("tongue",), tongue.out))
