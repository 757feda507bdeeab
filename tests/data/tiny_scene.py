# SPDX-License-Identifier: Apache-2.0
"""The smallest scene: tests/data/tiny_scene.plan, and what hostile scenes start from.

60 soft dots in a box four units wide around (1, 2, 3), but for two that are far beyond it and as
large as a sky; SH degree 1, seen from outside, -y is up.
`python tests/data/tiny_scene.py` writes it anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNT = 60
TARGET = (1.0, 2.0, 3.0)
# From 6 units in front of the target, looking along +z.
VIEWMAT = [1, 0, 0, -1, 0, 1, 0, -2, 0, 0, 1, 3, 0, 0, 0, 1]
K = [80, 0, 48, 0, 80, 32, 0, 0, 1]


def tiny_scene(count: int = COUNT) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The manifest and the tensors."""
    manifest = {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "scene",
        "name": "tiny scene",
        "licence": "Apache-2.0",
        "created_by": "tests/data/tiny_scene.py",
        "video": {"width": 96, "height": 64, "fps": [25, 1]},
        "budget": {"host_bytes": 32 << 20},
        "gaussian": {
            "count": count,
            "sh_degree": 1,
            "antialias": False,
            "camera": {"viewmat": VIEWMAT, "K": K},
            "background": [0.1, 0.2, 0.3],
            "view": {"target": list(TARGET), "up": [0, -1, 0]},
        },
    }
    return manifest, scene_tensors(count)


def scene_tensors(count: int = COUNT) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(11)
    means = np.array(TARGET) + rng.uniform(-2, 2, (count, 3))
    scales = rng.uniform(0.05, 0.3, (count, 3))
    means[0], scales[0] = (0.0, 0.0, 250_000.0), (90_000.0, 60_000.0, 50.0)
    means[1] = (3_000.0, -2_000.0, 40_000.0)
    scales[1] = (900.0, 1_500.0, 300.0)
    quats = rng.normal(size=(count, 4))
    sh = rng.normal(size=(count, 4, 3)) * 0.15
    sh[:, 0] = rng.normal(size=(count, 3))
    return {
        "gaussian/means": means.astype(np.float32),
        "gaussian/quats": (quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        "gaussian/scales": scales.astype(np.float32),
        "gaussian/opacities": rng.uniform(0.2, 1.0, count).astype(np.float32),
        "gaussian/sh": sh.astype(np.float32),
    }


if __name__ == "__main__":
    from talkrt.export.plan import write_plan

    write_plan(Path(__file__).with_name("tiny_scene.plan"), *tiny_scene())
