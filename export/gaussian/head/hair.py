# SPDX-License-Identifier: Apache-2.0
"""Hair: an undercoat of discs, and strands combed along a field that hugs the skull."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .hairline import coverage
from .landmarks import DoubleArray
from .light import FILL, KEY, RIM_COLOR, RIMS, VIEW, Material, Scene, key_shadow, occlusion, shade
from .noise import Noise
from .parts import Part
from .sampling import disc_frames, sample_surface, strand_frames
from .sdf import normal, smoothstep, unit
from .skull import skull
from .splats import part

ALBEDO = np.array([0.082, 0.046, 0.026])
WRAP = np.array([0.30, 0.28, 0.26])
PART_X = 24.0  # mm, where the hair is parted
SEGMENTS = 9
LOW, HIGH = (-92.0, -90.0, -172.0), (92.0, 118.0, 62.0)


@dataclass(frozen=True, slots=True)
class Strands:
    points: DoubleArray  # [S, SEGMENTS + 1, 3]
    layer: DoubleArray  # [S] 0 next to the skull .. 1 outermost
    clump: DoubleArray  # [S] noise that neighbours share


def comb(p: DoubleArray) -> DoubleArray:
    """Which way the hair is combed: away from the parting, back, and down at the sides."""
    x, y, z = p.T
    top = smoothstep(38, 84, y)
    left = x > PART_X
    bang = smoothstep(-45, 10, z) * smoothstep(35, 80, y)
    across = np.where(left, 0.55 * top + 0.1, -(0.95 * top + 0.12))
    down = -1.0 + 1.0 * top + 0.15 * bang
    back = -0.62 * (1 - top) - 0.75 * top
    return np.stack([across, down, back], axis=1)


def grow(count: int, noise: Noise, rng: np.random.Generator, scalp: DoubleArray) -> Strands:
    density = smoothstep(-0.05, 1.0, coverage(scalp, noise)) + 0.02
    density = density * (1 + 0.8 * smoothstep(-70, -10, scalp[:, 2]))
    root = scalp[rng.choice(len(scalp), count, p=density / density.sum())]
    root = root + rng.normal(0, 1.2, root.shape)
    layer = rng.random(count)
    top, front = smoothstep(30, 80, root[:, 1]), smoothstep(-50, 20, root[:, 2])
    length = 24 + 48 * top + 18 * top * front + rng.normal(0, 4, count)
    sideburn = (root[:, 1] < 20) & (root[:, 2] > -72)
    length = np.where(sideburn, rng.uniform(10, 14, count), length)
    height = (6 + 10 * top) * (0.35 + 0.75 * layer)
    height += 9 * top * front * layer * np.where(root[:, 0] < PART_X, 1.0, 0.5)
    height = np.where(sideburn, 2.5, height)
    clump, fine = noise(root, 14.0), noise(root, 9.0, 50)
    bend = (0.14 * clump + 0.05 * fine)[:, None]
    p, points, before = root.copy(), [root.copy()], None
    for segment in range(SEGMENTS):
        f = (segment + 1) / SEGMENTS
        n = normal(skull, p)
        d = comb(p)
        d = unit(d - n * (d * n).sum(1, keepdims=True))
        wobble = 0.03 * rng.standard_normal((count, 1))
        d = unit(d + np.cross(n, d) * (bend + wobble))
        before = d if before is None else unit(0.55 * before + 0.45 * d)
        p = p + before * (length / SEGMENTS)[:, None]
        lift = height * (1 - np.exp(-3.2 * f)) * (1 - 0.35 * f * f)
        p = p + normal(skull, p) * (lift - skull(p))[:, None]
        points.append(p.copy())
    return Strands(np.stack(points, axis=1), layer, clump)


def sheen(tangent: DoubleArray, n: DoubleArray, light: DoubleArray, power: float, tilt: float) -> DoubleArray:
    """Kajiya and Kay's highlight, its band moved along the strand by `tilt`."""
    along = unit(tangent + n * tilt) @ unit(light + VIEW)
    band = np.sqrt(np.maximum(0.0, 1 - along * along)) ** power
    result: DoubleArray = band * np.maximum(0.0, n @ light + 0.15)
    return result


