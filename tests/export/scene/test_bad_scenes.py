# SPDX-License-Identifier: Apache-2.0
"""Scene files that are damaged or lie: one line that names the file, the field, what was found and
what was expected; and never memory for what is not there."""

from __future__ import annotations

import gzip
import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from talkrt.export.gaussian.scene.gather import gather
from talkrt.export.gaussian.scene.open_scene import open_scene
from talkrt.export.gaussian.scene.source import SceneError


def refused(path, *parts: str) -> str:
    with pytest.raises(SceneError) as error:
        gather(open_scene(path))
    text = str(error.value)
    assert text.startswith(str(path)), text
    assert "\n" not in text
    assert len(text) < 600
    for part in parts:
        assert part in text, f"{part!r} is not in {text!r}"
    return text


KINDS = ["binary_little_endian", "binary_big_endian", "ascii"]


def header(*lines: str) -> bytes:
    return "\n".join(["ply", "format binary_little_endian 1.0", *lines, "end_header", ""]).encode()


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", ["is empty"]),
        (b"ply\nformat ascii 1.0\nelement vertex 1\n", ["no end_header"]),
        (b"ply\r\n" + b"comment x\n" * 200_000, ["no end_header", "1048576"]),
        (b"ply x\nend_header\n", ["first line", "'ply x'"]),
        (b"ply\nend_header\n", ["no format line"]),
        (b"ply\nformat ascii 2.0\nend_header\n", ["line 2", "format ascii 2.0"]),
        (b"ply\nformat binary 1.0\nend_header\n", ["line 2", "format binary 1.0"]),
        (header("element vertex"), ["line 3", "element vertex"]),
        (header("element vertex -1"), ["line 3", "element vertex -1"]),
        (header("element vertex 1e6"), ["line 3", "element vertex 1e6"]),
        (header("element vertex " + "9" * 5000), ["line 3", "element vertex 999"]),
        (header("element vertex 1", "property float \x1b[31mred"), ["line 4", "\\x1b[31mred"]),
        (header("element " + "x" * 65 + " 1"), ["line 3"]),
        (header("property float x"), ["line 3", "property float x"]),
        (header("element vertex 1", "property half x"), ["line 4", "property half x"]),
        (header("element vertex 1", "property float"), ["line 4", "property float"]),
        (header("element vertex 1", *["property float x"] * 2), ["line 5", "property x twice"]),
        (header("element vertex 1", "element vertex 1"), ["an element twice"]),
        (header("element face 1"), ["elements", "face", "vertex"]),
        (header(), ["elements", "none", "vertex"]),
        (b"\x1f\x8b\x08\x00 no gzip after all", ["gzip", "damaged"]),
        (gzip.compress(b"short", mtime=0), [".spz header", "5 bytes"]),
        (gzip.compress(b"some other thing", mtime=0), ["gzip holds", "NGSP"]),
        (b"NGSP" + bytes(28), [".spz version 4"]),
        (b"PK\x03\x04" + bytes(60), ["zip"]),
        (b"\x28\xb5\x2f\xfd" + bytes(60), ["Zstandard"]),
        (bytes(33), ["33 bytes", "multiple of 32", "cut off"]),
        (b"a text of any kind, long enough. " * 32, ["no scale", "another format"]),
    ],
)
def test_files_that_are_no_scene_are_refused(write, data, parts):
    refused(write(data), *parts)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    refused(tmp_path / "none.ply", "no such file")
    refused(tmp_path, "is a folder")


def test_missing_properties_are_all_named(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    gone = ("y", "opacity", "rot_3")
    order = [name for name in splats.properties() if name not in gone]
    refused(write(ply_bytes(splats, order=order)), "vertex lacks y, opacity, rot_3")


def test_a_point_cloud_is_called_one(write):
    lines = [f"property float {axis}" for axis in "xyz"]
    lines += [f"property uchar {channel}" for channel in ("red", "green", "blue")]
    data = header("element vertex 2", *lines) + bytes(30)
    refused(write(data), "f_dc_0", "rot_3", "a point cloud or a mesh")


@pytest.mark.parametrize("count", [1, 8, 10, 44, 46, 72])
def test_a_count_of_f_rest_that_no_degree_has_is_refused(make_splats, ply_bytes, write, count):
    splats = make_splats(degree=0)
    extra = {f"f_rest_{i}": np.zeros(40) for i in range(count)}
    order = [*splats.properties(), *extra]
    refused(
        write(ply_bytes(splats, order=order, extra=extra)), f"{count} properties", "9, 24 or 45"
    )


def test_a_gap_in_f_rest_is_refused(make_splats, ply_bytes, write):
    splats = make_splats(degree=1)
    order = [name if name != "f_rest_4" else "f_rest_9" for name in splats.properties()]
    data = ply_bytes(splats, order=order, extra={"f_rest_9": np.zeros(40)})
    refused(write(data), "9 properties", "no f_rest_4")


def test_list_properties_of_vertices_are_refused(make_splats, ply_bytes, write):
    data = ply_bytes(make_splats(degree=0))
    needed = data.replace(b"property float opacity", b"property list uchar float opacity")
    refused(write(needed), "opacity", "a list")
    other = data.replace(b"property float nx", b"property list uchar float nx")
    refused(write(other), "nx", "a list")


def test_lists_before_the_vertices_of_a_binary_file_are_refused(make_splats, ply_bytes, write):
    face = b"element face 1\nproperty list uchar int v\nelement vertex"
    data = ply_bytes(make_splats(degree=0)).replace(b"element vertex", face, 1) + bytes(5)
    refused(write(data), "face", "lists", "vertex first")


def test_splats_on_a_mesh_are_refused(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    extra = {"binding_0": np.arange(40)}
    order = [*splats.properties(), "binding_0"]
    refused(write(ply_bytes(splats, order=order, extra=extra)), "binding_0", "mesh")


@pytest.mark.parametrize("kind", KINDS)
def test_counts_of_0_are_refused(make_splats, ply_bytes, write, kind):
    refused(write(ply_bytes(make_splats(count=0), kind)), "vertex is 0", "no splat")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [39, 41, 10_000, 16_777_216])
def test_counts_that_differ_from_the_data_are_refused(make_splats, ply_bytes, write, kind, count):
    path = write(ply_bytes(make_splats(degree=0), kind, count=count))
    tracemalloc.start()
    refused(path, "vertex")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [16_777_217, 2**31, 2**64, 10**17])
