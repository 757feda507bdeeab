# SPDX-License-Identifier: Apache-2.0
"""Trained avatars hear features: cached ones from a file, or those of the plan's own encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import talkrt
from talkrt.rendering import render

DATA = Path(__file__).parents[1] / "data"
PLAN = DATA / "golden_talkinggaussian.plan"
ROWS = DATA / "golden/gaussian/dataset/aud_ds.npy"  # [14, 16, 29]
SIZE = (64, 48)


@pytest.fixture(scope="module")
def model():
    return talkrt.Engine(threads=1).load(PLAN)


def pulled(session):
    return [frame.image.copy() for frame in session.frames()]


def frames_of(model, push, pieces):
    """All frames of a session that `push`, a method of it, is given the pieces."""
    session = model.session(size=SIZE)
    images = []
    for piece in pieces:
        while len(piece):
            piece = piece[getattr(session, push)(piece) :]
            images += pulled(session)
    session.finish_audio()
    return np.array(images + pulled(session))


def test_cached_features_give_a_frame_a_row_whatever_the_sound(model, tmp_path, wav):
    result = render(model, wav, tmp_path / "frames", features=ROWS, size=SIZE)
    silent = render(model, None, tmp_path / "silent", features=ROWS, size=SIZE)
    assert result.frames == silent.frames == 14
    first, second = (
        [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]
        for name in ("frames", "silent")
    )
    assert first == second and len(set(first)) == 14


def test_audio_alone_is_refused_with_a_way_out(model, tmp_path, wav):
    with pytest.raises(talkrt.Error, match=r"no audio encoder: .* made by deepspeech, with --feat"):
        render(model, wav, tmp_path / "frames", size=SIZE)
    with pytest.raises(talkrt.Error, match=r"takes no audio: push features made by"):
        model.session(size=SIZE).push_audio(np.zeros(10, np.float32))


def test_a_plan_that_hears_takes_no_features(tmp_path, engine, tiny_plan, wav):
    with pytest.raises(talkrt.Error, match="takes no features: leave"):
        render(engine.load(tiny_plan), wav, tmp_path / "frames", features=ROWS)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((9, 16, 44), np.float32), r"\[9, 16, 44\], expected numbers \[T, 16, 29\]"),
        (np.zeros((9, 16, 29), np.int64), "int64, expected numbers"),
        (np.full((9, 16, 29), np.nan, np.float32), "row 0 has NaN or infinity"),
    ],
)
def test_features_that_cannot_be_used_are_refused_by_name(model, tmp_path, array, said):
    path = tmp_path / "aud.npy"
    np.save(path, array)
    with pytest.raises(talkrt.Error, match=said) as refused:
        render(model, None, tmp_path / "frames", features=path, size=SIZE)
    assert "aud.npy" in str(refused.value) and not (tmp_path / "frames").exists()


def hearing_plan(path):
    """The same avatar with an encoder: each vector is a product of its 320 samples, and what the
    window around it is on average. Returns a function that runs it."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper
    from talkrt.export import parity
    from talkrt.export.encoders.window import EncoderWindow
    from talkrt.export.plan import read_plan, write_plan
    from talkrt.export.to_onnx import Graph, Port, stored

    window = EncoderWindow(before=640, step=1280, after=320, lead=8)
    weights = np.random.default_rng(6).normal(0, 1, (320, 29)).astype(np.float32)

    def constant(name, values):
        return numpy_helper.from_array(np.array(values, np.int64), name)

    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["samples", "from", "to", "axis"], ["middle"]),
            helper.make_node("Reshape", ["middle", "shape"], ["pieces"]),
            helper.make_node("MatMul", ["pieces", "weights"], ["products"]),
            helper.make_node("ReduceMean", ["samples"], ["average"], keepdims=1),
            helper.make_node("Add", ["products", "average"], ["vectors"]),
        ],
        "encoder",
        [helper.make_tensor_value_info("samples", TensorProto.FLOAT, [1, window.samples])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [4, 29])],
        [
            numpy_helper.from_array(weights, "weights"), constant("shape", [4, 320]),
            constant("from", [640]), constant("to", [1920]), constant("axis", [1]),
        ],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(proto)
    ports = (Port("samples", (1, window.samples), "pipeline"),), (Port("vectors", (4, 29)),)
    encoder = stored(Graph("encoder", "window", None, *ports), proto)
    manifest, tensors = read_plan(PLAN)
    manifest["graphs"].append(encoder.manifest())
    manifest["features"]["encoder"] = window.manifest("encoder")
    del manifest["check"]
    kept = {name: value for name, value in tensors.items() if not name.startswith("check/")}
    write_plan(path, manifest, kept | encoder.tensors())
    runner = parity.session(encoder)
    return window, lambda samples: runner.run(["vectors"], {"samples": samples})[0]


def test_an_encoder_in_the_plan_is_its_rows_pushed_for_any_split(model, tmp_path):
    window, run = hearing_plan(tmp_path / "hears.plan")
    from talkrt.export.encoders.window import encoded_rows

    speech = np.random.default_rng(3).normal(0, 0.1, 9000).astype(np.float32)
    rows = encoded_rows(speech, window, 16, run)
    assert len(rows) == 15
    expected = frames_of(model, "push_features", [rows])
    hearing = talkrt.Engine(threads=1).load(tmp_path / "hears.plan")
    assert 0 <= hearing.look_ahead - (window.look_ahead(16) + 3 * 640) <= 1
    for split in ([9000], [1, 799, 6000, 2200]):
        pieces = np.split(speech, np.cumsum(split)[:-1])
        found = frames_of(hearing, "push_audio", pieces)
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(talkrt.Error, match="makes its features itself: push audio"):
        hearing.session(size=SIZE).push_features(rows)


def test_half_an_hour_of_loud_music_holds_no_more_memory_than_its_first_minute(tmp_path):
    hearing_plan(tmp_path / "hears.plan")
    session = talkrt.Engine(threads=1).load(tmp_path / "hears.plan").session(size=(16, 12), fps=1)
    at = np.arange(16000 * 10) / 16000
    music = np.clip(sum(2 * np.sin(2 * np.pi * f * at) for f in (55, 220.5, 331, 4400)), -1, 1)
    frames, held = 0, []
    for _ in range(180):
        piece = music.astype(np.float32)
        while len(piece):
            piece = piece[session.push_audio(piece) :]
            frames += sum(1 for _ in session.frames())
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
        held.append((session.stats.host_bytes, resident))
    session.finish_audio()
    frames += sum(1 for _ in session.frames())
    assert session.ended and frames == 1800
    assert {host_bytes for host_bytes, _ in held} == {held[0][0]}
    assert max(resident for _, resident in held[6:]) < held[6][1] + (4 << 20)
