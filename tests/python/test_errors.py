# SPDX-License-Identifier: Apache-2.0
"""Every failure is an exception of a class one can catch, with the C ABI's code and a message."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import talkrt
from numpy.typing import NDArray
from talkrt.errors import make

HOSTILE = Path(__file__).resolve().parents[1] / "data/hostile"
EXPECTED: dict[str, dict[str, str]] = json.loads((HOSTILE / "expected.json").read_text())


def test_every_class_derives_from_error_and_keeps_the_code() -> None:
    expected = {
        "TALKRT_ERROR_PLAN_CORRUPT": talkrt.PlanError,
        "TALKRT_ERROR_BACKEND_MISSING": talkrt.BackendError,
        "TALKRT_ERROR_DEVICE_LOST": talkrt.DeviceLostError,
        "TALKRT_ERROR_OUT_OF_BUDGET": talkrt.BudgetError,
        "TALKRT_ERROR_BAD_AUDIO": talkrt.AudioError,
        "TALKRT_ERROR_INTERNAL": talkrt.Error,
    }
    for code, kind in expected.items():
        error = make(code, "message")
        assert type(error) is kind
        assert isinstance(error, talkrt.Error)
        assert (error.code, str(error)) == (code, "message")


def test_missing_plan_is_named(engine: talkrt.Engine) -> None:
    with pytest.raises(talkrt.Error, match=r"nowhere\.plan") as caught:
        engine.load("nowhere.plan")
    assert caught.value.code == "TALKRT_ERROR_NOT_FOUND"


def test_truncated_plan_is_a_plan_error(
    engine: talkrt.Engine, tiny_plan: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half.plan"
    half.write_bytes(tiny_plan.read_bytes()[:5000])
    with pytest.raises(talkrt.PlanError, match=r"half\.plan") as caught:
        engine.load(half)
    assert caught.value.code == "TALKRT_ERROR_PLAN_CORRUPT"


def test_missing_onnxruntime_is_a_backend_error(tiny_plan: Path) -> None:
    with pytest.raises(talkrt.BackendError, match="nowhere") as caught:
        talkrt.Engine(onnxruntime="/nowhere/libonnxruntime.so").load(tiny_plan)
    assert caught.value.code == "TALKRT_ERROR_BACKEND_MISSING"


def test_engine_budget_is_kept(tiny_plan: Path) -> None:
    with pytest.raises(talkrt.BudgetError, match="memory budget exceeded"):
        talkrt.Engine(host_budget_bytes=1000).load(tiny_plan)


def test_samples_that_are_no_numbers_are_refused_with_their_position(model: talkrt.Model) -> None:
    samples = np.zeros(100, np.float32)
    samples[42] = np.nan
    session = model.session()
    with pytest.raises(talkrt.AudioError, match="42"):
        session.push_audio(samples)
    assert session.stats.audio_pushed == 0


def test_another_sample_rate_is_refused_naming_both(model: talkrt.Model) -> None:
    with pytest.raises(talkrt.Error, match=r"44100.*16000|16000.*44100"):
        model.session().push_audio(np.zeros(100), sample_rate=44100)


def test_audio_after_the_end_is_refused(model: talkrt.Model, speech: NDArray[np.float32]) -> None:
    session = model.session()
    session.finish_audio()
    with pytest.raises(talkrt.AudioError) as caught:
        session.push_audio(speech)
    assert caught.value.code == "TALKRT_ERROR_FINISHED"


def test_audio_of_two_dimensions_is_refused(model: talkrt.Model) -> None:
    with pytest.raises(talkrt.Error, match=r"\(10, 2\)"):
        model.session().push_audio(np.zeros((10, 2)))


def test_unknown_emotion_lists_the_known_ones(model: talkrt.Model) -> None:
    with pytest.raises(talkrt.Error, match=r"sleepy.*neutral, happy, sad, angry") as caught:
        model.session().set_controls(talkrt.Controls(emotion="sleepy"))
    assert caught.value.code == "TALKRT_ERROR_NOT_FOUND"


@pytest.mark.parametrize(
    ("controls", "field"),
    [
        (talkrt.Controls(head_yaw=70.0), "head_yaw"),
        (talkrt.Controls(gaze_pitch=-31.0), "gaze_pitch"),
        (talkrt.Controls(head_distance=0.0), "head_distance"),
        (talkrt.Controls(emotion_intensity=float("nan")), "emotion_intensity"),
    ],
)
def test_controls_out_of_range_name_the_field(
    model: talkrt.Model, controls: talkrt.Controls, field: str
) -> None:
    with pytest.raises(talkrt.Error, match=field):
        model.session().set_controls(controls)


@pytest.mark.parametrize(
    "background",
    ["sunset", (1.0, 2.0, 0.0), np.zeros((4, 4), np.uint8), np.zeros((9, 9, 3), np.uint8)],
)
def test_background_that_fits_nothing_is_refused(model: talkrt.Model, background: object) -> None:
    with pytest.raises(talkrt.Error, match="background"):
        model.session(background=background)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(-1, 64), (9000, 64)])
def test_size_out_of_range_is_refused(model: talkrt.Model, size: tuple[int, int]) -> None:
    with pytest.raises(talkrt.Error, match="width"):
        model.session(size=size)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_hostile_plans_are_refused_with_their_code(engine: talkrt.Engine, name: str) -> None:
    with pytest.raises(talkrt.PlanError) as caught:
        engine.load(HOSTILE / name)
    assert caught.value.code == EXPECTED[name]["code"]
    assert name in str(caught.value)


def test_a_plan_may_have_any_name(engine: talkrt.Engine, tiny_plan: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff\xfe \xc3\xa4.plan"  # not UTF-8
    Path(os.fsdecode(odd)).write_bytes(tiny_plan.read_bytes())
    assert engine.load(os.fsdecode(odd)).name == "tiny"
    engine.describe()
    with pytest.raises(talkrt.Error, match="missing"):
        engine.load(os.fsdecode(odd + b"missing"))


def test_what_the_engine_logs_goes_to_the_logger_talkrt(
    tiny_plan: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", logger="talkrt"):
        talkrt.Engine(threads=1).load(tiny_plan)
    messages = [record for record in caplog.records if record.name == "talkrt"]
    assert any("tiny.plan" in record.getMessage() for record in messages)
