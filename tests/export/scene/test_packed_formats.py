# SPDX-License-Identifier: Apache-2.0
"""Packed .ply, .splat and .spz give what their bytes stand for: against a decoder that is written
here, one splat and one bit field at a time, and against the splats that were packed."""

from __future__ import annotations

import gzip
import math
import struct

import numpy as np
import pytest
from talkrt.export.gaussian.scene.gather import gather
from talkrt.export.gaussian.scene.open_scene import open_scene

C0 = 0.28209479177387814
NAMES = ("means", "quats", "scales", "opacities", "sh")


def decoded(path):
    source = open_scene(path)
    blocks = list(source.blocks())
    return source, {name: np.concatenate([getattr(b, name) for b in blocks]) for name in NAMES}


def assert_equal(read, expected) -> None:
    for name in NAMES:
        np.testing.assert_allclose(read[name], np.array(expected[name]), rtol=1e-6, atol=1e-6)


def assert_same_rotations(quats, expected, atol) -> None:
    a = quats / np.linalg.norm(quats, axis=1, keepdims=True)
    b = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    apart = np.minimum(np.abs(a - b).max(axis=1), np.abs(a + b).max(axis=1))
    assert apart.max() <= atol


def unpack_ply(data: bytes):
    """By the description of the format: struct, shifts and plain floats."""
    header, body = data.split(b"end_header\n", 1)
    lines = header.decode().splitlines()
    counts = {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("element")}
    colored = any(line.endswith(" min_r") for line in lines)
    per_splat = sum("uchar" in line for line in lines)
    n, size = counts["vertex"], 72 if colored else 48
    out = {name: [] for name in NAMES}
    for i in range(n):
        bounds = struct.unpack_from("<18f" if colored else "<12f", body, i // 256 * size)
        at = counts["chunk"] * size + 16 * i
        position, rotation, scale, color = struct.unpack_from("<4I", body, at)

        def field(word: int, shift: int, bits: int) -> float:
            return (word >> shift & (1 << bits) - 1) / ((1 << bits) - 1)

        def mix(share: float, k: int, bounds=bounds) -> float:
            low, high = bounds[6 * (k // 3) + k % 3], bounds[6 * (k // 3) + 3 + k % 3]
            return low + (high - low) * share

        places = ((21, 11), (11, 10), (0, 11))
        out["means"].append([mix(field(position, *places[k]), k) for k in range(3)])
        out["scales"].append([math.exp(mix(field(scale, *places[k]), 3 + k)) for k in range(3)])
        rest = [(field(rotation, shift, 10) - 0.5) * math.sqrt(2) for shift in (20, 10, 0)]
        rest.insert(rotation >> 30, math.sqrt(max(0.0, 1 - sum(c * c for c in rest))))
        out["quats"].append(rest)
        shares = [field(color, shift, 8) for shift in (24, 16, 8, 0)]
        rgb = [mix(shares[k], 6 + k) if colored else shares[k] for k in range(3)]
        out["opacities"].append(shares[3])
        sh = [[(c - 0.5) / C0 for c in rgb]]
        at = counts["chunk"] * size + 16 * n + per_splat * i
        values = [
            (0 if b == 0 else 1 if b == 255 else (b + 0.5) / 256) * 8 - 4
            for b in body[at : at + per_splat]
        ]
        each = per_splat // 3
        sh += [[values[each * channel + k] for channel in range(3)] for k in range(each)]
        out["sh"].append(sh)
    return out


@pytest.mark.parametrize("colored", [True, False])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_a_packed_ply_is_decoded_as_its_format_says(
    make_splats, packed_ply_bytes, write, degree, colored
):
    data = packed_ply_bytes(make_splats(count=600, degree=degree), colored=colored)
    source, read = decoded(write(data))
    assert (source.count, source.sh_degree) == (600, degree)
    assert_equal(read, unpack_ply(data))


def test_packing_and_unpacking_loses_only_the_quantisation(make_splats, packed_ply_bytes, write):
    splats = make_splats(count=9000, degree=2)  # more than a block
    _, read = decoded(write(packed_ply_bytes(splats)))
    reach = np.ptp(splats.means, axis=0)
    np.testing.assert_allclose(read["means"], splats.means, atol=reach.max() / 1023 / 2 * 1.01)
    logs = np.log(read["scales"])
    step = np.ptp(splats.log_scales, axis=0).max() / 1023 / 2
    np.testing.assert_allclose(logs, splats.log_scales, atol=step * 1.01)
    assert_same_rotations(read["quats"], splats.quats.astype(float), 3e-3)
    step = np.ptp(splats.dc, axis=0).max() / 255 / 2
    np.testing.assert_allclose(read["sh"][:, 0], splats.dc, atol=step * 1.01)
    np.testing.assert_allclose(read["sh"][:, 1:], splats.rest, atol=8 / 256 / 2 * 1.01)


def test_each_part_of_a_packed_rotation_may_be_the_largest(make_splats, packed_ply_bytes, write):
    splats = make_splats(count=4, degree=0)
    quats = np.eye(4, dtype=np.float32) * [[1], [-1], [1], [-1]] + 0.1
    _, read = decoded(write(packed_ply_bytes(splats.with_(quats=quats.astype(np.float32)))))
    assert_same_rotations(read["quats"], quats, 2e-3)


def test_a_splat_file_is_decoded_as_its_format_says(make_splats, splat_bytes, write):
    splats = make_splats(count=500, degree=0)
    data = splat_bytes(splats)
    source, read = decoded(write(data, "named.ply"))  # the name must not matter
    assert (source.count, source.sh_degree, source.format) == (500, 0, ".splat")
    expected = {name: [] for name in NAMES}
    for i in range(500):
        numbers = struct.unpack_from("<6f", data, 32 * i)
        rgba, quat = data[32 * i + 24 : 32 * i + 28], data[32 * i + 28 : 32 * i + 32]
        expected["means"].append(numbers[:3])
        expected["scales"].append(numbers[3:])
        expected["opacities"].append(rgba[3] / 255)
        expected["sh"].append([[(c / 255 - 0.5) / C0 for c in rgba[:3]]])
        expected["quats"].append([(c - 128) / 128 for c in quat])
    assert_equal(read, expected)
    assert_same_rotations(read["quats"], splats.quats.astype(float), 1.5e-2)
    np.testing.assert_array_equal(read["means"], splats.means)


def unpack_spz(body: bytes, version: int):
    n, degree, fraction = *struct.unpack_from("<I", body, 8), body[12], body[13]
    each = 3 * ((degree + 1) ** 2 - 1)
    at = 16
    parts = []
    for size in (9, 1, 3, 3, 3 if version == 2 else 4, each):
        parts.append([body[at + size * i : at + size * (i + 1)] for i in range(n)])
        at += size * n
    assert at == len(body)
    out = {name: [] for name in NAMES}
    for mean, alpha, color, scale, quat, sh in zip(*parts, strict=True):
        xyz = [int.from_bytes(mean[k : k + 3], "little", signed=True) for k in (0, 3, 6)]
        out["means"].append([c / 2**fraction for c in xyz])
        out["opacities"].append(alpha[0] / 255)
        out["scales"].append([math.exp(c / 16 - 10) for c in scale])
        if version == 2:
            q = [c / 127.5 - 1 for c in quat]
            out["quats"].append([math.sqrt(max(0, 1 - sum(c * c for c in q))), *q])
        else:
            word = int.from_bytes(quat, "little")
            fields = [word >> shift & 1023 for shift in (20, 10, 0)]
            q = [(-1 if f & 512 else 1) * (f & 511) / 511 * math.sqrt(0.5) for f in fields]
            q.insert(word >> 30, math.sqrt(max(0, 1 - sum(c * c for c in q))))
            out["quats"].append([q[3], *q[:3]])
        coefficients = [[(c / 255 - 0.5) / 0.15 for c in color]]
        values = [(c - 128) / 128 for c in sh]
        out["sh"].append(coefficients + [values[k : k + 3] for k in range(0, each, 3)])
    return out


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_an_spz_file_is_decoded_as_its_format_says(make_splats, spz_body, write, degree, version):
    body = spz_body(make_splats(count=300, degree=degree), version, flags=degree & 1)
    source, read = decoded(write(gzip.compress(body)))
    assert (source.count, source.sh_degree, source.up) == (300, degree, "y")
    assert source.antialias == bool(degree & 1)
    assert_equal(read, unpack_spz(body, version))


@pytest.mark.parametrize("version", [2, 3])
def test_spz_loses_only_the_quantisation(make_splats, spz_bytes, write, version):
    splats = make_splats(count=9000, degree=1)
    splats = splats.with_(means=splats.means * 100, dc=splats.dc * np.float32(0.5))
    _, read = decoded(write(spz_bytes(splats, version, fraction=11)))
    np.testing.assert_allclose(read["means"], splats.means, atol=0.51 / 2**11)
    np.testing.assert_allclose(np.log(read["scales"]), splats.log_scales, atol=0.51 / 16)
    assert_same_rotations(read["quats"], splats.quats.astype(float), 3e-3 if version == 3 else 0.12)
    np.testing.assert_allclose(read["sh"][:, 0], splats.dc, atol=0.51 / 255 / 0.15)
    np.testing.assert_allclose(read["sh"][:, 1:], splats.rest, atol=0.51 / 128)


def test_three_spz_parts_longer_than_a_quaternion_still_give_a_rotation(
    make_splats, spz_body, write
):
    body = bytearray(spz_body(make_splats(count=2, degree=0)))
    body[-8:] = bytes([255] * 8)  # all parts as large as they can be
    scene = gather(open_scene(write(gzip.compress(bytes(body)))))
    np.testing.assert_allclose(np.linalg.norm(scene.quats, axis=1), 1, atol=1e-6)


def test_the_same_splats_look_alike_in_every_format(
    make_splats, ply_bytes, packed_ply_bytes, splat_bytes, spz_bytes, write
):
    """Axes and their order are the same everywhere: the formats agree within their steps."""
    splats = make_splats(count=200, degree=0, seed=5)
    splats = splats.with_(dc=np.clip(splats.dc, -1.5, 1.5))  # .splat clips to 0 to 1
    _, plain = decoded(write(ply_bytes(splats), "plain"))
    for other in (packed_ply_bytes(splats), splat_bytes(splats), spz_bytes(splats)):
        _, read = decoded(write(other, "other"))
        np.testing.assert_allclose(read["means"], plain["means"], atol=5e-3)
        np.testing.assert_allclose(np.log(read["scales"]), np.log(plain["scales"]), atol=5e-2)
        np.testing.assert_allclose(read["opacities"], plain["opacities"], atol=5e-3)
        np.testing.assert_allclose(read["sh"], plain["sh"], atol=2e-2)
        assert_same_rotations(read["quats"], plain["quats"].astype(float), 2e-2)
