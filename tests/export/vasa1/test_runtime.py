# SPDX-License-Identifier: Apache-2.0
"""The engine against the restated inference, on the narrow model: motion, frames, streaming."""

from pathlib import Path

import numpy as np
import pytest
import talkrt

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.vasa1 import check_clip, crop, reference, untrained  # noqa: E402

SEED, SAMPLING = 7, reference.Sampling(count=5, eta=0.5, guidance=2.0)
SPEECH = np.random.default_rng(3).normal(0, 0.1, 30_000).astype(np.float32)  # 2 windows and a half
PLAN = Path(__file__).parents[2] / "data/tiny_vasa1.plan"
FACE = crop.Face((70.0, 66.0), 90.0, 0.2)


@pytest.fixture(scope="module")
def model():
    return talkrt.Engine(threads=1).load(PLAN)


@pytest.fixture(scope="module")
def picture():
    """A portrait that is larger than its face: [H, W, 3]."""
    y, x = np.mgrid[:120, :150]
    face = np.stack([x + y, 255 - x, 2 * y], axis=-1) % 256
    return face.astype(np.uint8)


@pytest.fixture(scope="module")
def expected(picture):
    """Keypoints [N, 63] and frames 0, 7 and 45 of the published networks."""
    weights = untrained.untrained(untrained.TINY, 1)
    side = 2 * untrained.TINY.picture
    renderer, net = weights.renderer, weights.motion_generator
    portrait = reference.portrait_of(renderer, crop.halved(crop.cut(picture, FACE, side)))
    denoise = reference.denoiser(net, SAMPLING, reference.seeded(net, SEED))
    track = reference.motion_of(reference.generated(net, SPEECH, denoise), weights.template)
    driving = reference.driving_keypoints(renderer, portrait.source, track)
    shown = list(SHOWN)
    frames = reference.pictures(renderer, portrait.feature, portrait.source.x, driving[shown])
    return driving.flatten(1).numpy(), dict(zip(shown, frames, strict=True))


SHOWN = (0, 7, 45)


def session_of(model, picture, **options):
    given = {
        "portrait_crop": FACE.to_crop(model.size[0])[:2],
        "seed": SEED,
        "steps": SAMPLING.count,
        "eta": SAMPLING.eta,
        "guidance": SAMPLING.guidance,
    }
    return model.session(portrait=picture, **(given | options))


def spoken(session, speech=SPEECH):
    """Keypoints and pictures of every frame."""
    points, pictures, at = [], [], 0
    while at < len(speech):
        at += session.push_audio(speech[at : at + 4096])
        for frame in session.frames():
            points.append(session.channels())
            pictures.append(frame.image.copy())
    session.finish_audio()
    for frame in session.frames():
        points.append(session.channels())
        pictures.append(frame.image.copy())
    assert session.ended
    return np.array(points), pictures


def steps_between(a, b):
    return np.abs(a.astype(int) - b.astype(int))


def test_whole_windows_equal_the_restated_inference(model, picture, expected):
    points, pictures = spoken(session_of(model, picture, crop_only=True))
    wanted, frames = expected
    assert len(points) == -(-len(SPEECH) // 640)
    np.testing.assert_allclose(points, wanted[: len(points)], atol=1e-4)
    for index, frame in frames.items():
        difference = steps_between(pictures[index][..., :3], frame)
        assert difference.max() <= 1 and (difference > 0).mean() < 0.01
        assert (pictures[index][..., 3] == 255).all()


def test_a_frame_in_its_place_in_the_picture(model, picture, expected):
    session = session_of(model, picture)
    session.push_audio(SPEECH[:12_800])  # the first window
    frame = session.pull()
    assert frame is not None
    wanted = crop.paste(picture, expected[1][0], FACE)
    assert frame.image.shape == (120, 150, 4)
    difference = steps_between(frame.image[..., :3], wanted)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01


def test_the_check_clip_passes():
    from talkrt.checking import replay
    from talkrt.plan_file import read_plan

    check = replay(read_plan(PLAN), talkrt.Engine(threads=1))
    assert check.passed and len(check.frames) == len(check_clip.FRAMES)
    assert all(frame.largest_difference <= 1 for frame in check.frames)
