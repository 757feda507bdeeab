# SPDX-License-Identifier: Apache-2.0
"""Light on closed lids.

Open, the upper lid lies in the shade of its fold and is coloured so. Closed, it is a smooth dome
between brow and cheek, so its colours run between those of the skin above and below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial

from ..landmarks import crease_y, fissure_x, lower_edge_y
from .fields import MIRROR, DoubleArray, Points, smoothstep
from .lids import fold
from .members import Member
from .motion import Motion, still

ABOVE, HEM, BELOW = 6.0, 2.6, 6.0  # mm from crease or lower edge to the skin that is sampled
STATIONS = 17  # along the fissure
SAMPLE_SIGMA = 2.0  # mm


@dataclass(frozen=True, slots=True)
class LidColors:
    above: dict[int, DoubleArray]  # side -> [STATIONS, 3], under the brow
    hem: dict[int, DoubleArray]  # where the lid meets the skin
    below: dict[int, DoubleArray]

    def closed(self, member: Member, side: int, share: float) -> Motion | None:
        """Colour change of upper lid and fold on `side`, `share` of the way to closed."""
        rest = still(member)
        if member.name == "upper_lid" and member.side == side:
            t, v = member.uv.T
            target = self._dome(side, t, v)
            # The edge with its lash line stays as it is.
            weight = smoothstep(0.03, 0.14, v) * share
            colors = (target - member.colors) * weight[:, None]
            return Motion(rest.means, rest.frames, colors, rest.opacities)
        if member.name in ("skin", "under_skin"):
            p = member.points if side > 0 else _flipped(member)
            weight = fold(p) * np.exp(-(((p.y - crease_y(_t(p.x))) / 5.0) ** 2)) * share
            target = self._along(self.above[side], _t(p.x))
            brighter = np.maximum(target - member.colors, 0) * (0.65 * weight)[:, None]
            return Motion(rest.means, rest.frames, brighter, rest.opacities)
        return None

    def _dome(self, side: int, t: DoubleArray, v: DoubleArray) -> DoubleArray:
        up = smoothstep(0.1, 1.0, v)[:, None]
        color = self._along(self.below[side], t) * (1 - up) + self._along(self.hem[side], t) * up
        # A faint fold stays where the crease was; the dome catches a little light below it.
        relief = 0.025 * np.exp(-(((v - 0.42) / 0.3) ** 2)) - 0.05 * np.exp(
            -(((v - 0.97) / 0.10) ** 2)
        )
        corners = 0.17 * np.exp(-((t / 0.22) ** 2)) + 0.10 * np.exp(-(((1 - t) / 0.10) ** 2))
        dome: DoubleArray = color * (0.97 + relief - corners)[:, None] * [1.0, 0.975, 0.975]
        return dome

    @staticmethod
    def _along(stations: DoubleArray, t: DoubleArray) -> DoubleArray:
        grid = np.linspace(0, 1, STATIONS)
        return np.stack([np.interp(t, grid, stations[:, c]) for c in range(3)], axis=1)


def lid_colors(members: Sequence[Member]) -> LidColors:
    skin = next(member for member in members if member.name == "skin")
    t = np.linspace(0, 1, STATIONS)
    above, hem, below = {}, {}, {}
    for side in (1, -1):
        x = fissure_x(t) * side
        above[side] = _smooth(_sampled(skin, x, crease_y(t) + ABOVE))
        hem[side] = _smooth(_sampled(skin, x, crease_y(t) + HEM))
        below[side] = _smooth(_sampled(skin, x, lower_edge_y(t) - BELOW))
    return LidColors(above, hem, below)


def _sampled(skin: Member, x: DoubleArray, y: DoubleArray) -> DoubleArray:
    """[n, 3] mean colour of the skin that shows around each (x, y) from the front."""
    xy = np.stack([x, y], axis=1)
    squared = ((xy[:, None] - skin.points.xyz[:, :2]) ** 2).sum(axis=2)
    weight = np.exp(-squared / (2 * SAMPLE_SIGMA**2))
    reached = np.where(weight > 0.1, skin.points.z, -np.inf)
    weight *= skin.points.z > reached.max(axis=1, keepdims=True) - 4.0  # not what lies behind
    mean: DoubleArray = weight @ skin.colors / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    return mean


def _smooth(stations: DoubleArray) -> DoubleArray:
    t = np.linspace(0, 1, len(stations))
    fit = polynomial.polyfit(t, stations, 5)
    smooth: DoubleArray = np.clip(polynomial.polyval(t, fit).T, 0, 1)
    return smooth


def _t(x: DoubleArray) -> DoubleArray:
    first, last = float(fissure_x(0.0)), float(fissure_x(1.0))
    t: DoubleArray = np.clip((x - first) / (last - first), 0, 1)
    return t


def _flipped(member: Member) -> Points:
    return Points(member.points.xyz * MIRROR, member.points.upper)