def hair(
    scene: Scene, noise: Noise, rng: np.random.Generator, strands: int, undercoat: float
) -> Part:
    def bare(p: DoubleArray) -> np.ndarray:
        covered: np.ndarray = coverage(p, noise) > -0.1
        return covered

    scalp, n = sample_surface(skull, LOW, HIGH, lambda p: np.full(len(p), undercoat), rng, bare)
    cover = coverage(scalp, noise)
    coat = _undercoat(scalp, n, cover, undercoat)
    lengths = _strands(grow(strands, noise, rng, scalp), scene, noise, rng)
    return _joined("hair", coat, lengths)


def _undercoat(p: DoubleArray, n: DoubleArray, cover: DoubleArray, size: float) -> Part:
    ao = np.clip(0.35 + 0.3 * cover, 0.0, 0.6)
    color = shade(np.tile(ALBEDO * 0.62, (len(p), 1)), n, ao, 0.5, Material(WRAP, 0.0))
    lifted = p + n * 0.8 * smoothstep(0, 1, cover)[:, None]
    opacity = 0.97 * smoothstep(0.1, 1.4, cover)
    return part("undercoat", lifted, disc_frames(n, 0.74 * size, 0.3), n, color, opacity)


def _strands(s: Strands, scene: Scene, noise: Noise, rng: np.random.Generator) -> Part:
    count = len(s.points)
    start, end = s.points[:, :-1].reshape(-1, 3), s.points[:, 1:].reshape(-1, 3)
    along, middle = end - start, (start + end) / 2
    length = np.linalg.norm(along, axis=1)
    tangent = along / length[:, None]
    f = np.tile((np.arange(SEGMENTS) + 0.5) / SEGMENTS, count)
    layer, clump = s.layer.repeat(SEGMENTS), s.clump.repeat(SEGMENTS)
    skull_n = normal(skull, middle)
    n = skull_n - tangent * (skull_n * tangent).sum(1, keepdims=True)
    n = unit(n + 0.18 * np.cross(tangent, skull_n) * noise(middle, 7.0, 9)[:, None])
    tint = (1 + 0.10 * rng.standard_normal(count)).repeat(SEGMENTS) * (1 + 0.10 * clump)
    ao = (0.38 + 0.62 * layer**0.8) * (0.55 + 0.45 * smoothstep(0, 0.25, f))
    ao *= 0.4 + 0.6 * occlusion(scene, middle + 1.5 * skull_n, skull_n, 24)
    lit = 0.1 + 0.9 * key_shadow(scene, middle + 1.5 * skull_n, skull_n)
    albedo = ALBEDO * ((0.85 + 0.35 * f) * tint)[:, None]
    color = shade(albedo, n, ao, lit, Material(WRAP, 0.0, rim=0.8))
    gloss = 0.040 * sheen(tangent, n, KEY, 90, -0.10)[:, None] * np.array([1, 0.82, 0.62])
    gloss = gloss + 0.075 * sheen(tangent, n, KEY, 24, 0.12)[:, None] * (ALBEDO / ALBEDO.max())
    gloss = gloss + 0.010 * sheen(tangent, n, FILL, 40, -0.1)[:, None]
    rims = sum(np.maximum(0.0, n @ direction) for direction, _ in RIMS)
    rims = rims * np.maximum(0.0, 1 - np.maximum(0.0, skull_n[:, 2])) ** 2 * 0.035
    color = color + gloss * (ao * tint * (0.2 + 0.8 * lit))[:, None] + rims[:, None] * RIM_COLOR
    width = 1.15 * (1 - 0.55 * f**3) * rng.uniform(0.8, 1.0, count).repeat(SEGMENTS)
    sigmas = np.stack([length * 0.6, width, width * 0.42], axis=1)
    opacity = np.where(f > 0.9, 0.6, 0.86) * smoothstep(0, 0.12, f + 0.06)
    return part("strands", middle, strand_frames(tangent, n, sigmas), n, color, opacity)


def _joined(name: str, *parts: Part) -> Part:
    def all_of(field: str) -> DoubleArray:
        return np.concatenate([getattr(p, field) for p in parts])

    return Part(
        name,
        all_of("means"),
        all_of("frames"),
        all_of("normals"),
        all_of("colors"),
        all_of("opacities"),
        all_of("uv"),
    )
