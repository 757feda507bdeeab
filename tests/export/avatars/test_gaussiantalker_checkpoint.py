# SPDX-License-Identifier: Apache-2.0
"""A GaussianTalker folder is read whole, or what is wrong with it is said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.checkpoint import CheckpointError  # noqa: E402
from talkrt.export.gaussian.gaussiantalker.checkpoint import read_gaussiantalker  # noqa: E402
from talkrt.export.gaussian.gaussiantalker.network import DeformationNetwork  # noqa: E402

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian" / "gaussiantalker"
FOLDER = GOLDEN / "checkpoint_small_x1"
ITERATION = Path("point_cloud") / "iteration_10000"
NET = "deformation_net."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER, tmp_path / "avatar")
    return tmp_path / "avatar"


def change(folder: Path, **values: Any) -> Path:
    path = folder / ITERATION / "deformation.pth"
    state = torch.load(path, map_location="cpu")
    for name, value in values.items():
        key = name.replace("__", ".")
        state.pop(key) if value is None else state.update({key: value})
    torch.save(state, path)
    return folder


def test_a_folder_is_read_whole(gaussiantalker_raw: Any, weights: Any) -> None:
    found = read_gaussiantalker(FOLDER)
    for name in ("xyz", "scaling", "rotation", "opacity", "sh"):
        expected = getattr(gaussiantalker_raw, name)
        np.testing.assert_array_equal(getattr(found.raw, name), expected)
    ruled = DeformationNetwork(1, ((6, 8, 10), (12, 16, 20)))
    weights(ruled, 4, NET)
    for name, value in ruled.state_dict().items():
        if not name.endswith("aabb"):
            assert value.equal(found.network.state_dict()[name]), name


def test_two_layers_are_read(folder: Path) -> None:
    path = folder / ITERATION / "deformation.pth"
    state = torch.load(path, map_location="cpu")
    first = NET + "transformer.layers.0."
    for name in [name for name in state if name.startswith(first)]:
        state[name.replace("layers.0.", "layers.1.")] = state[name] + 1
    torch.save(state, path)
    layers = read_gaussiantalker(folder).network.layers()
    assert len(layers) == 2
    assert torch.equal(layers[0].norm1.gamma + 1, layers[1].norm1.gamma)


def test_the_last_iteration_counts_as_a_number(folder: Path) -> None:
    old = folder / "point_cloud" / "iteration_9000"
    old.mkdir()
    assert read_gaussiantalker(folder).path == folder / ITERATION


def test_wrong_pieces_of_the_network_are_listed(folder: Path) -> None:
    change(
        folder,
        deformation_net__null_vector=torch.zeros(1, 1, 32),
        deformation_net__shs_deform__3__bias=None,
        deformation_net__jaw__weight=torch.zeros(2),
    )
    with pytest.raises(CheckpointError) as caught:
        read_gaussiantalker(folder)
    for piece in (
        "null_vector: [1, 1, 32], expected [1, 1, 64]",
        "shs_deform.3.bias: missing, expected [48]",
        "jaw.weight: not expected, is [2]",
    ):
        assert piece in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pos_poc": torch.zeros(3)}, r"pos_poc: \[3\], expected \[10\]"),
        ({"other": torch.zeros(3)}, r"other: not expected, is \[3\]"),
        ({"deformation_net__cam_mlp__net__0__weight": None}, "of another fork, expected"),
        ({"deformation_net__tri_plane__grid__grids__1__0": None}, "missing, expected"),
        ({"deformation_net__tri_plane__grid__aabb": torch.zeros(2, 3)}, "largest corner first"),
        ({"deformation_net__transformer__layers__5__x": torch.zeros(1)}, r"layers \[0, 5\]"),
    ],
)
def test_other_networks_are_refused(folder: Path, values: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=r"(?s)deformation\.pth.*" + message):
        read_gaussiantalker(change(folder, **values))


def test_missing_files_and_other_folders_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere: no such folder, expected a GaussianTalker"):
        read_gaussiantalker(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="point_cloud/ is missing"):
        read_gaussiantalker(tmp_path)
    (folder / ITERATION / "deformation.pth").unlink()
    with pytest.raises(CheckpointError, match=r"deformation\.pth missing"):
        read_gaussiantalker(folder)
    (folder / ITERATION).rename(folder / "point_cloud" / "coarse_iteration_7999")
    with pytest.raises(CheckpointError, match="coarse stage's: training was not finished"):
        read_gaussiantalker(folder)
    (folder / "chkpnt_fuse_latest.pth").touch()
    with pytest.raises(CheckpointError, match="a TalkingGaussian folder"):
        read_gaussiantalker(folder)


def test_a_damaged_cloud_is_refused(folder: Path) -> None:
    path = folder / ITERATION / "point_cloud.ply"
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises(CheckpointError, match=r"point_cloud\.ply"):
        read_gaussiantalker(folder)
    path.write_bytes(whole.replace(b"property float rot_3", b"property float rot_9"))
    with pytest.raises(CheckpointError, match="no property rot_3"):
        read_gaussiantalker(folder)
    path.write_bytes(whole[:-4] + np.float32(np.nan).tobytes())
    with pytest.raises(CheckpointError, match=r"rotation\[499, 3\]: NaN"):
        read_gaussiantalker(folder)
