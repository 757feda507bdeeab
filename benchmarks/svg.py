# SPDX-License-Identifier: Apache-2.0
"""Small plots as inline SVG: one look, no scripts, nothing to download."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

W, H = 640, 240  # of a plot with axes
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 36

PALETTE = ("#2563a8", "#c2571a", "#2f8f5b", "#8a4fa3", "#a8892a", "#6b7280")


@dataclass(frozen=True, slots=True)
class Axis:
    low: float
    high: float
    label: str
    names: tuple[str, ...] = ()  # of 0, 1, 2 and so on, in place of numbers

    def name(self, value: float) -> str:
        return escape(self.names[round(value)]) if self.names else f"{value:g}"

    def ticks(self) -> list[float]:
        """About five round numbers; of names, at most eight."""
        if self.names:
            return [float(i) for i in range(0, len(self.names), -(-len(self.names) // 8))]
        span = (self.high - self.low) or 1.0
        step = 10.0 ** math.floor(math.log10(span / 5))
        step *= next((m for m in (1, 2, 5, 10) if span / (m * step) <= 6), 10)
        first = math.ceil(self.low / step - 1e-9)
        return [k * step for k in range(first, math.floor(self.high / step + 1e-9) + 1)]


class Plot:
    """Axes, and what is drawn over them, in data units."""

    def __init__(self, x: Axis, y: Axis, height: int = H) -> None:
        self._x, self._y, self._height = x, y, height
        self._marks: list[str] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        def place(axis: Axis, value: float) -> float:
            return (value - axis.low) / ((axis.high - axis.low) or 1.0)

        across = _LEFT + place(self._x, x) * (W - _LEFT - _RIGHT)
        down = self._height - _BOTTOM - place(self._y, y) * (self._height - _TOP - _BOTTOM)
        return round(across, 1), round(down, 1)

    def line(self, xs: Sequence[float], ys: Sequence[float], color: str = PALETTE[0]) -> None:
        points = " ".join("{},{}".format(*self.at(x, y)) for x, y in zip(xs, ys, strict=True))
        self._marks.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        )

    def dots(
        self, xs: Sequence[float], ys: Sequence[float], color: str = PALETTE[0], radius: float = 1.5
    ) -> None:
        for x, y in zip(xs, ys, strict=True):
            cx, cy = self.at(x, y)
            self._marks.append(
                f'<circle cx="{cx}" cy="{cy}" r="{radius}" fill="{color}" fill-opacity=".55"/>'
            )

    def bar(self, x0: float, x1: float, y: float, color: str = PALETTE[0]) -> None:
        left, top = self.at(x0, y)
        right, bottom = self.at(x1, self._y.low)
        self._marks.append(
            f'<rect x="{left}" y="{top}" width="{max(right - left - 0.6, 0.4):.1f}" '
            f'height="{max(bottom - top, 0):.1f}" fill="{color}"/>'
        )

    def vertical(self, x: float, text: str, color: str = "#444", row: int = 0) -> None:
        across, top = self.at(x, self._y.high)
        bottom = self._height - _BOTTOM
        side = "end" if across > W - 90 else "start"
        shift = -4 if side == "end" else 4
        self._marks.append(
            f'<line x1="{across}" y1="{top}" x2="{across}" y2="{bottom}" stroke="{color}" '
            f'stroke-dasharray="4 3"/><text x="{across + shift}" y="{top + 12 + 13 * row}" '
            f'text-anchor="{side}" fill="{color}">{escape(text)}</text>'
        )

    def horizontal(self, y: float, text: str, color: str = "#444") -> None:
        left, down = self.at(self._x.low, y)
        self._marks.append(
            f'<line x1="{left}" y1="{down}" x2="{W - _RIGHT}" y2="{down}" stroke="{color}" '
            f'stroke-dasharray="4 3"/><text x="{W - _RIGHT - 4}" y="{down - 4}" '
            f'text-anchor="end" fill="{color}">{escape(text)}</text>'
        )

    def interval(self, low: float, middle: float, high: float, y: float, color: str) -> None:
        x0, down = self.at(low, y)
        x1, _ = self.at(high, y)
        xm, _ = self.at(middle, y)
        self._marks.append(
            f'<line x1="{x0}" y1="{down}" x2="{x1}" y2="{down}" stroke="{color}" stroke-width="3"/>'
            f'<circle cx="{xm}" cy="{down}" r="5" fill="{color}"/>'
        )

    def text(self, x: float, y: float, words: str) -> None:
        across, down = self.at(x, y)
        self._marks.append(f'<text x="{across}" y="{down + 4}">{escape(words)}</text>')

    def svg(self) -> str:
        parts = []
        bottom = self._height - _BOTTOM
        for value in self._x.ticks():
            across, _ = self.at(value, self._y.low)
            parts.append(
                f'<line x1="{across}" y1="{_TOP}" x2="{across}" y2="{bottom}" class="grid"/>'
                f'<text x="{across}" y="{bottom + 14}" text-anchor="middle">{self._x.name(value)}'
                "</text>"
            )
        if self._y.label:
            for value in self._y.ticks():
                _, down = self.at(self._x.low, value)
                parts.append(
                    f'<line x1="{_LEFT}" y1="{down}" x2="{W - _RIGHT}" y2="{down}" class="grid"/>'
                    f'<text x="{_LEFT - 5}" y="{down + 4}" text-anchor="end">{value:g}</text>'
                )
            middle = (_TOP + bottom) / 2
            parts.append(
                f'<text x="12" y="{middle}" text-anchor="middle" '
                f'transform="rotate(-90 12 {middle})">{escape(self._y.label)}</text>'
            )
        parts.append(
            f'<text x="{(W + _LEFT) / 2}" y="{self._height - 5}" text-anchor="middle">'
            f"{escape(self._x.label)}</text>"
        )
        inside = "".join(parts + self._marks)
        return (
            f'<svg viewBox="0 0 {W} {self._height}" role="img" '
            f'xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
        )


def stacked(parts: Sequence[tuple[str, float]], whole: float, unit: str) -> str:
    """One bar of parts with a legend; what is left of `whole` stays empty."""
    marks, legend, across = [], [], 0.0
    scale = W / max(whole, sum(value for _, value in parts), 1e-12)
    for index, (name, value) in enumerate(parts):
        color = PALETTE[index % len(PALETTE)]
        marks.append(
            f'<rect x="{across:.1f}" y="0" width="{value * scale:.1f}" height="26" fill="{color}"/>'
        )
        across += value * scale
        legend.append(
            f'<span><i style="background:{color}"></i>{escape(name)} {value:.3g} {unit}</span>'
        )
    frame = f'<rect x=".5" y=".5" width="{W - 1}" height="25" fill="none" stroke="#bbb"/>'
    bar = (
        f'<svg viewBox="0 0 {W} 26" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(marks)}{frame}</svg>"
    )
    return f'{bar}<p class="legend">{"".join(legend)}</p>'
