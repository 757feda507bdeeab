# SPDX-License-Identifier: Apache-2.0
"""One portrait and a voice, as a host sees it: streaming, cuts, controls, bad input."""

import threading
from pathlib import Path

import numpy as np
import pytest
import talkrt

DATA = Path(__file__).parents[1] / "data"
SPEECH = np.random.default_rng(3).normal(0, 0.1, 30_000).astype(np.float32)  # 2 windows and a half
CROP = np.array([[1.394, 0.2826, -52.23], [-0.2826, 1.394, -8.2]])  # turned, about (70, 66)


@pytest.fixture(scope="module")
def model(engine):
    return engine.load(DATA / "tiny_vasa1.plan")


@pytest.fixture(scope="module")
def picture():
    """A portrait that is larger than its face: [H, W, 3]."""
    y, x = np.mgrid[:120, :150]
    return (np.stack([x + y, 255 - x, 2 * y], axis=-1) % 256).astype(np.uint8)


def session_of(model, picture, **options):
    given = {"portrait_crop": CROP, "seed": 7, "steps": 5, "eta": 0.5, "guidance": 2.0}
    return model.session(portrait=picture, **(given | options))


def spoken(session, speech=SPEECH, pushes=(4096,)):
    """Keypoints and pictures of every frame."""
    points, pictures, at, turn = [], [], 0, 0
    while at < len(speech):
        size = pushes[turn % len(pushes)]
        at += session.push_audio(speech[at : at + size])
        turn += 1
        for frame in session.frames():
            points.append(session.channels())
            pictures.append(frame.image.copy())
    session.finish_audio()
    for frame in session.frames():
        points.append(session.channels())
        pictures.append(frame.image.copy())
    assert session.ended
    return np.array(points), pictures


@pytest.mark.parametrize("hop", [None, 5])
def test_any_split_of_the_speech_gives_the_same_bits(model, picture, hop):
    once = spoken(session_of(model, picture, hop=hop), SPEECH[:9000])
    for pushes in ((1,) * 5 + (640, 1281), (3000,)):
        again = spoken(session_of(model, picture, hop=hop), SPEECH[:9000], pushes)
        np.testing.assert_array_equal(once[0], again[0])
        np.testing.assert_array_equal(once[1], again[1])


def test_one_thread_pushes_while_another_pulls(model, picture):
    once = spoken(session_of(model, picture, hop=5), SPEECH[:9000])[0]
    session = session_of(model, picture, hop=5)

    def push():
        at = 0
        while at < 9000:
            at += session.push_audio(SPEECH[at : min(at + 500, 9000)])
        session.finish_audio()

    thread = threading.Thread(target=push)
    thread.start()
    points = []
    while not session.ended:
        points += [session.channels() for _ in session.frames()]
    thread.join()
    np.testing.assert_array_equal(once, points)


@pytest.mark.parametrize("hop", [None, 4, 5])
def test_a_frame_comes_as_soon_as_its_look_ahead_is_there(model, picture, hop):
    session = session_of(model, picture, hop=hop)
    frames = 20 if hop is None else hop
    needed = 640 * frames - 1280
    assert session.look_ahead == needed + 639  # between two frames of motion; on one, `needed`
    session.push_audio(SPEECH[: needed - 1])
    assert session.pull() is None
    session.push_audio(SPEECH[needed - 1 : needed])
    assert sum(1 for _ in session.frames()) == frames - 2  # the others are still to be shown
    assert model.look_ahead == 640 * 20 - 1280 + 639


def test_hops_go_on_from_what_was_shown(model, picture):
    """No jump where one hop ends and the next begins, beyond what motion does within them."""
    points, _ = spoken(session_of(model, picture, hop=5, eta=0.0))
    assert np.isfinite(points).all()
    move = np.abs(np.diff(points, axis=0)).max(axis=1)
    seams = np.arange(4, len(move), 5)
    assert move[seams].max() < 3 * np.delete(move, seams).max()


