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
    (0, 109, -65),
    (0, 105, -32),
    (0, 93, -4),
    (0, 75, 14),
    (0, 54, 24.5),
    (0, 36, 28),
    (0, 19, 29.5),
    (0, 3, 24),
    (0, -13.4, 22),
    (0, -29.1, 25),
    (0, -43.9, 33.5),
    (0, -51.5, 34.5),
    (0, -58.1, 34),
    (0, -64.7, 32),
    (0, -72.3, 31),
    (0, -79.8, 27.5),
    (0, -92.1, 30),
    (0, -99.7, 27),
    (0, -105.3, 18),
    (0, -105.3, 6),
    (0, -99.7, -12),
    (0, -94, -30),
    (0, 98, -105),
    (0, 74, -140),
    (0, 38, -159),
    (0, 0, -160),
    (0, -34.2, -148),
    (0, -57.8, -135),
    (0, -73.2, -110),
    (25, 103, -62),
    (24, 99, -32),
    (24, 88, -6),
    (24, 72, 10),
    (24, 54, 21),
    (24, 36, 25),
    (48, 88, -60),
    (46, 83, -34),
    (44, 72, -14),
    (43, 54, 4),
    (43, 38, 13.5),
    (66, 62, -65),
    (64, 58, -38),
    (59, 44, -14),
    (57, 30, -6),
    (74, 38, -78),
    (71, 38, -46),
    (48, 84, -100),
    (68, 50, -115),
    (45, 62, -138),
    (70, 15, -112),
    (46, 30, -148),
    (46, 0, -149),
    (66, -10, -115),
    (44, -38.9, -138),
    (59.9, -43.6, -108),
    (12, 20, 28),
    (24, 22.5, 25.5),
    (36, 23, 21),
    (47, 20, 12.5),
    (55, 14, 2),
    (11, 5, 18.6),
    (12, -5, 18.6),
    (22, 12, 17.6),
    (32, 13.5, 17.6),
    (43, 11.5, 11.5),
    (21, 1, 8),
    (32, 2, 9),
    (42, 1, 5),
    (54, 1, -4),
    (60, 3, -20),
    (66, 4, -42),
    (73, 4, -75),
    (13, -15.2, 20),
    (22, -16.1, 16.6),
    (33, -17.1, 15.4),
    (44, -16.1, 9),
    (54, -15.2, -2),
    (62, -14.3, -18),
    (67, -13.4, -42),
    (71, -15, -70),
    (16, -27.4, 23.4),
    (26, -27.4, 20.5),
    (38, -28.3, 16.6),
    (50.2, -28.3, 7.5),
    (59.2, -29.1, -9),
    (64, -30.8, -34),
    (67, -32.5, -58),
    (13, -41.1, 30.5),
    (21.9, -42, 26),
    (32.8, -43, 18.9),
    (43, -44.8, 6),
    (52.5, -46.7, -10),
    (58.1, -49.6, -34),
    (59.9, -51.5, -56),
    (9.8, -52.4, 34),
    (19.5, -54.3, 28.5),
    (29.1, -56.2, 20.5),
    (38.6, -59, 9.5),
    (47, -61.9, -7),
    (52.3, -64.7, -30),
    (54, -66.6, -52),
    (11.4, -63.7, 31),
    (22.8, -64.7, 23.5),
    (31.2, -67.5, 16.5),
    (39.3, -71.3, 4),
    (11.2, -72.3, 29.5),
    (20.5, -73.2, 23.5),
    (11, -79.8, 26),
    (22, -80.8, 19.5),
    (32, -82.6, 8),
    (40.2, -82.6, -10),
    (46.7, -80.8, -34),
    (48.8, -77.9, -52),
    (10.8, -91.2, 27.5),
    (19.9, -92.1, 19),
    (28, -93, 6),
    (36.1, -91.2, -12),
    (42.6, -87.4, -32),
    (9, -99.7, 24),
    (17.1, -100.6, 14),
    (9.9, -105.3, 12),
    (23.4, -100.6, 0),
    (32.4, -95.9, -18),
    (38.8, -91.2, -36),
    (13.5, -103.4, 0),
    (19.8, -98.7, -16),
    (25.3, -92.1, -34),
    (27.2, -87.4, -60),
    (52.2, -65.6, -78),
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
