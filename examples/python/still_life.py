# SPDX-License-Identifier: Apache-2.0
"""Writes a small Gaussian scene, a vase and fruit on a table, as the .ply of 3DGS training.

    python examples/python/still_life.py still_life.ply
    talkrt export gaussian --ply still_life.ply --up y -o still_life.plan

Every surface is a set of points with normals and colours; each point becomes a flat splat.
"""

import sys
from pathlib import Path

import numpy as np

C0, C1 = 0.28209479177387814, 0.4886025119029199
LIGHT = np.array([0.5, 0.8, 0.3]) / np.linalg.norm([0.5, 0.8, 0.3])


def revolved(rng, count, profile, color):
    """A surface of revolution about y; `profile` gives radius and height for t in 0 to 1."""
    t, angle = rng.uniform(0, 1, count * 3), rng.uniform(0, 2 * np.pi, count * 3)
    radius, height = profile(t)
    keep = rng.uniform(0, radius.max(), count * 3) < radius  # as much surface everywhere
    t, angle, radius, height = (x[keep][:count] for x in (t, angle, radius, height))
    out, up = (b - a for a, b in zip(profile(t - 1e-4), profile(t + 1e-4), strict=True))
    ring = np.stack([np.cos(angle), np.zeros_like(t), np.sin(angle)], 1)
    normals = ring * up[:, None] - np.outer(out, [0, 1, 0])
    points = ring * radius[:, None] + np.outer(height, [0, 1, 0])
    return points, normals / np.linalg.norm(normals, axis=1, keepdims=True), color(t, angle)


def vase(t):
    return 0.25 + 0.2 * np.sin(5.2 * t + 0.4) * (1 - 0.35 * t), 1.1 * t


def vase_color(t, angle):
    band = (np.sin(40 * t) > 0.3) | (np.abs(np.sin(6 * angle) - 12 * (t - 0.45)) < 0.8)
    return np.where(band[:, None], [0.85, 0.78, 0.62], [0.16, 0.32, 0.5])


def ball(t):
    return 0.17 * np.sin(np.pi * t) + 1e-3, 0.17 - 0.17 * np.cos(np.pi * t)


def table(t):
    return 1.1 * (1 - t), 0 * t


def fruit(color):
    return lambda t, angle: np.asarray(color) * (0.9 + 0.1 * np.sin(9 * angle + 20 * t))[:, None]


def wood(t, angle):
    x = 1.1 * (1 - t) * np.cos(angle)
    return np.outer(0.8 + 0.12 * np.sin(60 * x), [0.55, 0.38, 0.24])


def to_quats(normals):
    """The shortest turn from +z to each normal, w first."""
    quats = np.column_stack([1 + normals[:, 2], -normals[:, 1], normals[:, 0], 0 * normals[:, 0]])
    quats[normals[:, 2] < -0.999] = [0, 1, 0, 0]
    return quats


def splats(points, normals, colors, size):
    n = len(points)
    lit = colors * (0.45 + 0.6 * np.maximum(0, normals @ LIGHT))[:, None]
    # SH of degree 1: brighter when seen from where the light is mirrored to.
    mirrored = 2 * (normals @ LIGHT)[:, None] * normals - LIGHT
    gloss = 0.12 * np.maximum(0, normals @ LIGHT)[:, None]
    rest = -gloss * mirrored[:, [1, 2, 0]] * [-1, 1, -1] / C1  # the view looks the other way
    columns = [points, 0 * normals, (lit - 0.5) / C0, rest, rest, rest]
    columns += [np.full((n, 1), 3.0)]  # logit of the opacity: 0.95
    columns += [np.log(size * np.tile([1, 1, 0.1], (n, 1))), to_quats(normals)]
    return np.column_stack(columns)


def main(path):
    rng = np.random.default_rng(3)
    parts = [
        (revolved(rng, 9000, vase, vase_color), [0, 0, 0], 0.014),
        (revolved(rng, 8000, table, wood), [0, 0, 0], 0.018),
        (revolved(rng, 2500, ball, fruit([0.8, 0.35, 0.1])), [0.55, 0, 0.25], 0.012),
        (revolved(rng, 2500, ball, fruit([0.7, 0.1, 0.12])), [0.25, 0, 0.6], 0.012),
        (revolved(rng, 2500, ball, fruit([0.6, 0.65, 0.15])), [-0.5, 0, 0.4], 0.012),
    ]
    rows = [splats(p + shift, n, c, size) for (p, n, c), shift, size in parts]
    data = np.concatenate(rows).astype("<f4")
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{i}" for i in range(9)] + ["opacity"]
    names += [f"scale_{i}" for i in range(3)] + [f"rot_{i}" for i in range(4)]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(data)}"]
    header += [*(f"property float {name}" for name in names), "end_header", ""]
    Path(path).write_bytes("\n".join(header).encode() + data.tobytes())
    print(f"{path}: {len(data)} splats")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "still_life.ply")
