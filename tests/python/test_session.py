# SPDX-License-Identifier: Apache-2.0
import hashlib
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
import talkrt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from talkrt import _core


def digest(session: talkrt.Session, pieces: list[NDArray[np.float32]]) -> list[str]:
    """A hash of every frame that the pieces make."""
    hashes = []

    def take() -> None:
        hashes.extend(hashlib.sha256(frame.image).hexdigest() for frame in session.frames())

    for piece in pieces:
        while piece.size:
            piece = piece[session.push_audio(piece) :]
            take()
    session.finish_audio()
    take()
    return hashes


def test_one_second_at_25_fps_makes_25_frames_on_the_audio_clock(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    session = model.session()
    session.push_audio(speech)
    session.finish_audio()
    stamps = [(frame.index, frame.audio_position) for frame in session.frames()]
    assert stamps == [(i, 640 * i) for i in range(25)]
    assert session.ended


def test_pull_gives_none_until_the_look_ahead_is_there(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    session = model.session()
    session.push_audio(speech[: model.look_ahead // 2])
    assert session.pull() is None
    assert not session.ended
    session.push_audio(speech[model.look_ahead // 2 : model.look_ahead + 640])
    assert session.pull() is not None


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, 16000), max_size=8))
def test_any_split_of_the_audio_gives_the_same_frames(
    model: talkrt.Model, speech: NDArray[np.float32], cuts: list[int]
) -> None:
    whole = digest(model.session(seed=3), [speech])
    parts = digest(model.session(seed=3), np.split(speech, sorted(cuts)))
    assert parts == whole


def test_seed_changes_idle_motion_and_nothing_else(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    still = [digest(model.session(seed=s, idle_motion=False), [speech]) for s in (1, 2)]
    alive = [digest(model.session(seed=s), [speech]) for s in (1, 2)]
    assert still[0] == still[1]
    assert alive[0] != alive[1]


def test_push_takes_what_fits_and_says_how_much(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    session = model.session(audio_capacity=4000)
    accepted = session.push_audio(speech)
    assert 0 < accepted < speech.size
    assert session.stats.audio_pushed == accepted


def test_one_thread_may_push_while_another_pulls(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    expected = digest(model.session(seed=3), [speech] * 5)
    session = model.session(seed=3)

    def push() -> None:
        rest = np.tile(speech, 5)
        while rest.size:
            rest = rest[session.push_audio(rest[:700]) :]
        session.finish_audio()

    pusher = threading.Thread(target=push)
    pusher.start()
    hashes = []
    while not session.ended:
        hashes.extend(hashlib.sha256(frame.image).hexdigest() for frame in session.frames())
    pusher.join()
    assert hashes == expected


def test_python_runs_on_while_a_frame_is_rendered(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    session = model.session(size=(400, 400), frame_slots=64, fps=240)
    session.push_audio(np.tile(speech, 2))
    go, ran = threading.Event(), []
    other = threading.Thread(target=lambda: (go.wait(), ran.append(True)))
    other.start()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)  # seconds: nobody gets the GIL unless it is given up
    try:
        go.set()
        held = []  # giving a frame back lets others run, too: not what is tested
        while not ran and len(held) < 64:
            held.append(session.pull())
        seen = bool(ran)
    finally:
        sys.setswitchinterval(before)
    other.join()
    assert seen, "no pull released the GIL"


def test_interrupt_drops_what_is_queued_and_opens_the_stream_again(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    session = model.session()
    session.push_audio(speech)
    session.finish_audio()
    session.pull()
    session.interrupt()
    assert session.stats.audio_dropped > 0
    session.push_audio(speech)
    frame = session.pull()
    assert frame is not None
    assert frame.audio_position >= speech.size


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (None, Fraction(25)),
        (30, Fraction(30)),
        (29.97, Fraction(2997, 100)),
        (Fraction(30000, 1001), Fraction(30000, 1001)),
    ],
)
def test_frame_rate_is_a_fraction(
    model: talkrt.Model, fps: float | Fraction | None, expected: Fraction
) -> None:
    assert model.session(fps=fps).fps == expected


def test_defaults_of_controls_are_those_of_the_c_header() -> None:
    defaults = talkrt.Controls()
    for name, value in _core.default_controls().items():
        ours = 0 if name == "emotion" else getattr(defaults, name)
        assert ours == value, name


def test_controls_change_the_picture(model: talkrt.Model, speech: NDArray[np.float32]) -> None:
    plain, turned = (model.session(idle_motion=False) for _ in range(2))
    turned.set_controls(talkrt.Controls(head_yaw=30.0))
    images = []
    for session in (plain, turned):
        session.push_audio(speech)
        frame = session.pull()
        assert frame is not None
        images.append(frame.image)
    assert (images[0] != images[1]).any()


def test_transparent_background_has_alpha_and_a_color_has_none(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    corners = {}
    for name, background in {"clear": "transparent", "red": (1.0, 0.0, 0.0)}.items():
        session = model.session(background=background)
        session.push_audio(speech)
        frame = session.pull()
        assert frame is not None
        corners[name] = frame.image[0, 0].tolist()
    assert corners["clear"][3] == 0
    assert corners["red"] == [255, 0, 0, 255]


def test_background_picture_stands_behind_the_head(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    session = model.session(background=picture)
    session.push_audio(speech)
    frame = session.pull()
    assert frame is not None
    assert (frame.image[0, 0, :3] == picture[0, 0]).all()
