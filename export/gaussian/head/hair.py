# SPDX-License-Identifier: Apache-2.0
"""Hair: an undercoat of discs, and strands combed along a field within the shell of the hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .hairline import PART_X, above_line, coverage, shell, shell_height
from .landmarks import BoolArray, DoubleArray
from .light import FILL, KEY, RIM_COLOR, RIMS, VIEW, Material, Scene, key_shadow, occlusion, shade
from .noise import Noise
from .parts import Part
from .sampling import disc_frames, sample_surface, strand_frames
from .sdf import normal, smoothstep, unit
from .skull import skull
from .splats import joined, part

ALBEDO = np.array([0.082, 0.046, 0.026])
WRAP = np.array([0.30, 0.28, 0.26])
SEGMENTS = 8
LOW, HIGH = (-92.0, -90.0, -172.0), (92.0, 118.0, 62.0)
SEEN_FROM_FRONT = 1.6  # how much denser hair is in front than at the back of the head


@dataclass(frozen=True, slots=True)
class Strands:
    points: DoubleArray  # [S, SEGMENTS + 1, 3]
    layer: DoubleArray  # [S] 0 next to the skull .. 1 outermost
    clump: DoubleArray  # [S] noise that neighbours share
    width: DoubleArray  # [S] mm


def comb(p: DoubleArray) -> DoubleArray:
    """Which way the hair is combed: away from the parting, back, and down at the sides."""
    x, y, z = p.T
    top = smoothstep(38, 84, y)
    front = smoothstep(-45, 10, z) * smoothstep(35, 80, y)
    left = smoothstep(PART_X - 7, PART_X + 7, x)  # soft, or the parting shows as a bare strip
    across = left * (0.55 * top + 0.1) - (1 - left) * (0.95 * top + 0.12)
    down = -1.0 + 1.0 * top + 0.15 * front
    back = -0.62 * (1 - top) - 0.72 * top
    # At the front the hair grows away from the line, or strands would lie along the forehead.
    away = 0.6 * smoothstep(1.4, 0.0, above_line(p)) * smoothstep(-45, -15, z)
    return np.stack([across, down + away, back - 0.6 * away], axis=1)


def grow(roots: DoubleArray, noise: Noise, rng: np.random.Generator) -> Strands:
    count = len(roots)
    layer = rng.random(count)
    top, front = smoothstep(30, 80, roots[:, 1]), smoothstep(-50, 20, roots[:, 2])
    length = 26 + 44 * top + 14 * top * front + rng.normal(0, 4, count)
    sideburn = (roots[:, 1] < 22) & (roots[:, 2] > -74)
    length = np.where(sideburn, rng.uniform(9, 13, count), length)
    clump, fine = noise(roots, 14.0), noise(roots, 8.0, 50)
    bend = (0.13 * clump + 0.06 * fine)[:, None]
    share = 0.36 + 0.64 * layer**0.7 + 0.05 * clump
    p, points, before = roots.copy(), [roots + 0.4 * normal(skull, roots)], None
    for segment in range(SEGMENTS):
        f = (segment + 1) / SEGMENTS
        n = normal(skull, p)
        d = comb(p)
        d = unit(d - n * (d * n).sum(1, keepdims=True))
        wobble = 0.03 * rng.standard_normal((count, 1))
        d = unit(d + np.cross(n, d) * (bend + wobble))
        before = d if before is None else unit(0.55 * before + 0.45 * d)
        p = p + before * (length / SEGMENTS)[:, None]
        lift = shell_height(p) * share * (1 - np.exp(-7 * f))
        p = p + normal(skull, p) * (lift - skull(p))[:, None]
        points.append(p.copy())
    edge = smoothstep(2.4, 0.6, above_line(roots)) * smoothstep(-60, -30, roots[:, 2])
    width = rng.uniform(0.8, 1.1, count) * np.where(sideburn, 0.7, 1.0) * (1 - 0.4 * edge)
    return Strands(np.stack(points, axis=1), layer, clump, width)


def hair(
    scene: Scene, noise: Noise, rng: np.random.Generator, budget: int, undercoat: float
) -> Part:
    """As many strands as the budget leaves over the undercoat, whose spacing is `undercoat` mm."""

    def grown(p: DoubleArray) -> BoolArray:
        covered: BoolArray = coverage(p, noise) > -0.05
        return covered

    coat_p, coat_n = sample_surface(
        skull,
        LOW,
        HIGH,
        lambda p: undercoat * (1 + 0.6 * smoothstep(-60, -110, p[:, 2])),
        rng,
        grown,
    )
    scalp, _ = sample_surface(skull, LOW, HIGH, lambda p: np.full(len(p), 1.9), rng, grown)
    weight = smoothstep(-0.1, 0.9, coverage(scalp, noise)) + 0.03
    weight *= 1 + (SEEN_FROM_FRONT - 1) * smoothstep(-110, -30, scalp[:, 2])
    weight *= np.where(np.abs(scalp[:, 0]) > 60, 1.3, 1.0)
    parting = np.exp(-(((scalp[:, 0] - PART_X) / 5) ** 2)) * (scalp[:, 1] > 45)
    front_edge = smoothstep(2.2, 0.8, above_line(scalp)) * (scalp[:, 2] > -40)
    weight *= 1 + 5.0 * parting + 0.8 * front_edge
    strands = (budget - len(coat_p)) // SEGMENTS
    chosen = rng.choice(len(scalp), strands, p=weight / weight.sum(), replace=False)
    roots = scalp[chosen]
    return joined(
        "hair",
        _undercoat(coat_p, coat_n, noise, undercoat),
        _strands(grow(roots, noise, rng), scene, noise, rng),
    )


def _undercoat(p: DoubleArray, n: DoubleArray, noise: Noise, size: float) -> Part:
    """Dark discs low in the shell: no scalp shines through, and gaps read as depth."""
    cover = coverage(p, noise)
    lifted = p + n * (0.3 + 0.2 * shell_height(p))[:, None]
    ao = np.clip(0.35 + 0.25 * cover, 0.0, 0.6)
    shaped = normal(shell, lifted, 1.0)
    color = shade(
        np.tile(ALBEDO * [0.8, 0.86, 0.92], (len(p), 1)), shaped, ao, 0.5, Material(WRAP, 0.0)
    )
    s = size * (1 + 0.6 * smoothstep(-60, -110, p[:, 2]))
    opacity = 0.97 * smoothstep(0.15, 1.5, cover)
    return part("undercoat", lifted, disc_frames(shaped, 0.78 * s, 0.4), n, color, opacity)


def sheen(
    tangent: DoubleArray, n: DoubleArray, light: DoubleArray, power: float, tilt: float
) -> DoubleArray:
    """Kajiya and Kay's highlight, its band moved along the strand by `tilt`."""
    along = unit(tangent + n * tilt) @ unit(light + VIEW)
    band = np.sqrt(np.maximum(0.0, 1 - along * along)) ** power
    result: DoubleArray = band * np.maximum(0.0, n @ light + 0.15)
    return result