def test_counts_beyond_a_plan_are_refused(make_splats, ply_bytes, write, kind, count):
    parts = [str(count), "1 to 16777216"] if count < 10**18 else [f"element vertex {count}"]
    refused(write(ply_bytes(make_splats(degree=0), kind, count=count)), *parts)


@pytest.mark.parametrize("kind", ["binary_little_endian", "binary_big_endian"])
def test_every_cut_and_every_addition_is_noticed(make_splats, ply_bytes, write, kind):
    data = ply_bytes(make_splats(count=2, degree=0), kind)
    body = data.index(b"end_header\n") + len(b"end_header\n")
    assert len(data) - body == 136
    for size in range(body, len(data)):
        text = refused(write(data[:size]), "vertex 2", f"is {size - body} bytes long", "136 bytes")
        assert "expected 136" in text
    refused(write(data + b"\0"), "is 137 bytes long", "136 bytes")


@pytest.mark.parametrize("word", ["one", "1.2.3", "0x10", "1,5", "--1", "1e", "NULL", "1_0"])
def test_words_that_are_no_numbers_are_refused_by_row(make_splats, ply_bytes, write, word):
    head, body = ply_bytes(make_splats(degree=0), "ascii").split(b"end_header\n")
    lines = body.splitlines()
    words = lines[7].split()
    words[1] = word.encode()
    lines[7] = b" ".join(words)
    refused(write(head + b"end_header\n" + b"\n".join(lines)), "y in row 7", word, "a number")


def test_text_rows_of_the_wrong_length_are_refused(make_splats, ply_bytes, write):
    head, body = ply_bytes(make_splats(degree=0), "ascii").split(b"end_header\n")
    lines = body.splitlines()
    lines[3] += b" 1"
    lines[4] = lines[4].rsplit(b" ", 1)[0]  # the total stays what it was
    refused(write(head + b"end_header\n" + b"\n".join(lines)), "row 3", "18 values", "17 values")


def test_a_text_row_without_an_end_does_not_fill_the_memory(make_splats, ply_bytes, write):
    head, _ = ply_bytes(make_splats(degree=0), "ascii").split(b"end_header\n")
    path = write(head + b"end_header\n" + b"1 " * 4_000_000)
    tracemalloc.start()
    refused(path, "row 0", "1048576 bytes", "a line of numbers")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6


@pytest.mark.parametrize("kind", KINDS)
def test_a_quaternion_of_length_0_is_refused_by_its_index(make_splats, ply_bytes, write, kind):
    splats = make_splats(count=5000, degree=0)
    quats = splats.quats.copy()
    quats[4321] = 0
    refused(write(ply_bytes(splats.with_(quats=quats), kind)), "quaternion of splat 4321", "length")


