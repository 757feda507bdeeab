# SPDX-License-Identifier: Apache-2.0
"""The check clip of a scene plan: pictures that the float64 reference makes of it.

The reference is exact and slow, so a picture is small: the whole view, shrunk, and the middle of
the view at its full scale, or magnified until few enough splats are in it. Splats that cannot reach
a picture are left out beforehand, by a bound that never leaves out one that can. A picture that
would still cost too much is not made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cloud import quats_to_rotations
from ..reference import DILATION, NEAR, TILE, Options, Posed, rasterize
from .camera import Camera
from .gather import Scene

DoubleArray = NDArray[np.float64]

SIDES = (96, 16)  # pixels of the longer side; the second only when the first is too much
ZOOMS = (1, 2, 4, 8, 16, 32, 64)  # of the middle
MIN_PSNR_DB = 40.0  # rounding to 8 bits alone leaves about 59; a wrong picture is far below 40
MAX_IN_TILE = 40_000  # splats: the reference holds some ten doubles for each of their 256 pixels
MAX_IN_TILES = 600_000  # all tiles of a picture together: some 10 s
REACH = 3.5  # standard deviations; alpha falls below 1/255 at 3.33
AT_ONCE = 1 << 16  # splats


@dataclass(frozen=True, slots=True)
class CheckPictures:
    width: int
    height: int
    cameras: list[Camera]
    pngs: list[bytes]

    def manifest(self) -> dict[str, object]:
        return {
            "cameras": [camera.manifest() for camera in self.cameras],
            "width": self.width,
            "height": self.height,
            "min_psnr_db": MIN_PSNR_DB,
        }

    def tensors(self) -> dict[str, NDArray[np.uint8]]:
        return {f"check/frame/{i}": np.frombuffer(png, np.uint8) for i, png in enumerate(self.pngs)}


def render(
    scene: Scene,
    view: Camera,
    width: int,
    height: int,
    background: tuple[float, float, float],
    drawing: Options,
    progress: Callable[[], None] = lambda: None,
) -> CheckPictures | None:
    """Pictures of a view of `width` x `height` pixels; None when each would cost too much."""
    from talkrt.pictures import PngEncoder

    for side in SIDES:
        shrink = min(1.0, side / max(width, height))
        w, h = max(1, round(width * shrink)), max(1, round(height * shrink))
        encoder = PngEncoder((w, h), opaque=True)
        made = CheckPictures(w, h, [], [])
        for attempts in _attempts(view, width, height, w, h):
            near = NEAR[drawing.convention]
            if cheap := _first_cheap(scene, attempts, w, h, near):
                camera, reaching = cheap
                posed = _posed(scene, reaching)
                image = rasterize(posed, camera.viewmat, camera.K, w, h, background, drawing)
                color = np.rint(np.clip(image.color, 0, 1) * 255).astype(np.uint8)
                opaque = np.full((h, w, 1), 255, np.uint8)
                made.cameras.append(camera)
                made.pngs.append(encoder.encode(np.concatenate([color, opaque], axis=2)))
            progress()
        if made.cameras:
            return made
    return None


def _attempts(view: Camera, width: int, height: int, w: int, h: int) -> list[list[Camera]]:
    """By picture, the cameras to try, each seeing less than the one before."""
    whole = Camera(view.viewmat, view.K * [[w / width], [h / height], [1]])
    if (w, h) == (width, height):
        return [[whole]]
    middle = []
    for zoom in ZOOMS:
        K = view.K * [[zoom], [zoom], [1]]
        K[:2, 2] -= [(zoom * width - w) // 2, (zoom * height - h) // 2]
        middle.append(Camera(view.viewmat, K))
    return [[whole], middle]


def _first_cheap(
    scene: Scene, attempts: list[Camera], width: int, height: int, near: float
) -> tuple[Camera, NDArray[np.intp]] | None:
    """The first camera whose picture the reference can make, with the splats that it needs."""
    among = np.arange(scene.count)
    for camera in attempts:
        among, in_tiles = _reaching(scene, among, camera, width, height, near)
        if in_tiles.max() <= MAX_IN_TILE and in_tiles.sum() <= MAX_IN_TILES:
            return camera, among
    return None


def _reaching(
    scene: Scene,
    among: NDArray[np.intp],
    camera: Camera,
    width: int,
    height: int,
    near: float,
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The splats that may colour a pixel, in order, and how many touch each tile [rows, columns].

    A row of J R S is at most |row of J| times the largest scale long: that bounds the variance.
    """
    rotation, shift = camera.viewmat[:3, :3], camera.viewmat[:3, 3]
    focal = np.array([camera.K[0, 0], camera.K[1, 1]])
    middle = np.array([camera.K[0, 2], camera.K[1, 2]])
    size = np.array([width, height])
    low, high = -middle / focal - 0.15 * size / focal, (size - middle) / focal + 0.15 * size / focal
    # The Jacobian is clamped to these slopes by gsplat, by Inria as if `middle` were the centre's.
    steepest = np.maximum(np.maximum(-low, high), 0.65 * size / focal)
    tiles = -(-size // TILE)
    found = [np.zeros(0, np.intp)]
    edges = np.zeros((tiles[1] + 1, tiles[0] + 1), np.int64)  # of the splats' boxes; summed below
    for start in range(0, len(among), AT_ONCE):
        part = among[start : start + AT_ONCE]
        t = scene.means[part].astype(np.float64) @ rotation.T + shift
        keep = (t[:, 2] >= near) & (scene.opacities[part] > 0)
        part, t = part[keep], t[keep]
        stretch = focal * np.sqrt(1 + steepest**2) / t[:, 2:]
        largest = scene.scales[part].max(axis=1, keepdims=True).astype(np.float64)
        reach = REACH * np.sqrt((stretch * largest) ** 2 + DILATION) + 1
        at = focal * t[:, :2] / t[:, 2:] + middle
        hit = ((at + reach >= 0) & (at - reach <= size)).all(axis=1)
        found.append(part[hit])
        x0, y0 = (np.clip((at - reach)[hit], 0, size - 1) // TILE).astype(np.intp).T
        x1, y1 = (np.clip((at + reach)[hit], 0, size - 1) // TILE).astype(np.intp).T + 1
        for y, x, sign in ((y0, x0, 1), (y0, x1, -1), (y1, x0, -1), (y1, x1, 1)):
            np.add.at(edges, (y, x), sign)
    return np.concatenate(found), edges.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]


def _posed(scene: Scene, chosen: NDArray[np.intp]) -> Posed:
    scales = scene.scales[chosen].astype(np.float64)
    return Posed(
        means=scene.means[chosen].astype(np.float64),
        frames=quats_to_rotations(scene.quats[chosen]) * scales[:, None, :],
        sh=scene.sh[chosen].astype(np.float64),
        opacities=scene.opacities[chosen].astype(np.float64),
        layers=np.zeros(len(chosen), np.uint8),
    )
