# SPDX-License-Identifier: Apache-2.0
"""Our TalkingGaussian networks against what the original computed, stage by stage.

The golden arrays and the checkpoint were written by the original program, on a CPU in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.gaussian.talkinggaussian.checkpoint import (  # noqa: E402
    TalkingGaussian,
    read_talkinggaussian,
)
from talkrt.export.gaussian.talkinggaussian.movement import (  # noqa: E402
    move_face,
    move_mouth,
    opacities,
)
from talkrt.export.gaussian.talkinggaussian.networks import FaceNetwork, PlaneGrid  # noqa: E402

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian" / "talkinggaussian"
Arrays = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module", autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def avatar() -> TalkingGaussian:
    return read_talkinggaussian(GOLDEN)


@pytest.fixture(scope="module")
def face() -> Arrays:
    return dict(np.load(GOLDEN / "face_network.npz"))


@pytest.fixture(scope="module")
def mouth(face: Arrays) -> Arrays:
    return dict(np.load(GOLDEN / "mouth_network.npz")) | {"auds": face["auds"]}


def near(found: Any, expected: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=tolerance)


def test_the_position_encodings_match(avatar: TalkingGaussian, face: Arrays, mouth: Arrays) -> None:
    near(avatar.face_network.encode(torch.from_numpy(avatar.face.xyz)), face["enc_x"], 2e-5)
    near(avatar.mouth_network.encode(torch.from_numpy(avatar.mouth.xyz)), mouth["enc_x"], 2e-5)


def test_a_plane_that_a_point_leaves_gives_zeros(avatar: TalkingGaussian, face: Arrays) -> None:
    """Points 420 to 496 lie outside or on the bound; -0.15 is inside, in float32."""
    u = (avatar.face.xyz[420:497] + np.float32(0.15)) / np.float32(0.30)
    outside = (u < 0) | (u > 1)
    assert outside.any(axis=1).sum() > 40
    features = avatar.face_network.encode(torch.from_numpy(avatar.face.xyz[420:497])).numpy()
    for plane, axes in enumerate([(0, 1), (1, 2), (0, 2)]):
        gone = outside[:, list(axes)].any(axis=1)
        mine = features[:, 12 * plane : 12 * plane + 12]
        assert not mine[gone].any()
        assert mine[~gone].any(axis=1).all()
    edge = torch.tensor([[-0.15, -0.15, 0.15]], dtype=torch.float32)
    assert avatar.face_network.encode(edge)[0, :12].abs().min() > 0


def test_the_audio_side_matches(avatar: TalkingGaussian, face: Arrays, mouth: Arrays) -> None:
    for network, golden in ((avatar.face_network, face), (avatar.mouth_network, mouth)):
        for frame, window in enumerate(torch.from_numpy(golden["auds"])):
            codes = network.audio_net(window)
            near(codes, golden["audio_rows"][frame], 1e-5)
            near(network.audio_att_net(codes), golden["audio_attention"][frame], 1e-5)
            near(network.audio(window)[0], golden["enc_a"][frame], 1e-5)


@pytest.mark.parametrize(("name", "channels", "salt"), [("esperanto", 44, 6), ("hubert", 1024, 7)])
def test_the_other_extractors_match(name: str, channels: int, salt: int, weights: Any) -> None:
    golden = np.load(GOLDEN / "audio_other_extractors.npz")
    network = FaceNetwork(channels)
    weights(network, salt)
    window = torch.from_numpy(golden[f"{name}_features"]).permute(0, 2, 1)
    near(network.audio_net(window), golden[f"{name}_audio_rows"], 1e-5)
    near(network.audio(window), golden[f"{name}_enc_a"], 1e-5)


def test_the_faces_attentions_and_hidden_values_match(
    avatar: TalkingGaussian, face: Arrays
) -> None:
    network = avatar.face_network
    features = torch.from_numpy(face["enc_x"])
    near(network.aud_ch_att_net(features), face["aud_ch_att"], 1e-5)
    near(network.eye_attention(features), face["eye_att"], 1e-5)
    for frame in range(3):
        units = torch.from_numpy(face["au_exp"][frame : frame + 1])
        near(network.expression(units)[0, :5], face["exp_enc"][frame], 1e-5)
        code = torch.from_numpy(face["enc_a"][frame : frame + 1])
        near(network.hidden(features, code, units), face["h"][frame], 1e-5)


def test_the_face_moves_as_in_the_original(avatar: TalkingGaussian, face: Arrays) -> None:
    network = avatar.face_network
    features = network.encode(torch.from_numpy(avatar.face.xyz))
    for frame, window in enumerate(torch.from_numpy(face["auds"])):
        units = torch.from_numpy(face["au_exp"][frame : frame + 1])
        moved = move_face(avatar.face, network.hidden(features, network.audio(window), units))
        near(moved.means, face["means"][frame], 2e-7)
        near(moved.means - torch.from_numpy(avatar.face.xyz), face["d_xyz"][frame], 1e-7)
        near(moved.quats, face["quats"][frame], 1e-5)
        near(moved.scales, face["scales"][frame], 1e-6)
    near(opacities(avatar.face), face["opacities"][:, 0], 1e-6)


def test_the_mouth_moves_as_in_the_original(avatar: TalkingGaussian, mouth: Arrays) -> None:
    network = avatar.mouth_network
    features = network.encode(torch.from_numpy(avatar.mouth.xyz))
    for frame, window in enumerate(torch.from_numpy(mouth["auds"])):
        hidden = network.hidden(features, network.audio(window))
        near(hidden, mouth["h"][frame], 1e-5)
        moved = move_mouth(avatar.mouth, hidden)
        near(moved.means, mouth["means"][frame], 2e-7)
        near(moved.quats, mouth["quats"], 1e-5)
        near(moved.scales, mouth["scales"], 1e-6)
    near(opacities(avatar.mouth), mouth["opacities"][:, 0], 1e-6)


def test_grid_levels_are_those_of_the_checkpoint(avatar: TalkingGaussian) -> None:
    for network in (avatar.face_network, avatar.mouth_network):
        grids = [module for module in network.modules() if isinstance(module, PlaneGrid)]
        assert len(grids) == 3
        for grid in grids:
            assert grid.starts == grid.offsets.tolist()
            assert len(grid.embeddings) == grid.starts[-1]
