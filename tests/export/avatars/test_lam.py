# SPDX-License-Identifier: Apache-2.0
"""Heads in the layout of LAM's export, made by the example script."""

from __future__ import annotations

import importlib.util
import json
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export extra is not installed")
from scipy.spatial import cKDTree
from talkrt.export.gaussian.cloud import SH_C0
from talkrt.export.gaussian.lam.convert import read_lam
from talkrt.export.gaussian.reference import pose

SCRIPT = Path(__file__).parents[3] / "examples/python/lam_avatar.py"
spec = importlib.util.spec_from_file_location("lam_avatar", SCRIPT)
lam_avatar = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lam_avatar)
COUNT = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("lam") / "puppet"
    lam_avatar.write_lam(path, COUNT)
    return path


@pytest.fixture(scope="module")
def puppet(folder):
    """The avatar; which vertex each Gaussian sits at; what was drawn, in the head's frame."""
    points, colors, _, parts = lam_avatar.puppet(COUNT)
    avatar = read_lam(folder)
    origin = points.mean(axis=0) - avatar.cloud.means.mean(axis=0)
    far, at = cKDTree(points - origin).query(avatar.cloud.means)
    assert far.max() < 1e-6 and len(set(at)) == len(points)
    return avatar, at, points, colors, parts, origin


def posed(avatar, **channels):
    return pose(avatar.cloud, avatar.rig, channels).means


def test_gaussians_sit_at_their_vertices_with_the_colors_of_the_file(puppet):
    avatar, at, _, colors, _, origin = puppet
    eyes = sum(lam_avatar.EYES.values()) / 2
    np.testing.assert_allclose(origin, eyes, atol=0.002)  # the head's frame begins between the eyes
    found = avatar.cloud.sh[:, 0] * SH_C0 + 0.5
    np.testing.assert_allclose(found, colors.clip(0, 1)[at], atol=1e-6)


@pytest.mark.parametrize("name", ["jawOpen", "eyeBlinkLeft", "mouthSmileRight"])
def test_a_blendshape_moves_the_middles_of_gaussians(puppet, name):
    avatar, at, points, _, parts, _ = puppet
    expected = lam_avatar.shape(name, points, parts)[at]
    assert np.abs(expected).max() > 0.005
    found = posed(avatar, **{name: 1.0}) - posed(avatar)
    np.testing.assert_allclose(found, expected, atol=1.1e-4)  # what bake calls invisible
    still = pose(avatar.cloud, avatar.rig, {}).frames
    np.testing.assert_array_equal(pose(avatar.cloud, avatar.rig, {name: 1.0}).frames, still)


def test_gaze_of_both_eyes_turns_them_the_same_way(puppet):
    avatar, at, _, _, parts, _ = puppet
    for channel, degrees, axis, sign in (("eyeYaw", 20, 0, 1), ("eyePitch", 15, 1, -1)):
        moved = posed(avatar, **{channel: degrees}) - posed(avatar)
        for side in ("Left", "Right"):
            front = (parts[at] == f"eye{side}") & (avatar.cloud.means[:, 2] > 0.005)
            assert (sign * moved[front, axis]).mean() > 0.001, (channel, side)


def test_a_turned_head_takes_the_neck_along_as_the_whole_skeleton_would(puppet):
    avatar, at, points, _, parts, origin = puppet
    share = np.where(parts == "neck", np.clip((points[:, 1] + 0.22) / 0.12, 0, 1), 1.0)[at]
    rest = points[at]
    moved = rest
    for pivot, part in ((lam_avatar.HEAD, 0.6), (lam_avatar.NECK, 0.4)):  # the head's first
        a = np.radians(30 * part)
        turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
        moved = (moved - pivot) @ turn.T + pivot
    expected = share[:, None] * moved + (1 - share[:, None]) * rest - origin
    np.testing.assert_allclose(posed(avatar, headYaw=30.0), expected, atol=5e-5)
    assert [joint.name for joint in avatar.rig.joints] == ["body", "neck", "head"]


def test_the_zip_file_is_the_folder(folder, puppet, tmp_path):
    path = tmp_path / "puppet.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/puppet/._skin.glb", b"junk")
        for file in folder.iterdir():
            archive.write(file, f"puppet/{file.name}")
    np.testing.assert_array_equal(read_lam(path).cloud.means, puppet[0].cloud.means)
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(damaged, "w") as archive:
        for name in ("skin.glb", "offset.ply", "vertex_order.json"):
            archive.writestr(f"x/{name}", b"{}")
    with pytest.raises(ValueError, match=r"damaged\.zip: skin\.glb: no binary glTF"):
        read_lam(damaged)


def edited(folder, change):
    """skin.glb with its JSON changed."""
    data = (folder / "skin.glb").read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    found = json.loads(data[20 : 20 + length])
    change(found)
    text = json.dumps(found).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    whole = struct.pack("<I4s", len(text), b"JSON") + text + rest
    header = struct.pack("<4sII", b"glTF", 2, 12 + len(whole))
    (folder / "skin.glb").write_bytes(header + whole)


def compressed(glb):
    glb["extensionsRequired"] = ["KHR_draco_mesh_compression"]


def beyond_the_file(glb):
    glb["accessors"][0]["count"] = 200_000


def not_arkit(glb):
    glb["meshes"][0]["extras"]["targetNames"] = [f"expr{i}" for i in range(51)]


def in_a_circle(glb):
    glb["nodes"][3]["children"] = [4]
    glb["nodes"][4]["children"] = [3]
    glb["skins"][0]["joints"] = [0, 1, 2, 3]
    glb["nodes"][2]["children"] = []


def headless(glb):
    glb["nodes"][3]["name"] = "skull"


def joint_out_of_range(glb):
    glb["skins"][0]["joints"] = [0, 1, 3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (compressed, "needs KHR_draco_mesh_compression"),
        (beyond_the_file, "bytes that there are"),
        (not_arkit, "without jawOpen, eyeBlinkLeft, eyeBlinkRight"),
        (in_a_circle, "a circle in places, expected a tree"),
        (headless, "0 joints called head among 4"),
        (joint_out_of_range, "inverse bind matrices is 4, expected 3"),
    ],
)
def test_a_broken_mesh_is_refused_by_name(folder, tmp_path, change, said):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    edited(broken, change)
    with pytest.raises(ValueError) as refused:
        read_lam(broken)
    message = str(refused.value)
    assert said in message and "skin.glb" in message and "\n" not in message


def without_mesh(folder):
    (folder / "skin.glb").unlink()


def of_flame(folder):
    (folder / "animation.glb").unlink()
    (folder / "flame_params.json").write_text("{}")


def of_another_mesh(folder):
    (folder / "vertex_order.json").write_text("[0, 1, 1]")


def half_a_glb(folder):
    data = (folder / "skin.glb").read_bytes()
    (folder / "skin.glb").write_bytes(data[: len(data) // 2])


def not_a_number(folder):
    data = bytearray((folder / "offset.ply").read_bytes())
    data[-17 * 4 : -16 * 4] = struct.pack("<f", np.nan)
    (folder / "offset.ply").write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_mesh, "skin.glb missing"),
        (of_flame, "LAM's FLAME package"),
        (of_another_mesh, "vertex_order.json: 3 numbers, expected each of the"),
        (half_a_glb, "skin.glb: version 2 of"),
        (not_a_number, "offset.ply: Gaussian"),
    ],
)
def test_a_broken_avatar_is_refused_by_name(folder, tmp_path, change, said):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    change(broken)
    with pytest.raises(ValueError) as refused:
        read_lam(broken)
    assert said in str(refused.value) and "\n" not in str(refused.value)
