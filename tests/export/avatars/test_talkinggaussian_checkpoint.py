# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a TalkingGaussian folder is said by name, shape and likely origin."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.checkpoint import CheckpointError  # noqa: E402
from talkrt.export.gaussian.talkinggaussian.checkpoint import (  # noqa: E402
    FUSED,
    read_talkinggaussian,
)

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian" / "talkinggaussian"
N = 500


@pytest.fixture(scope="module")
def saved() -> Any:
    return torch.load(GOLDEN / FUSED, map_location="cpu", weights_only=False)


@pytest.fixture
def parts(saved: Any) -> list[Any]:
    """The four parts, to be changed: lists in place of the tuples of Gaussians."""
    face, face_net, mouth, mouth_net = saved
    return [list(face), copy.copy(face_net), list(mouth), copy.copy(mouth_net)]


def write(parts: list[Any], folder: Path) -> Path:
    face, face_net, mouth, mouth_net = parts
    torch.save((tuple(face), face_net, tuple(mouth), mouth_net), folder / FUSED)
    return folder


def test_a_folder_is_read_whole(saved: Any, tmp_path: Path) -> None:
    found = read_talkinggaussian(GOLDEN)
    assert (found.extractor, found.channels, found.row_width) == ("deepspeech", 29, 16)
    assert (found.face.count, found.mouth.count) == (N, N)
    np.testing.assert_array_equal(found.face.sh[:, :1], saved[0][2].detach().numpy())
    np.testing.assert_array_equal(found.mouth.sh[:, 1:], saved[2][3].detach().numpy())
    np.testing.assert_array_equal(found.face.scaling, saved[0][5].detach().numpy())
    np.testing.assert_array_equal(found.mouth.opacity, saved[2][7].detach().numpy())
    for name, value in found.face_network.state_dict().items():
        assert value.equal(saved[1][name])


def test_fewer_active_bases_than_stored_are_used(parts: list[Any], tmp_path: Path) -> None:
    parts[0][0] = 1
    assert read_talkinggaussian(write(parts, tmp_path)).face.sh.shape == (N, 4, 3)


@pytest.mark.parametrize(
    ("channels", "name", "width"), [(44, "esperanto", 16), (1024, "hubert", 2)]
)
def test_the_extractor_is_known_by_its_channels(
    parts: list[Any], tmp_path: Path, channels: int, name: str, width: int
) -> None:
    for net in (parts[1], parts[3]):
        net["audio_net.encoder_conv.0.weight"] = torch.zeros(32, channels, 3)
    found = read_talkinggaussian(write(parts, tmp_path))
    assert (found.extractor, found.channels, found.row_width) == (name, channels, width)


def test_a_numbered_checkpoint_is_taken_when_there_is_no_latest(
    parts: list[Any], tmp_path: Path
) -> None:
    write(parts, tmp_path).joinpath(FUSED).rename(tmp_path / "chkpnt_fuse_20000.pth")
    (tmp_path / "chkpnt_fuse_9000.pth").write_bytes(b"older")
    assert read_talkinggaussian(tmp_path).path.name == "chkpnt_fuse_20000.pth"


def test_every_wrong_piece_of_a_network_is_listed(parts: list[Any], tmp_path: Path) -> None:
    del parts[3]["sigma_net.net.1.weight"]
    parts[3]["encoder_xy.embeddings"] = torch.zeros(100, 1)
    bias = parts[3]["audio_net.encoder_conv.2.bias"].clone()
    bias[3] = np.nan
    parts[3]["audio_net.encoder_conv.2.bias"] = bias
    parts[3]["extra.weight"] = torch.zeros(2, 3)
    with pytest.raises(CheckpointError) as caught:
        read_talkinggaussian(write(parts, tmp_path))
    for piece in (
        "the mouth's network: 4 problems",
        "sigma_net.net.1.weight: missing, expected [32, 32]",
        "encoder_xy.embeddings: [100, 1], expected [46600, 1]",
        "audio_net.encoder_conv.2.bias[3]: NaN",
        "extra.weight: not expected, is [2, 3]",
    ):
        assert piece in str(caught.value)


def test_other_grid_offsets_are_refused(parts: list[Any], tmp_path: Path) -> None:
    parts[1]["encoder_yz.offsets"] = parts[1]["encoder_yz.offsets"] + 1
    with pytest.raises(CheckpointError, match=r"face's network: encoder_yz\.offsets: \[1, 297"):
        read_talkinggaussian(write(parts, tmp_path))


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        (0, 4, "entry 0, the SH degree"),
        (1, torch.zeros(0, 3), r"xyz is \[0, 3\]"),
        (5, torch.zeros(N, 2), r"scaling: \[500, 2\], expected \[500, 3\]"),
        (3, torch.zeros(N, 3, 3), r"features_rest: \[500, 3, 3\], expected \[500, 8, 3\]"),
        (6, torch.zeros(N, 4), r"rotation\[0\]: all zero"),
        (7, torch.full((N, 1), np.inf), r"opacity\[0, 0\]: NaN or infinite, 500 such"),
        (2, None, "features_dc: a NoneType"),
    ],
)
def test_wrong_gaussians_are_refused(
    parts: list[Any], tmp_path: Path, entry: int, value: Any, message: str
) -> None:
    parts[0][entry] = value
    with pytest.raises(CheckpointError, match=r"(?s)the face's Gaussians: .*" + message):
        read_talkinggaussian(write(parts, tmp_path))


def test_folders_of_other_kinds_are_recognised(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected a folder of TalkingGaussian"):
        read_talkinggaussian(tmp_path)
    (tmp_path / "chkpnt_face_latest.pth").touch()
    with pytest.raises(CheckpointError, match=r"the face were trained.*train_fuse\.py"):
        read_talkinggaussian(tmp_path)
    (tmp_path / "chkpnt_face_latest.pth").unlink()
    cloud = tmp_path / "point_cloud" / "iteration_10000"
    cloud.mkdir(parents=True)
    (cloud / "deformation.pth").touch()
    with pytest.raises(CheckpointError, match="this is a GaussianTalker folder"):
        read_talkinggaussian(tmp_path)


@pytest.mark.parametrize(
    ("value", "fork"),
    [
        (((0,) * 15, {}, (0,) * 15, {}), "an InsTaG avatar"),
        (((0,) * 14, {"jaw_net.0": 1}, (0,) * 14, {}), "a DEGSTalk avatar"),
        (((0,) * 12, 30000), "a stock 3D Gaussian Splatting training checkpoint"),
        (((0,) * 14, 10000), "a GaussianTalker training checkpoint"),
        (((0,) * 13, {}, {}, 1000), "one stage of a TalkingGaussian training"),
        ((({}, {}), (0,) * 12, 5), "a FlashAvatar checkpoint"),
        ({"deformation_net.cam_mlp.net.0.weight": 1}, "a GaussianTalker deformation network"),
        ({"model": {}, "epoch": 3}, "a checkpoint of another kind"),
        ([1, 2], "a list of 2"),
    ],
)
def test_checkpoints_of_forks_are_recognised(value: Any, fork: str, tmp_path: Path) -> None:
    torch.save(value, tmp_path / FUSED)
    with pytest.raises(CheckpointError, match=f"looks like {fork}"):
        read_talkinggaussian(tmp_path)