def _strands(s: Strands, scene: Scene, noise: Noise, rng: np.random.Generator) -> Part:
    count = len(s.points)
    start, end = s.points[:, :-1].reshape(-1, 3), s.points[:, 1:].reshape(-1, 3)
    along, middle = end - start, (start + end) / 2
    length = np.linalg.norm(along, axis=1)
    tangent = along / length[:, None]
    f = np.tile((np.arange(SEGMENTS) + 0.5) / SEGMENTS, count)
    layer, clump = s.layer.repeat(SEGMENTS), s.clump.repeat(SEGMENTS)
    body_n = normal(shell, middle, 1.0)
    n = body_n - tangent * (body_n * tangent).sum(1, keepdims=True)
    n = unit(n + 0.16 * np.cross(tangent, body_n) * noise(middle, 7.0, 9)[:, None])
    tint = (1 + 0.14 * rng.standard_normal(count)).repeat(SEGMENTS) * (1 + 0.10 * clump)
    ao = (0.42 + 0.58 * layer**0.8) * (0.55 + 0.45 * smoothstep(0, 0.25, f))
    ao = ao * (0.4 + 0.6 * occlusion(scene, middle + 2.5 * body_n, body_n, 24))
    lit = 0.1 + 0.9 * key_shadow(scene, middle + 2.5 * body_n, body_n)
    albedo = ALBEDO * ((0.85 + 0.35 * f) * tint)[:, None]
    color = shade(albedo, n, ao, lit, Material(WRAP, 0.0, rim=0.8))
    gloss = 0.055 * sheen(tangent, n, KEY, 90, -0.10)[:, None] * np.array([1, 0.82, 0.62])
    gloss = gloss + 0.095 * sheen(tangent, n, KEY, 24, 0.12)[:, None] * (ALBEDO / ALBEDO.max())
    gloss = gloss + 0.012 * sheen(tangent, n, FILL, 40, -0.1)[:, None]
    rims = sum(np.maximum(0.0, n @ direction) for direction, _ in RIMS)
    rims = rims * np.maximum(0.0, 1 - np.maximum(0.0, body_n[:, 2])) ** 2 * 0.055
    color = color + gloss * (ao * tint * (0.2 + 0.8 * lit))[:, None] + rims[:, None] * RIM_COLOR
    width = s.width.repeat(SEGMENTS) * (1 - 0.5 * f**3) * (0.65 + 0.35 * smoothstep(0, 0.3, f))
    # A splat reaches past the ends of its segment: at the root that would lie on the forehead.
    first = (f < 1 / SEGMENTS).astype(np.float64)
    middle = middle + along * (0.15 * first)[:, None]
    sigmas = np.stack([length * (0.58 - 0.22 * first), width, width * 0.45], axis=1)
    root = smoothstep(-0.1, 1.0, above_line(middle))  # the line itself is drawn by fine ends
    opacity = np.where(f > 0.88, 0.6, 0.86) * np.where(f < 0.5, 0.35 + 0.65 * root, root)
    return part("strands", middle, strand_frames(tangent, n, sigmas), n, color, opacity)
