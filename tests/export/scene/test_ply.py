# SPDX-License-Identifier: Apache-2.0
"""Every .ply that 3DGS tools write gives the splats that are in it, whatever its looks."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from talkrt.export.gaussian.scene.gather import Scene, gather
from talkrt.export.gaussian.scene.open_scene import open_scene
from talkrt.export.gaussian.scene.source import Source


def file_order(source: Source):
    """All blocks, one after another."""
    blocks = list(source.blocks())
    names = ("means", "quats", "scales", "opacities", "sh")
    return {name: np.concatenate([getattr(block, name) for block in blocks]) for name in names}


def assert_holds(read, splats, atol: float = 0.0) -> None:
    """What training would compute from `splats`, by plain float64 arithmetic."""
    rtol = 2e-7  # a float32
    wide = {k: getattr(splats, k).astype(np.float64) for k in ("log_scales", "logits")}
    np.testing.assert_allclose(read["means"], splats.means, rtol, atol)
    np.testing.assert_allclose(read["quats"], splats.quats, rtol, atol)
    np.testing.assert_allclose(read["scales"], np.exp(wide["log_scales"]), rtol)
    np.testing.assert_allclose(read["opacities"], 1 / (1 + np.exp(-wide["logits"])), rtol)
    np.testing.assert_allclose(read["sh"][:, 0], splats.dc, rtol, atol)
    np.testing.assert_allclose(read["sh"][:, 1:], splats.rest, rtol, atol)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["binary_little_endian", "binary_big_endian", "ascii"])
def test_every_degree_and_encoding_is_read(make_splats, ply_bytes, write, kind, degree):
    splats = make_splats(degree=degree)
    source = open_scene(write(ply_bytes(splats, kind)))
    assert (source.count, source.sh_degree) == (40, degree)
    assert_holds(file_order(source), splats)


def test_properties_are_found_by_name_in_any_order(make_splats, ply_bytes, write):
    splats = make_splats()
    order = list(splats.properties())
    random.Random(3).shuffle(order)
    assert_holds(file_order(open_scene(write(ply_bytes(splats, order=order)))), splats)


def test_f_rest_is_ordered_by_number_and_not_as_text(make_splats, ply_bytes, write):
    splats = make_splats()
    order = sorted(splats.properties())  # f_rest_10 before f_rest_2
    assert order.index("f_rest_10") < order.index("f_rest_2")
    assert_holds(file_order(open_scene(write(ply_bytes(splats, order=order)))), splats)


@pytest.mark.parametrize("kind", ["binary_little_endian", "binary_big_endian", "ascii"])
def test_other_types_of_numbers_are_read(make_splats, ply_bytes, write, kind):
    splats = make_splats(degree=1)
    whole = np.arange(40) % 7
    splats = splats.with_(dc=np.stack([whole - 3, whole, whole * 30], 1).astype(np.float32))
    types = {"f_dc_0": "char", "f_dc_1": "uint8", "f_dc_2": "short", "nx": "uint", "ny": "ushort"}
    types |= {"x": "double", "scale_1": "float64", "rot_0": "float32"}
    source = open_scene(write(ply_bytes(splats, kind, types=types)))
    assert_holds(file_order(source), splats)


def test_doubles_keep_what_float32_can_hold(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    means = splats.means.astype(np.float64) + 1e-9
    types = dict.fromkeys(splats.properties(), "double")
    read = file_order(open_scene(write(ply_bytes(splats.with_(means=means), types=types))))
    np.testing.assert_array_equal(read["means"], means.astype(np.float32))


@pytest.mark.parametrize("kind", ["binary_little_endian", "ascii"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_comments_and_line_ends_of_any_kind_are_skipped(
    make_splats, ply_bytes, write, kind, newline
):
    splats = make_splats(degree=0)
    comments = ["made by hand", "end_header", "élan vital", ""]
    data = ply_bytes(splats, kind, comments=comments, newline=newline)
    assert_holds(file_order(open_scene(write(data))), splats)


def test_data_that_contains_end_header_does_not_move_its_start(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    words = np.frombuffer(b"\nend_header\n", "<f4")
    means = splats.means.copy()
    means[7] = words
    splats = splats.with_(means=means)
    assert b"\nend_header\n" in ply_bytes(splats).split(b"end_header\n", 1)[1]
    assert_holds(file_order(open_scene(write(ply_bytes(splats)))), splats)


def test_normals_may_be_absent_and_unknown_properties_are_named(make_splats, ply_bytes, write):
    splats = make_splats(degree=1)
    order = [name for name in splats.properties() if name not in ("nx", "ny", "nz")]
    extra = {"segment": np.arange(40), "confidence": np.ones(40)}
    order = ["segment", *order, "confidence"]
    data = ply_bytes(splats, order=order, extra=extra, types={"segment": "ushort"})
    source = open_scene(write(data))
    assert_holds(file_order(source), splats)
    assert any("segment, confidence" in note for note in source.notes)


@pytest.mark.parametrize("kind", ["binary_little_endian", "binary_big_endian", "ascii"])
def test_elements_before_and_after_the_vertices_are_skipped(make_splats, ply_bytes, write, kind):
    splats = make_splats(degree=1)
    data = ply_bytes(
        splats,
        kind,
        before=[("camera", "double", [1.5, 2.5, 3.5]), ("empty", "int", [])],
        after=[("tag", "uchar", range(9))],
    )
    source = open_scene(write(data))
    assert_holds(file_order(source), splats)
    assert any("camera, empty, tag" in note for note in source.notes)


def test_faces_after_the_vertices_are_skipped(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    face = b"element face 2\nproperty list uchar int vertex_indices\nend_header\n"
    data = ply_bytes(splats).replace(b"end_header\n", face, 1)
    data += 2 * (b"\x03" + bytes(12))
    assert_holds(file_order(open_scene(write(data))), splats)


def test_a_text_file_may_have_blank_lines_and_no_newline_at_its_end(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    head, body = ply_bytes(splats, "ascii").split(b"end_header\n")
    body = b"\n".join(b"\n  " + line + b"\t" for line in body.splitlines())
    assert not body.endswith(b"\n")
    assert_holds(file_order(open_scene(write(head + b"end_header\n" + body))), splats)


def test_more_splats_than_a_block_holds_are_read(make_splats, ply_bytes, write):
    splats = make_splats(count=11_000, degree=1)
    source = open_scene(write(ply_bytes(splats)))
    assert len(list(source.blocks())) > 1
    assert_holds(file_order(source), splats)
    text = open_scene(write(ply_bytes(splats, "ascii")))
    assert len(list(text.blocks())) > 1
    assert_holds(file_order(text), splats)


def test_infinite_logits_and_logarithms_that_mean_0_or_1_are_kept(make_splats, ply_bytes, write):
    # Converters write the logit of an opacity of 255 and the logarithm of a scale of 0 so.
    splats = make_splats(degree=0)
    logits, log_scales = splats.logits.copy(), splats.log_scales.copy()
    logits[3], logits[4], log_scales[5] = math.inf, -math.inf, -math.inf
    data = ply_bytes(splats.with_(logits=logits, log_scales=log_scales))
    source = open_scene(write(data))
    read = file_order(source)
    assert (read["opacities"][3], read["opacities"][4]) == (1, 0)
    assert (read["scales"][5] == 0).all()
    scene = gather(source)
    assert (scene.count, scene.not_finite) == (40, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["x", "rot_2", "f_dc_1", "f_rest_44"])
def test_splats_that_are_not_finite_are_dropped_and_counted(
    make_splats, ply_bytes, write, name, value
):
    splats = make_splats()
    columns = splats.properties()
    columns[name] = columns[name].copy()
    columns[name][[2, 39]] = value
    source = open_scene(write(ply_bytes(splats, extra=columns)))
    scene = gather(source)
    assert (scene.count, scene.not_finite, scene.beyond) == (38, 2, 0)
    assert all(np.isfinite(tensor).all() for tensor in scene.tensors().values())
    kept = {tuple(mean) for mean in scene.means}
    expected = {tuple(mean) for i, mean in enumerate(splats.means) if i not in (2, 39)}
    assert kept == expected


@pytest.mark.parametrize(
    ("name", "value", "not_finite", "beyond"),
    [
        ("opacity", math.nan, 1, 0),
        ("scale_1", math.nan, 1, 0),
        ("scale_1", math.inf, 1, 0),
        ("scale_1", 1e3, 1, 0),  # overflows a float
        ("scale_1", 20.0, 0, 1),  # 4.9e8
        ("scale_1", -1e3, 0, 0),  # is 0
        ("z", 1.1e6, 0, 1),
        ("z", 0.9e6, 0, 0),
        ("f_dc_0", -1001.0, 0, 1),
        ("opacity", 1e30, 0, 0),  # is 1
    ],
)
def test_limits_of_a_plan_are_applied_splat_by_splat(
    make_splats, ply_bytes, write, name, value, not_finite, beyond
):
    splats = make_splats(degree=0)
    columns = splats.properties()
    columns[name] = columns[name].copy()
    columns[name][11] = value
    scene = gather(open_scene(write(ply_bytes(splats, extra=columns))))
    assert (scene.not_finite, scene.beyond) == (not_finite, beyond)
    assert scene.count == 40 - not_finite - beyond


def test_doubles_that_float32_cannot_hold_are_dropped(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    means = splats.means.astype(np.float64)
    means[5, 1] = 1e300
    scene = gather(open_scene(write(ply_bytes(splats.with_(means=means), types={"y": "double"}))))
    assert (scene.count, scene.not_finite) == (39, 1)


def test_quaternions_of_any_length_become_unit_ones(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    lengths = np.geomspace(1e-30, 1e30, 40)[:, None]
    quats = (splats.quats * lengths).astype(np.float32)
    scene = gather(open_scene(write(ply_bytes(splats.with_(quats=quats)))))
    units = splats.quats / np.linalg.norm(splats.quats.astype(float), axis=1, keepdims=True)
    place = {tuple(mean): quat for mean, quat in zip(splats.means, units, strict=True)}
    for mean, quat in zip(scene.means, scene.quats, strict=True):
        np.testing.assert_allclose(quat, place[tuple(mean)], atol=2e-7)


def test_a_lower_degree_keeps_the_first_coefficients(make_splats, ply_bytes, write):
    splats = make_splats()
    path = write(ply_bytes(splats))
    whole = gather(open_scene(path))
    for degree in range(4):
        cut: Scene = gather(open_scene(path), degree)
        assert cut.sh_degree == degree
        np.testing.assert_array_equal(cut.sh, whole.sh[:, : (degree + 1) ** 2])


def test_the_filter_of_mip_splatting_is_applied(make_splats, ply_bytes, write):
    splats = make_splats(degree=0)
    filters = np.linspace(0, 0.2, 40).astype(np.float32)
    order = [*splats.properties(), "filter_3D"]
    source = open_scene(write(ply_bytes(splats, order=order, extra={"filter_3D": filters})))
    read = file_order(source)
    assert source.notes == ()
    for i in range(40):
        plain = [math.exp(s) for s in splats.log_scales[i].tolist()]
        wide = [math.hypot(s, float(filters[i])) for s in plain]
        faint = math.prod(plain) / math.prod(wide) / (1 + math.exp(-splats.logits[i]))
        np.testing.assert_allclose(read["scales"][i], wide, rtol=2e-7)
        np.testing.assert_allclose(read["opacities"][i], faint, rtol=4e-7)


def test_the_softplus_dialect_that_looks_the_same_is_warned_of(make_splats, ply_bytes, write):
    notes = open_scene(write(ply_bytes(make_splats(degree=2)))).notes
    assert any("TalkingGaussian" in note for note in notes)
    assert open_scene(write(ply_bytes(make_splats(degree=3)))).notes == ()
