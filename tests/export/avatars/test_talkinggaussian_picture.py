# SPDX-License-Identifier: Apache-2.0
"""The golden avatar as a picture: the original networks, the reference rasterizer, the composite.

The original draws face and mouth apart and lays one over the other. A rasterizer with layers does
it in one pass, and stops earlier: where both together let less than 1e-4 through.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.gaussian.backdrops import read_backdrops  # noqa: E402
from talkrt.export.gaussian.cloud import quats_to_rotations  # noqa: E402
from talkrt.export.gaussian.recording import read_recording  # noqa: E402
from talkrt.export.gaussian.reference import Options, Posed, rasterize  # noqa: E402
from talkrt.export.gaussian.talkinggaussian.baked import OriginalFace, OriginalMouth  # noqa: E402
from talkrt.export.gaussian.talkinggaussian.checkpoint import (  # noqa: E402
    TalkingGaussian,
    read_talkinggaussian,
)
from talkrt.export.gaussian.talkinggaussian.composite import backdrop, composite  # noqa: E402
from talkrt.export.gaussian.talkinggaussian.movement import move_mouth, opacities  # noqa: E402

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian"
FRAME, IMAGE = 1, 6  # the second picked frame is picture 6 of the recording
WIDTH, HEIGHT = 64, 48


@pytest.fixture(scope="module")
def avatar() -> TalkingGaussian:
    return read_talkinggaussian(GOLDEN / "talkinggaussian")


@pytest.fixture(scope="module")
def scene(avatar: TalkingGaussian) -> tuple[Posed, Posed]:
    """Face and mouth of the frame, moved by the networks as trained."""
    golden = np.load(GOLDEN / "talkinggaussian" / "face_network.npz")
    window = torch.from_numpy(golden["auds"][FRAME])
    units = torch.from_numpy(golden["au_exp"][FRAME : FRAME + 1])
    with torch.no_grad():
        face = OriginalFace(avatar.face, avatar.face_network)(window, units)
        (means,) = OriginalMouth(avatar.mouth, avatar.mouth_network)(window)
        still = move_mouth(avatar.mouth, torch.zeros(avatar.mouth.count, 3))
        return (
            posed(*face, opacities(avatar.face), avatar.face.sh, 0),
            posed(means, still.quats, still.scales, opacities(avatar.mouth), avatar.mouth.sh, 1),
        )


def posed(means: Any, quats: Any, scales: Any, opacity: Any, sh: Any, layer: int) -> Posed:
    frames = quats_to_rotations(quats.numpy()) * scales.double().numpy()[:, None, :]
    return Posed(
        means=means.double().numpy(),
        frames=frames,
        sh=sh.astype(np.float64),
        opacities=opacity.double().numpy(),
        layers=np.full(len(frames), layer, np.uint8),
    )


def joined(a: Posed, b: Posed) -> Posed:
    names = ("means", "frames", "sh", "opacities", "layers")
    return Posed(*(np.concatenate([getattr(a, name), getattr(b, name)]) for name in names))


def test_one_pass_with_layers_is_within_a_step_of_the_originals_two(
    scene: tuple[Posed, Posed],
) -> None:
    recording = read_recording(GOLDEN / "dataset")
    pictures = read_backdrops(recording, slice(IMAGE, IMAGE + 1))
    torso = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    row, column = pictures.corner
    _, height, width, _ = pictures.torsos.shape
    torso[row : row + height, column : column + width] = pictures.torsos[0]
    behind = backdrop(torso, pictures.background)
    view = recording.viewmats[IMAGE]
    K = np.array([[recording.focal, 0, WIDTH / 2], [0, recording.focal, HEIGHT / 2], [0, 0, 1]])
    options = Options(convention="inria")

    face, mouth = (rasterize(part, view, K, WIDTH, HEIGHT, options=options) for part in scene)
    layers = [
        np.concatenate([image.color, image.alpha[..., None]], axis=2).astype(np.float32)
        for image in (face, mouth)
    ]
    two = composite(layers[0], layers[1], behind)

    one = rasterize(joined(*scene), view, K, WIDTH, HEIGHT, options=options)
    # In float32: where nothing is drawn, k / 255 * 255 must be cut off as the original cuts it.
    through = (1 - one.alpha[..., None]).astype(np.float32)
    color = one.color.astype(np.float32) + through * (behind.astype(np.float32) / np.float32(255))
    single = (np.clip(color, 0, 1) * np.float32(255)).astype(np.uint8)

    assert (face.alpha > 0.3).mean() > 0.2 and (mouth.alpha > 0.3).mean() > 0.2
    step = np.abs(two.astype(int) - single.astype(int))
    assert step.max() <= 1
    assert (step == 0).mean() >= 0.998  # 0.9986: exact bytes need two passes
    assert (two != behind).any(axis=2).mean() > 0.2  # there is an avatar in the picture
