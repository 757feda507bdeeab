# SPDX-License-Identifier: Apache-2.0
"""The made-up weights and inputs under which the published implementations' outputs were recorded.

tests/data/golden/vasa1/README.md states the rules. Nothing here is a released weight.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[2] / "data" / "golden" / "vasa1"
SEED = 1
GAINS = {"dense_motion_network.hourglass.": 2.0, "dense_motion_network.occlusion.": 0.5}
TOKENS = ("start_motion_feat", "start_audio_feat", "null_audio_feat")


def load(name):
    with np.load(FOLDER / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def draw(key, shape, kind="normal"):
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()) + SEED))
    return generator.standard_normal(shape) if kind == "normal" else generator.uniform(size=shape)


def given(name, shape, scale=1.0, kind="normal"):
    """An input by its name."""
    return (scale * draw(f"input:{name}", shape, kind)).astype(np.float32)


def image(name):
    """A smooth picture, [1, 3, 256, 256], in [0, 1]."""
    grow = _bicubic(256, 16)
    small = draw(f"input:{name}", (1, 3, 16, 16), "uniform")
    return np.clip(grow @ small @ grow.T, 0, 1).astype(np.float32)


def weights(shapes, prefix=""):
    """A value for every tensor of a network, from its name alone."""
    filled = {}
    for key, shape in shapes.items():
        if key.endswith("num_batches_tracked"):
            filled[key] = np.zeros(shape, np.int64)
        elif not key.endswith(("weight_u", "weight_v")):
            filled[key] = _weight(prefix + key, key, shape).astype(np.float32)
    for key in [key for key in shapes if key.endswith("weight_u")]:
        stem = key.removesuffix("weight_u")
        matrix = filled[stem + "weight_orig"].reshape(shapes[key][0], -1).astype(np.float64)
        u = _unit(draw(prefix + key, shapes[key]))
        for _ in range(5):
            v = _unit(matrix.T @ u)
            u = _unit(matrix @ v)
        filled[key], filled[stem + "weight_v"] = u.astype(np.float32), v.astype(np.float32)
    return filled


def fill(module, prefix=""):
    """Gives a PyTorch module those weights."""
    import torch

    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    values = weights(shapes, prefix)
    module.load_state_dict({key: torch.from_numpy(value) for key, value in values.items()})
    return module.eval()


def strided(record, name, found):
    """A recorded output and the same elements of `found`."""
    wanted = record[f"out.{name}"]
    if f"stride.{name}" in record:
        assert tuple(record[f"shape.{name}"]) == found.shape
        return wanted, found.reshape(-1)[:: int(record[f"stride.{name}"])]
    return wanted, found


def assert_close(record, name, found, allow):
    """The recorded elements, and the statistics of every group, which see what a stride skips."""
    found = np.asarray(found)
    wanted, same = strided(record, name, found)
    np.testing.assert_allclose(same, wanted, rtol=0, atol=allow, err_msg=name)


def assert_statistics(record, name, groups, allow):
    """`groups` [G, elements]: mean, deviation, smallest and largest of each."""
    wanted = record[f"stats.{name}"]
    groups = np.asarray(groups, np.float64)
    found = np.stack([groups.mean(1), groups.std(1), groups.min(1), groups.max(1)], axis=1)
    np.testing.assert_allclose(found, wanted[:, [0, 1, 3, 4]], rtol=1e-5, atol=allow, err_msg=name)


def _weight(name, key, shape):
    normal = draw(name, shape)
    if key.endswith("running_var"):
        return 0.5 + draw(name, shape, "uniform")
    if key.endswith("running_mean"):
        return 0.1 * normal
    if key.endswith("grn.gamma"):
        return 1 + 0.1 * normal
    if key.endswith("grn.beta"):
        return 0.02 * normal
    if key.endswith(TOKENS):
        return normal
    if len(shape) >= 2:
        gain = next((g for start, g in GAINS.items() if key.startswith(start)), 1.0)
        return gain * normal / np.sqrt(np.prod(shape[1:]))
    if len(shape) == 0:
        return np.ones(())
    return 1 + 0.1 * normal if key.endswith("weight") else 0.02 * normal


def _unit(x):
    return x / np.linalg.norm(x)


def _bicubic(outputs, inputs, a=-0.75):
    """[outputs, inputs]: cubic interpolation, half-pixel centres, edges repeated."""
    matrix = np.zeros((outputs, inputs))
    for row in range(outputs):
        x = (row + 0.5) * inputs / outputs - 0.5
        for tap in range(int(np.floor(x)) - 1, int(np.floor(x)) + 3):
            d = abs(x - tap)
            near = (a + 2) * d**3 - (a + 3) * d**2 + 1
            far = a * (d**3 - 5 * d**2 + 8 * d - 4)
            matrix[row, min(max(tap, 0), inputs - 1)] += near if d <= 1 else far
    return matrix
