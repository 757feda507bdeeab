# SPDX-License-Identifier: Apache-2.0
"""The base of the head: a sphere pulled onto landmarks, without nose, lids, lips or ears.

A head is nearly a function of direction seen from its middle, so its radius is interpolated
between landmarks with a thin-plate spline. A landmark is local and can be read off
anthropometric tables; a union of primitives lets every primitive show.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates

from .landmarks import DoubleArray

CENTER = np.array([0.0, -5.0, -60.0])
TABLE_SIZE = 384

# x, y, z in mm, x >= 0: profile, then rings from the crown down to the jaw.
LANDMARKS = (
    (0, 109, -65), (0, 105, -32), (0, 93, -4), (0, 75, 14), (0, 54, 24.5), (0, 36, 28),
    (0, 19, 29.5), (0, 3, 24), (0, -14, 22), (0, -31.3, 25), (0, -47.4, 33.5), (0, -55, 34.5),
    (0, -61.6, 34), (0, -68.2, 32), (0, -75.8, 31), (0, -83.3, 27.5), (0, -95.6, 30),
    (0, -103.2, 27), (0, -108.8, 18), (0, -108.8, 6), (0, -103.2, -12), (0, -97.5, -30),
    (0, 98, -105), (0, 74, -140), (0, 38, -159), (0, 0, -160), (0, -34.2, -148),
    (0, -57.8, -135), (0, -76.7, -110), (25, 103, -62), (24, 99, -32), (24, 88, -6),
    (24, 72, 10), (24, 54, 21), (24, 36, 25), (48, 88, -60), (46, 83, -34), (44, 72, -14),
    (43, 54, 4), (43, 38, 13.5), (66, 62, -65), (64, 58, -38), (59, 44, -14), (57, 30, -6),
    (74, 38, -78), (71, 38, -46), (48, 84, -100), (68, 50, -115), (45, 62, -138),
    (70, 15, -112), (46, 30, -148), (46, 0, -149), (66, -10, -115), (44, -38.9, -138),
    (59.9, -43.6, -108), (12, 20, 28), (24, 22.5, 25.5), (36, 23, 21), (47, 20, 12.5),
    (55, 14, 2), (11, 5, 18.6), (12, -5, 17.8), (22, 12, 17.6), (32, 13.5, 17.6), (43, 11.5, 11.5),
    (21, 1, 8), (32, 2, 9), (42, 1, 5), (54, 1, -4), (60, 3, -20), (66, 4, -42), (73, 4, -75),
    (13, -16, 18), (22, -17, 15.5), (33, -18, 14.5), (44, -17, 9), (54, -16, -2),
    (62, -15, -18), (67, -14, -42), (71, -15, -70), (16, -29.4, 22), (26, -29.4, 20.5),
    (38, -30.4, 16.6), (50.2, -30.4, 7.5), (59.2, -31.3, -9), (64, -33.2, -34), (67, -35.1, -58),
    (13, -44.6, 30.5), (21.9, -45.5, 26), (32.8, -46.5, 18.9), (43, -48.3, 6),
    (52.5, -50.2, -10), (58.1, -53.1, -34), (59.9, -55, -56), (9.8, -55.9, 34),
    (19.5, -57.8, 28.5), (29.1, -59.7, 20.5), (38.6, -62.5, 9.5), (47, -65.4, -7),
    (52.3, -68.2, -30), (54, -70.1, -52), (11.4, -67.2, 31), (22.8, -68.2, 23.5),
    (31.2, -71, 16.5), (39.3, -74.8, 4), (11.2, -75.8, 29.5), (20.5, -76.7, 23.5),
    (11, -83.3, 26), (22, -84.3, 19.5), (32, -86.1, 8), (40.2, -86.1, -10), (46.7, -84.3, -34),
    (48.8, -81.4, -52), (10.8, -94.7, 27.5), (19.9, -95.6, 19), (28, -96.5, 6),
    (36.1, -94.7, -12), (42.6, -90.9, -32), (9, -103.2, 24), (17.1, -104.1, 14),
    (9.9, -108.8, 12), (23.4, -104.1, 0), (32.4, -99.4, -18), (38.8, -94.7, -36),
    (13.5, -106.9, 0), (19.8, -102.2, -16), (25.3, -95.6, -34), (27.2, -90.9, -60),
    (52.2, -69.1, -78),
)


@cache
def radius_table() -> DoubleArray:
    """Radius over (angle from the x axis, angle about it): the poles lie under the ears."""
    right = np.array(LANDMARKS)
    left = right[right[:, 0] > 0] * [-1, 1, 1]
    rays = np.vstack([right, left]) - CENTER
    radius = np.linalg.norm(rays, axis=1)
    spline = RBFInterpolator(
        rays / radius[:, None], radius, kernel="thin_plate_spline", smoothing=2e-4, degree=1
    )
    a, b = np.meshgrid(
        np.linspace(0, np.pi / 2, TABLE_SIZE // 2),
        np.linspace(-np.pi, np.pi, TABLE_SIZE),
        indexing="ij",
    )
    rays = np.stack([np.cos(a), np.sin(a) * np.sin(b), np.sin(a) * np.cos(b)], axis=-1)
    table: DoubleArray = spline(rays.reshape(-1, 3)).reshape(a.shape)
    return table


def skull(p: DoubleArray) -> DoubleArray:
    """Approximate signed distance to the base."""
    ray = p - CENTER
    r = np.linalg.norm(ray, axis=1) + 1e-9
    a = np.arccos(np.minimum(np.abs(ray[:, 0]) / r, 1.0)) / (np.pi / 2)
    b = (np.arctan2(ray[:, 1], ray[:, 2]) + np.pi) / (2 * np.pi)
    table = radius_table()
    at = np.stack([a * (table.shape[0] - 1), b * (table.shape[1] - 1)])
    # Slopes shorten the true distance: .88 keeps steps along rays on the safe side.
    d: DoubleArray = (r - map_coordinates(table, at, order=1, mode="nearest")) * 0.88
    return d
