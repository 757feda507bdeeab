# SPDX-License-Identifier: Apache-2.0
"""A thousand Gaussians seen by two cameras, with talkrt.rasterize and NumPy alone.

python examples/python/rasterize.py ball.ppm
"""

import sys
from pathlib import Path

import numpy as np
import talkrt

rng = np.random.default_rng(0)
N, WIDTH, HEIGHT = 1000, 320, 320

# A ball of flat Gaussians, coloured by where they are.
normals = rng.normal(size=(N, 3))
normals /= np.linalg.norm(normals, axis=1, keepdims=True)
# The quaternion (w first) that turns +z into the normal; any length will do.
quats = np.column_stack([1 + normals[:, 2], -normals[:, 1], normals[:, 0], np.zeros(N)])

# World to camera, +z forward: three units away, and the same from the right.
front = np.eye(4)
front[2, 3] = 3
right = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 3], [0, 0, 0, 1.0]])
K = np.array([[400, 0, WIDTH / 2], [0, 400, HEIGHT / 2], [0, 0, 1.0]])

colors, alphas, meta = talkrt.rasterize(
    means=normals,
    quats=quats,
    scales=np.tile([0.08, 0.08, 0.005], (N, 1)),
    opacities=np.full(N, 0.9),
    colors=0.5 + 0.5 * normals,
    viewmats=np.stack([front, right]),
    Ks=np.stack([K, K]),
    width=WIDTH,
    height=HEIGHT,
    render_mode="RGB+ED",
)
for camera in range(2):
    seen = int((meta["camera_ids"] == camera).sum())
    nearest = colors[camera, ..., 3][alphas[camera, ..., 0] > 0.5].min()
    print(f"camera {camera}: {seen} of {N} Gaussians, the nearest surface at {nearest:.2f}")

if len(sys.argv) > 1:
    both = np.concatenate([*colors[..., :3]], axis=1)
    with Path(sys.argv[1]).open("wb") as out:  # PPM: a line of text, then the bytes
        out.write(f"P6 {2 * WIDTH} {HEIGHT} 255\n".encode())
        out.write(np.uint8(np.clip(both, 0, 1) * 255 + 0.5).tobytes())
