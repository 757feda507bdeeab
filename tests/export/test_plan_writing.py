# SPDX-License-Identifier: Apache-2.0
"""write_plan and read_plan: what they write is the same every time, or nothing."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from talkrt.export.plan import PlanError, read_plan, write_plan

DATA = Path(__file__).resolve().parents[1] / "data"
MANIFEST = {"format": "talkrt.plan", "format_version": 1, "model": "vasa1", "name": "é"}
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float16", "float32")


def arrays():
    return {f"x/{dtype}": np.arange(6).reshape(2, 3).astype(dtype) for dtype in DTYPES}


def test_what_is_written_is_read(tmp_path):
    tensors = arrays() | {
        "x/empty": np.zeros((0, 3), np.float32),
        "x/scalar": np.array(2, np.float32),
    }
    write_plan(tmp_path / "a.plan", MANIFEST, tensors)
    manifest, read = read_plan(tmp_path / "a.plan")
    assert manifest == MANIFEST
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert read[name].shape == tensor.shape
        np.testing.assert_array_equal(read[name], tensor)


def test_equal_input_gives_identical_bytes_whatever_its_order(tmp_path):
    tensors = arrays()
    write_plan(tmp_path / "a.plan", MANIFEST, tensors)
    write_plan(
        tmp_path / "b.plan",
        dict(reversed(MANIFEST.items())),
        dict(reversed(tensors.items())),
    )
    assert (tmp_path / "a.plan").read_bytes() == (tmp_path / "b.plan").read_bytes()


def test_strided_views_are_written_by_value(tmp_path):
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    views = {"t": base.T, "s": base[::2, ::-1], "b": base.astype(">f4").astype("<f4")}
    write_plan(tmp_path / "a.plan", MANIFEST, views)
    for name, tensor in read_plan(tmp_path / "a.plan")[1].items():
        np.testing.assert_array_equal(tensor, views[name])


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("../x", np.zeros(1, np.uint8), "'../x' is no tensor name"),
        ("/x", np.zeros(1, np.uint8), "'/x' is no tensor name"),
        ("a//x", np.zeros(1, np.uint8), "no tensor name"),
        ("x y", np.zeros(1, np.uint8), "no tensor name"),
        ("x\n", np.zeros(1, np.uint8), "no tensor name"),
        ("", np.zeros(1, np.uint8), "no tensor name"),
        ("é", np.zeros(1, np.uint8), "no tensor name"),
        ("x" * 256, np.zeros(1, np.uint8), "no tensor name"),
        ("x", np.zeros(1, np.float64), "is float64, expected U8"),
        ("x", np.zeros(1, np.bool_), "is bool"),
        ("x", np.zeros(1, ">f4"), "is >f4"),
        ("x", np.zeros((1,) * 9, np.uint8), "is 9 dimensions, expected at most 8"),
        ("x", np.array([[0, 1], [np.inf, 0]], np.float32), r"'x'\[2\] is NaN or infinite"),
        ("x", np.array([0, np.nan], np.float16), r"'x'\[1\] is NaN or infinite"),
    ],
)
def test_a_bad_tensor_is_refused_by_name(tmp_path, name, tensor, message):
    with pytest.raises(PlanError, match=message):
        write_plan(tmp_path / "a.plan", MANIFEST, {name: tensor})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "gguf"}, "format is 'gguf', expected 'talkrt.plan'"),
        ({"format_version": 2}, "format_version is 2, expected 1"),
        ({"model": "nerf"}, "model is 'nerf', expected one of gaussian"),
        ({"name": ""}, "name is '', expected 1 to 64"),
        ({"name": "x" * 65}, "expected 1 to 64"),
        ({"floor": float("nan")}, "the manifest is not JSON"),
        ({"array": np.zeros(1)}, "the manifest is not JSON"),
    ],
)
def test_a_bad_manifest_is_refused_by_field(tmp_path, change, message):
    with pytest.raises(PlanError, match=message):
        write_plan(tmp_path / "a.plan", MANIFEST | change, {})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.plan"
    write_plan(path, MANIFEST, {})
    old = path.read_bytes()

    def full_disk(_self, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(PlanError, match=r"a\.plan: cannot be written: .*No space left"):
        write_plan(path, MANIFEST, arrays())
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(PlanError, match=r"nowhere/a\.plan: cannot be written: No such file"):
        write_plan(tmp_path / "nowhere/a.plan", MANIFEST, {})


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    old = os.umask(0o027)
    try:
        write_plan(tmp_path / "a.plan", MANIFEST, {})
    finally:
        os.umask(old)
    assert (tmp_path / "a.plan").stat().st_mode & 0o777 == 0o640


def test_a_header_that_no_reader_would_take_is_refused(tmp_path):
    with pytest.raises(PlanError, match=r"header is .* bytes long, expected at most 16777216"):
        write_plan(tmp_path / "a.plan", MANIFEST | {"extension": "x" * (16 << 20)}, {})
    assert list(tmp_path.iterdir()) == []


def test_too_many_tensors_are_refused(tmp_path):
    one = np.zeros(0, np.uint8)
    with pytest.raises(PlanError, match="number of tensors is 65537"):
        write_plan(tmp_path / "a.plan", MANIFEST, {f"x{i}": one for i in range(65_537)})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PlanError, match=r"none\.plan: no such plan file"):
        read_plan(tmp_path / "none.plan")
    with pytest.raises(PlanError, match="no such plan file"):
        read_plan(tmp_path)


def test_other_files_are_no_plans(tmp_path):
    text, weights = tmp_path / "text", tmp_path / "weights"
    text.write_text("once upon a time")
    with pytest.raises(PlanError, match="not a safetensors file"):
        read_plan(text)
    save_file({"x": np.zeros(1, np.float32)}, weights)
    with pytest.raises(PlanError, match=r"talkrt\.plan is absent"):
        read_plan(weights)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the manifest is not JSON"),
        ('{"a":1,"a":2}', "repeats a key"),
        ('{"a":NaN}', "NaN is no JSON number"),
        ("[" * 100_000, "the manifest is not JSON"),
        ("[]", "the manifest is list, expected an object"),
        ("{}", "manifest format is None"),
    ],
)
def test_a_manifest_must_be_json(tmp_path, text, message):
    save_file({}, tmp_path / "a.plan", metadata={"talkrt.plan": text})
    with pytest.raises(PlanError, match=message):
        read_plan(tmp_path / "a.plan")


def test_nan_in_a_file_is_refused_by_name(tmp_path):
    header = {
        "__metadata__": {"talkrt.plan": json.dumps(MANIFEST)},
        "x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    }
    text = json.dumps(header).encode()
    data = struct.pack("<2f", 0, float("nan"))
    (tmp_path / "a.plan").write_bytes(struct.pack("<Q", len(text)) + text + data)
    with pytest.raises(PlanError, match=r"'x'\[1\] is NaN"):
        read_plan(tmp_path / "a.plan")


@pytest.mark.parametrize("path", sorted((DATA / "hostile").glob("*.plan")), ids=lambda p: p.stem)
def test_hostile_files_raise_nothing_but_plan_errors(path):
    # What this reader lets pass, the runtime's refuses: it checks only what an exporter gets wrong.
    try:
        manifest, _ = read_plan(path)
    except PlanError as error:
        assert str(error).startswith(str(path))
    else:
        assert manifest["format"] == "talkrt.plan"
