# SPDX-License-Identifier: Apache-2.0
"""Our GaussianTalker network against what the original computed, stage by stage.

Three networks: the two shipped configurations, whose weights follow the golden data's rule, and a
small one whose planes have sides of three lengths, so that no axis can be mistaken for another.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.gaussian.gaussiantalker.movement import move  # noqa: E402
from talkrt.export.gaussian.gaussiantalker.network import (  # noqa: E402
    DeformationNetwork,
    Resolutions,
    eye_angles,
    eye_code,
)

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian" / "gaussiantalker"
SHIPPED: Resolutions = ((64, 64, 64), (128, 128, 128))
NETWORKS: dict[str, tuple[int, int, Resolutions]] = {  # layers, salt, planes
    "x1": (1, 2, SHIPPED),
    "x2": (2, 3, SHIPPED),
    "small_x1": (1, 4, ((6, 8, 10), (12, 16, 20))),
}
Arrays = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module", autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def inputs() -> Arrays:
    return dict(np.load(GOLDEN / "inputs.npz"))


def built(name: str, inputs: Arrays, weights: Any) -> Any:
    """The network and what the original computed with it."""
    layers, salt, resolutions = NETWORKS[name]
    network = DeformationNetwork(layers, resolutions)
    weights(network, salt, "deformation_net.")
    network.tri_plane["grid"].aabb.copy_(torch.from_numpy(inputs["aabb_max_min"]))
    return network, dict(np.load(GOLDEN / f"network_{name}.npz"))


@pytest.fixture(scope="module", params=NETWORKS)
def case(request: pytest.FixtureRequest, inputs: Arrays, weights: Any) -> Any:
    return built(request.param, inputs, weights)


@pytest.fixture(scope="module")
def small(inputs: Arrays, weights: Any) -> Any:
    return built("small_x1", inputs, weights)


def near(found: Any, expected: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=tolerance)


def cameras(inputs: Arrays) -> torch.Tensor:
    rows = np.concatenate([inputs["cam_R"].reshape(3, 9), inputs["cam_T"]], axis=1)
    return torch.from_numpy(rows)[:, None]


def test_the_position_encoding_matches(small: Any, gaussiantalker_raw: Any) -> None:
    """Points 400 to 479 lie outside the box and take the border's features."""
    network, golden = small
    near(network.encode(torch.from_numpy(gaussiantalker_raw.xyz)), golden["enc_x"], 2e-4)


def test_tokens_match(case: Any, inputs: Arrays) -> None:
    network, golden = case
    np.testing.assert_allclose(eye_angles(), golden["eye_div"], rtol=0, atol=0)
    for frame, camera in enumerate(cameras(inputs)):
        code = network.audio(torch.from_numpy(inputs["auds"][frame]))
        near(code[0], golden["enc_a"][frame], 1e-5)
        eye = eye_code(inputs["eye"][frame])
        near(eye[0], golden["eye_pe"][frame], 1e-6)
        near(network.tokens(code, eye, camera), golden["tokens"][frame], 2e-5)


def test_attention_and_hidden_values_match(small: Any) -> None:
    network, golden = small
    features = torch.from_numpy(golden["enc_x"])
    for frame in range(3):
        hidden, seen = network.attend(features, torch.from_numpy(golden["tokens"][frame]))
        mean = torch.stack([weights.mean(dim=0) for weights in seen])
        near(mean, golden["attention_mean_heads"][frame], 2e-5)
        if frame == 0:
            near(hidden, golden["hidden_frame0"], 2e-5)


def test_gaussians_move_as_in_the_original(
    case: Any, inputs: Arrays, gaussiantalker_raw: Any
) -> None:
    network, golden = case
    features = network.encode(torch.from_numpy(gaussiantalker_raw.xyz))
    for frame, camera in enumerate(cameras(inputs)):
        code = network.audio(torch.from_numpy(inputs["auds"][frame]))
        tokens = network.tokens(code, eye_code(inputs["eye"][frame]), camera)
        moved = move(gaussiantalker_raw, network.deltas(network.attend(features, tokens)[0]))
        near(moved.means, golden["means"][frame], 2e-4)
        near(moved.scales, golden["scales"][frame], 2e-5)
        if frame == 0:  # as much as is stored for all three
            near(moved.quats, golden["quats"][0], 2e-4)
            near(moved.opacities, golden["opacities"][0][:, 0], 2e-5)
        if frame == 0 and "sh" in golden:
            near(moved.sh, golden["sh"][0], 2e-4)
        assert np.abs(moved.means.numpy() - golden["means"][frame]).mean() <= 2e-6