def test_a_scene_with_no_usable_splat_is_refused(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    nothing = splats.with_(means=np.full((40, 3), math.nan, np.float32))
    refused(write(ply_bytes(nothing)), "none of its 40 splats", "40 are NaN")


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (b"element chunk 2", b"element chunk 1", ["count of element chunk is 1", "2: one"]),
        (b"element chunk 2", b"element chunk 3", ["count of element chunk is 3"]),
        (b"element chunk 2", b"element chank 2", ["no element chunk"]),
        (b"float min_y", b"float mid_y", ["min_y of chunk", "absent"]),
        (b"float max_scale_z", b"int max_scale_z", ["max_scale_z of chunk", "i4", "f4"]),
        (b"float max_g", b"float mxx_g", ["max_g of chunk", "absent"]),
        (b"uint packed_scale", b"float packed_scale", ["packed_scale of vertex", "f4", "u4"]),
        (b"uint packed_color", b"uint packed_colour", ["packed_color of vertex", "absent"]),
        (b"element vertex 300", b"element vertex 0", ["vertex is 0"]),
        (b"element sh 300", b"element sh 299", ["element sh is 299", "300"]),
        (b"uchar f_rest_3", b"char f_rest_3", ["f_rest_3 of sh", "i1", "u1"]),
        (b"property uchar f_rest_8\n", b"", ["8 properties"]),
        (b"binary_little_endian", b"ascii", ["ascii"]),
        (b"comment synthetic", b"element more 9\nproperty int a", ["more 9", "7680 bytes"]),
    ],
)
def test_packed_ply_that_contradicts_itself_is_refused(
    make_splats, packed_ply_bytes, write, old, new, parts
):
    data = packed_ply_bytes(make_splats(count=300, degree=1))
    assert old in data
    refused(write(data.replace(old, new, 1)), *parts)


def test_splat_files_with_a_negative_scale_are_refused_by_index(make_splats, splat_bytes, write):
    data = bytearray(splat_bytes(make_splats(count=2000, degree=0)))
    struct.pack_into("<f", data, 32 * 1500 + 16, -0.25)
    refused(write(bytes(data)), "scale of splat 1500", "-0.25", "0 or more")


def test_splats_that_are_not_finite_in_a_splat_file_are_dropped(make_splats, splat_bytes, write):
    data = bytearray(splat_bytes(make_splats(count=20, degree=0)))
    struct.pack_into("<f", data, 32 * 3, math.nan)
    struct.pack_into("<f", data, 32 * 4 + 12, math.inf)
    scene = gather(open_scene(write(bytes(data))))
    assert (scene.count, scene.not_finite) == (18, 2)


@pytest.mark.parametrize(
    ("at", "value", "parts"),
    [
        (4, 1, ["version is 1", "2 or 3"]),
        (4, 4, ["version is 4", "2 or 3"]),
        (8, 0, ["number of splats is 0"]),
        (8, 41, ["41 splats", "bytes long"]),
        (8, 39, ["39 splats", "over"]),
        (12, 4, ["SH degree is 4", "0 to 3"]),
        (12, 2, ["bytes long"]),
        (13, 24, ["fraction bits", "24"]),
        (14, 2, ["extensions"]),
    ],
)
def test_spz_headers_that_lie_are_refused(make_splats, spz_body, write, at, value, parts):
    body = bytearray(spz_body(make_splats(degree=1)))
    body[at] = value
    refused(write(gzip.compress(bytes(body))), *parts)


def test_a_small_spz_that_claims_much_takes_no_memory(make_splats, spz_bytes, write):
    path = write(spz_bytes(make_splats(degree=3), count=16_000_000))
    tracemalloc.start()
    refused(path, "16000000 splats", "bytes long")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_damaged_and_cut_gzip_is_refused(make_splats, spz_bytes, write):
    data = spz_bytes(make_splats(count=300))
    refused(write(data[: len(data) // 2]), "gzip", "cut off")
    refused(write(data[:-4]), "gzip")
    middle = len(data) // 2
    refused(write(data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]), "gzip")


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_file_gives_a_scene_or_one_line(
    make_splats, ply_bytes, packed_ply_bytes, splat_bytes, spz_body, write, data
):
    splats = make_splats(count=5, degree=1)
    whole = {
        "little": lambda: ply_bytes(splats),
        "big": lambda: ply_bytes(splats, "binary_big_endian"),
        "text": lambda: ply_bytes(splats, "ascii"),
        "packed": lambda: packed_ply_bytes(splats),
        "splat": lambda: splat_bytes(splats),
        "spz": lambda: spz_body(splats),
    }
    kind = data.draw(st.sampled_from(sorted(whole)))
    mutant = bytearray(whole[kind]())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(mutant) - 1)))
        change = data.draw(st.sampled_from(["flip", "cut", "insert", "digit", "swap"]))
        if change == "cut":
            del mutant[at : at + data.draw(st.integers(1, 40))]
        elif change == "insert":
            mutant[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        elif change == "digit":
            mutant[at : at + 1] = data.draw(st.sampled_from([b"9", b"-", b" ", b"\n", b"0"]))
        elif change == "swap" and mutant:
            other = data.draw(st.integers(0, len(mutant) - 1))
            mutant[at], mutant[other] = mutant[other], mutant[at]
        elif mutant:
            mutant[at] ^= data.draw(st.integers(1, 255))
    content = bytes(mutant)
    path = write(gzip.compress(content, 1) if kind == "spz" else content)
    try:
        scene = gather(open_scene(path))
    except SceneError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)
    else:
        assert scene.count > 0
        assert all(np.isfinite(tensor).all() for tensor in scene.tensors().values())
        assert np.abs(np.linalg.norm(scene.quats.astype(float), axis=1) - 1).max() < 1e-5
        assert ((scene.opacities >= 0) & (scene.opacities <= 1)).all()
        assert (scene.scales >= 0).all()
