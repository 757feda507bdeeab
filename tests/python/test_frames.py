# SPDX-License-Identifier: Apache-2.0
"""Frames are the engine's memory: nothing is copied, and the last array gone frees its slot."""

import gc

import numpy as np
import pytest
import talkrt
from numpy.typing import NDArray


def talking(model: talkrt.Model, speech: NDArray[np.float32], slots: int) -> talkrt.Session:
    session = model.session(frame_slots=slots)
    session.push_audio(speech)
    return session


def pulled(session: talkrt.Session) -> talkrt.Frame:
    frame = session.pull()
    assert frame is not None
    return frame


def test_image_is_read_only_rgba_of_the_frame_size(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    frame = pulled(talking(model, speech, 2))
    assert frame.image.shape == (frame.height, frame.width, 4) == (64, 64, 4)
    assert frame.image.dtype == np.uint8
    assert not frame.image.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0, 0] = 1


def test_two_views_of_a_frame_share_memory(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    frame = pulled(talking(model, speech, 2))
    assert np.shares_memory(frame.image, frame.image)


def test_image_outlives_frame_session_model_and_engine(
    tiny_plan: str, speech: NDArray[np.float32]
) -> None:
    def first_image() -> NDArray[np.uint8]:
        return pulled(talking(talkrt.Engine(threads=1).load(tiny_plan), speech, 2)).image

    image = first_image()
    before = image.copy()
    gc.collect()
    assert (image == before).all()
    assert image[..., 3].max() == 255


def test_holding_every_slot_is_an_error_that_names_itself(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    session = talking(model, speech, 2)
    held = [pulled(session).image, pulled(session).image]
    with pytest.raises(talkrt.Error) as caught:
        session.pull()
    assert caught.value.code == "TALKRT_ERROR_FRAMES_HELD"
    del held


def test_dropping_the_last_array_frees_its_slot(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    session = talking(model, speech, 1)
    view = pulled(session).image[10:20, 10:20]  # a view of a view still holds the slot
    with pytest.raises(talkrt.Error):
        session.pull()
    del view
    assert pulled(session).index == 1


def test_pixels_of_a_held_frame_do_not_change(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    session = talking(model, speech, 3)
    image = pulled(session).image
    before = image.copy()
    for _ in range(10):
        pulled(session)
    assert (image == before).all()


def test_pull_into_an_array_gives_the_same_pixels(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    wide = np.zeros((64, 80, 4), np.uint8)
    out = wide[:, :64]  # rows with a gap between them
    frame = talking(model, speech, 1).pull(out)
    assert frame is not None
    assert frame.image is out
    assert (out == pulled(talking(model, speech, 1)).image).all()
    assert not wide[:, 64:].any()


@pytest.mark.parametrize("shape", [(64, 63, 4), (63, 64, 4), (64, 64, 3)])
def test_pull_into_an_array_of_another_shape_is_refused(
    model: talkrt.Model, speech: NDArray[np.float32], shape: tuple[int, int, int]
) -> None:
    session = talking(model, speech, 1)
    with pytest.raises((talkrt.Error, TypeError, RuntimeError)):
        session.pull(np.zeros(shape, np.uint8))
    assert pulled(session).index == 0


def test_stages_of_a_frame_have_names_and_times(
    model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    frame = pulled(talking(model, speech, 1))
    assert list(frame.stage_ns) == ["audio", "motion", "deform", "render", "post"]
    assert frame.stage_ns["render"] > 0
