# SPDX-License-Identifier: Apache-2.0
"""The rule by which the golden files' weights were made, so that not all must be stored."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SEED = 20261122


def _value(key: str, shape: tuple[int, ...], salt: int) -> np.ndarray[Any, Any]:
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()) + SEED + salt))
    if key.endswith("embeddings"):
        value = rng.uniform(-0.5, 0.5, shape)
    elif ".grids." in key:
        value = rng.uniform(-1.5, 1.5, shape)
    elif len(shape) >= 2:
        gain = 2 if "audio_att_net." in key else 1
        value = gain * rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    elif key.endswith((".weight", ".gamma")):
        value = 1 + 0.1 * rng.standard_normal(shape)
    else:
        value = 0.02 * rng.standard_normal(shape)
    return value.astype(np.float32)


@pytest.fixture(scope="session")
def weights() -> Callable[..., None]:
    """Fills a module; `offsets` and `aabb` stay as they are."""
    torch = pytest.importorskip("torch")

    def fill(module: Any, salt: int, prefix: str = "") -> None:
        for key, tensor in module.state_dict().items():
            if not key.endswith(("offsets", "aabb", "_poc")):
                tensor.copy_(torch.from_numpy(_value(prefix + key, tuple(tensor.shape), salt)))
        module.eval().requires_grad_(False)

    return fill


@pytest.fixture(scope="session")
def gaussiantalker_raw() -> Any:
    """The raw Gaussians of all GaussianTalker golden data."""
    pytest.importorskip("torch")
    from talkrt.export.gaussian.raw_gaussians import raw_gaussians

    golden = Path(__file__).parents[2] / "data" / "golden" / "gaussian" / "gaussiantalker"
    data = next(golden.rglob("point_cloud.ply")).read_bytes()
    rows = np.frombuffer(data, "<f4", offset=data.index(b"end_header\n") + 11).reshape(-1, 62)
    xyz, _, dc, rest, opacity, scaling, rotation = np.split(rows, [3, 6, 9, 54, 55, 58], axis=1)
    sh_rest = rest.reshape(-1, 3, 15).swapaxes(1, 2)
    return raw_gaussians("golden", xyz, scaling, rotation, opacity, dc[:, None], sh_rest, 16)


@pytest.fixture(scope="session")
def made_up() -> Any:
    """Writes a TalkingGaussian folder and a recording of nobody."""
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location(
        "made_up_avatar", Path(__file__).with_name("made_up_avatar.py")
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write