@pytest.mark.parametrize(
    "speech", [np.zeros(1, np.float32), np.zeros(7000, np.float32), 0.9 * np.sin(np.arange(20_000))]
)
def test_less_than_a_window_silence_and_music_make_every_frame(model, picture, speech):
    speech = speech.astype(np.float32)
    points, pictures = spoken(session_of(model, picture, crop_only=True), speech)
    assert len(pictures) == -(-len(speech) // 640)
    assert np.isfinite(points).all()


def test_after_a_cut_the_face_goes_on_from_where_it_was(model, picture):
    session = session_of(model, picture, hop=5)
    session.push_audio(SPEECH[:12_000])
    before = [session.channels() for _ in range(9) if session.pull() is not None]
    session.interrupt()
    session.push_audio(SPEECH[:9000])
    session.finish_audio()
    after = [session.channels() for _ in session.frames()]
    assert session.ended and len(after) >= 10
    whole = np.array(before + after)
    assert np.abs(whole[9] - whole[8]).max() < 2 * np.abs(np.diff(whole, axis=0)).max(axis=1).mean()


def test_other_frame_rates_show_the_same_motion(model, picture):
    plain = spoken(session_of(model, picture))[0]
    double = spoken(session_of(model, picture, fps=50))[0]
    np.testing.assert_array_equal(double[::2], plain)
    assert np.abs(double[1::2][:-1] - plain[1:]).max() < np.abs(plain).max()
    slow = spoken(session_of(model, picture, fps=1))[0]
    np.testing.assert_array_equal(slow, plain[::25])


def test_sessions_share_hearing_and_portraits(model, picture):
    def calls(session):
        return {graph["name"]: graph["calls"] for graph in session.describe()["graphs"]}

    speech = SPEECH[:12_000] * np.float32(0.5)
    first, second = (session_of(model, picture, seed=seed) for seed in (1, 2))
    spoken(first, speech), spoken(second, speech)
    assert calls(first) | {"speech": 1, "denoise": 5, "warp": 19, "picture": 19} == calls(first)
    assert calls(second)["speech"] == 0 and calls(second)["denoise"] == 5


def test_controls_move_keypoints_at_once_and_emotions_within_half_a_second(model, picture):
    def driven(**controls):
        session = session_of(model, picture)
        session.set_controls(talkrt.Controls(**controls))
        session.push_audio(SPEECH[:12_800])
        return np.array([session.channels() for _ in session.frames()])

    plain = driven()
    assert model.emotions[1] == "happy" and len(model.emotions) == 8
    for controls in (
        {"emotion": "happy"}, {"gaze_yaw": 20.0}, {"gaze_pitch": 20.0}, {"head_yaw": 20.0},
        {"head_distance": 2.0}, {"blink": 1.0}, {"expression_scale": 0.0},
    ):  # fmt: skip
        changed = driven(**controls)
        assert np.abs(changed - plain).max() > 1e-3, controls
    session = session_of(model, picture)
    session.push_audio(SPEECH[:12_800])
    points = []
    for index in range(20):
        if index == 2:
            session.set_controls(talkrt.Controls(emotion="surprised"))
        assert session.pull() is not None
        points.append(session.channels())
    far = np.abs(np.array(points) - plain).max(axis=1)
    assert far[1] == 0 and 0 < far[2] < far[6] < far[14]
    assert far[15] == pytest.approx(far[18], rel=0.2)


def test_bad_sessions_are_refused_in_one_line(model, picture, gaussian):
    def refused(match, made=model, **options):
        with pytest.raises(talkrt.Error, match=match) as caught:
            made.session(**options)
        assert "\n" not in str(caught.value)

    refused("portrait is NULL")
    refused("150 x 120, expected the plan's size, 128 x 128", portrait=picture)
    refused(r"uint8 \[H, W, 3 or 4\]", portrait=picture[..., :2])
    flat = np.zeros((2, 3))
    flat[0, 0] = 1
    refused("scales by 0", portrait=picture, portrait_crop=flat)
    refused("portrait_crop.4. is nan", portrait=picture, portrait_crop=[[1, 0, 0], [0, np.nan, 0]])
    ok = {"portrait": picture, "portrait_crop": CROP}
    refused("motion_steps is 11, expected 0 to 10", **ok, steps=11)
    refused("motion_hop is 3, expected 4 to 20", **ok, hop=3)
    refused("motion_eta is 2", **ok, eta=2.0)
    refused("motion_guidance is 21", **ok, guidance=21.0)
    refused("a portrait brings its own", **ok, background="transparent")
    refused('portrait is set, and a plan of model "gaussian"', gaussian, portrait=picture)
    refused("motion_hop is set", gaussian, hop=5)
    with pytest.raises(talkrt.UnsupportedError, match="no depth to look into"):
        model.session(**ok).draw(np.eye(4), np.eye(3), (8, 8))


@pytest.fixture(scope="module")
def gaussian(engine):
    return engine.load(DATA / "tiny.plan")


def test_frames_of_untrained_weights_say_so(model, picture):
    session = session_of(model, picture)
    session.push_audio(SPEECH[:640])
    session.finish_audio()
    frame = session.pull()
    assert frame is not None and frame.untrained
