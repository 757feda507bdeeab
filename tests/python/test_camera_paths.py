# SPDX-License-Identifier: Apache-2.0
"""Where cameras go: orbits, key poses, exact pictures, and files that say so wrongly."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import talkrt
from talkrt.camera_file import read_camera_path
from talkrt.camera_option import camera_path
from talkrt.camera_path import KeyPoses, Orbit, Pictures
from talkrt.cameras import Camera, look_at, pinhole

ROOT = Path(__file__).resolve().parents[2]
FPS = Fraction(25)
TARGET, UP = np.array([1.0, -2.0, 0.5]), np.array([0.6, 0.0, 0.8])
SIZE = (64, 48)
HOME = Camera(look_at([4, 1, -2], TARGET, UP), pinhole(40, SIZE), SIZE)


def turn(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rodrigues' rotation matrix, independent of the product's."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


def orbit(**changes: object) -> Orbit:
    return Orbit(HOME, TARGET, UP, **changes)  # type: ignore[arg-type]


def test_a_look_at_camera_sees_its_target_in_the_middle_and_stands_upright() -> None:
    eye = HOME.viewmat @ [*TARGET, 1]
    np.testing.assert_allclose(eye[:2], 0, atol=1e-12)
    assert eye[2] == pytest.approx(np.linalg.norm(TARGET - [4, 1, -2]))
    np.testing.assert_allclose(HOME.position, [4, 1, -2], atol=1e-12)
    rotation = HOME.viewmat[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert rotation[0] @ UP == pytest.approx(0, abs=1e-12)  # right is level
    assert rotation[1] @ UP < 0  # +y of a picture is down


def test_an_orbit_begins_at_the_plans_camera_and_turns_it_about_up() -> None:
    path = orbit(degrees=90.0, seconds=2.0)
    assert path.count(FPS) == 50
    np.testing.assert_allclose(path.camera(0, FPS).viewmat, HOME.viewmat, atol=1e-12)
    for index in (7, 25, 49):
        turned = turn(UP, math.radians(90 * index / 50))
        camera = path.camera(index, FPS)
        expected = TARGET + turned @ (HOME.position - TARGET)
        np.testing.assert_allclose(camera.position, expected, atol=1e-12)
        np.testing.assert_allclose(
            camera.viewmat[:3, :3], HOME.viewmat[:3, :3] @ turned.T, atol=1e-12
        )


def test_a_whole_turn_loops() -> None:
    path = orbit(seconds=4.0)
    np.testing.assert_allclose(path.camera(100, FPS).viewmat, HOME.viewmat, atol=1e-9)
    step = np.linalg.norm(path.camera(1, FPS).position - path.camera(0, FPS).position)
    last = np.linalg.norm(path.camera(99, FPS).position - path.camera(0, FPS).position)
    assert step == pytest.approx(last)


@pytest.mark.parametrize("elevation", [-89.0, -30.0, 0.0, 12.5, 89.0])
def test_an_orbit_stays_at_its_elevation_and_distance(elevation: float) -> None:
    path = orbit(elevation=elevation)
    distance = np.linalg.norm(HOME.position - TARGET)
    for index in range(0, 200, 23):
        offset = path.camera(index, FPS).position - TARGET
        assert np.linalg.norm(offset) == pytest.approx(distance)
        assert math.degrees(math.asin(offset @ UP / distance)) == pytest.approx(elevation, abs=1e-6)


def test_an_orbit_around_a_camera_straight_above_still_turns() -> None:
    above = Camera(look_at(TARGET + 3 * UP, TARGET, [1, 0, 0]), HOME.K, SIZE)
    path = Orbit(above, TARGET, UP)
    places = np.array([path.camera(i, FPS).position for i in range(0, 200, 50)])
    assert np.isfinite(places).all()
    assert np.linalg.norm(places[0] - places[2]) > 0.05


def test_a_swing_goes_to_either_side_and_comes_back() -> None:
    path = orbit(degrees=20.0, seconds=4.0, swing=True)
    for index, degrees in ((0, 0), (25, 20), (50, 0), (75, -20), (100, 0)):
        expected = TARGET + turn(UP, math.radians(degrees)) @ (HOME.position - TARGET)
        np.testing.assert_allclose(path.camera(index, FPS).position, expected, atol=1e-9)


def keys() -> KeyPoses:
    places = [[4, 1, -2], [3, 3, -1], [0, 2, 4], [-3, 0, 1]]
    cameras = [
        Camera(look_at(place, TARGET, UP), pinhole(30 + 10 * i, SIZE), SIZE)
        for i, place in enumerate(places)
    ]
    return KeyPoses((0.0, 1.0, 1.5, 4.0), tuple(cameras))


def test_key_poses_are_passed_through() -> None:
    path = keys()
    assert path.count(FPS) == 101
    for time, camera in zip(path.times, path.cameras, strict=True):
        found = path.at(time)
        np.testing.assert_allclose(found.viewmat, camera.viewmat, atol=1e-12)
        np.testing.assert_allclose(found.K, camera.K)
    np.testing.assert_array_equal(path.at(-1).viewmat, path.cameras[0].viewmat)
    np.testing.assert_array_equal(path.at(9).viewmat, path.cameras[-1].viewmat)


def test_between_key_poses_velocity_has_no_steps_and_cameras_stay_rigid() -> None:
    path, h = keys(), 1e-6
    for time in path.times[1:-1]:
        before = (path.at(time).position - path.at(time - h).position) / h
        after = (path.at(time + h).position - path.at(time).position) / h
        np.testing.assert_allclose(before, after, atol=1e-4)
    for time in np.linspace(0, 4, 37):
        rotation = path.at(float(time)).viewmat[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)


def test_a_straight_line_at_constant_speed_stays_one() -> None:
    cameras = [Camera(look_at([x, 0, -5], [x, 0, 0], [0, -1, 0]), HOME.K, SIZE) for x in (0, 1, 3)]
    path = KeyPoses((0.0, 1.0, 3.0), tuple(cameras))
    for time in np.linspace(0, 3, 31):
        np.testing.assert_allclose(path.at(float(time)).position, [time, 0, -5], atol=1e-12)


@pytest.mark.parametrize("angle", [1e-8, 0.3, 2.0, 3.1])
def test_rotations_turn_evenly_the_short_way(angle: float) -> None:
    axis = np.array([2.0, -1.0, 2.0]) / 3
    start = HOME.viewmat.copy()
    end = start.copy()
    end[:3, :3] = turn(axis, angle) @ start[:3, :3]
    path = KeyPoses((0.0, 1.0), (Camera(start, HOME.K, SIZE), Camera(end, HOME.K, SIZE)))
    for share in (0.25, 0.5, 0.9):
        expected = turn(axis, share * angle) @ start[:3, :3]
        np.testing.assert_allclose(path.at(share).viewmat[:3, :3], expected, atol=1e-9)


# ---- files


def read(folder: Path, content: object) -> KeyPoses | Pictures:
    path = folder / "path.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_camera_path(path, HOME, TARGET, UP)  # type: ignore[return-value]


def test_a_file_of_key_poses(tmp_path: Path) -> None:
    flat = [float(x) for x in HOME.viewmat.ravel()]
    path = read(
        tmp_path,
        {
            "size": [640, 480],
            "keys": [
                {"t": 0, "position": [4, 1, -2]},
                {"t": 2, "position": [0, 0, 9], "target": [0, 0, 0], "up": [0, 1, 0], "fov": 60},
                {"t": 2.5, "viewmat": flat, "K": [500, 0, 300, 0, 400, 240, 0, 0, 1]},
            ],
        },
    )
    assert isinstance(path, KeyPoses)
    assert path.times == (0.0, 2.0, 2.5)
    first, second, third = path.cameras
    np.testing.assert_allclose(first.viewmat, HOME.viewmat, atol=1e-12)  # the plan's target and up
    np.testing.assert_array_equal(first.K, HOME.K)
    assert second.K[1, 1] == pytest.approx(24 / math.tan(math.radians(30)))
    np.testing.assert_array_equal(third.viewmat, HOME.viewmat)
    np.testing.assert_allclose(third.K, [[50, 0, 30], [0, 40, 24], [0, 0, 1]])
    assert path.count(FPS) == 63


def test_frames_are_exactly_the_given_views(tmp_path: Path) -> None:
    matrices = [look_at([i, 2, -4], TARGET, UP) for i in range(5)]
    path = read(tmp_path, {"frames": [{"viewmat": m.tolist()} for m in matrices]})
    assert path.count(FPS) == 5
    for index, matrix in enumerate(matrices):
        np.testing.assert_array_equal(path.camera(index, FPS).viewmat, matrix)
    np.testing.assert_array_equal(path.camera(7, FPS).viewmat, matrices[-1])


def test_a_bare_list_without_times_takes_a_second_a_key(tmp_path: Path) -> None:
    path = read(tmp_path, [{"position": [i, 5, 5]} for i in range(3)])
    assert isinstance(path, KeyPoses)
    assert path.times == (0.0, 1.0, 2.0)


EYE = [float(x) for x in np.eye(4).ravel()]
WRONG = {
    "not JSON": ("{", "is not JSON"),
    "a number": (3, "is 3, expected an object"),
    "nothing to pass": (
        {},
        "is an object with nothing, expected an object with keys or with frames",
    ),
    "both": ({"keys": [], "frames": []}, "expected an object with keys or with frames, not both"),
    "a typing error": ({"kyes": []}, "has a 'kyes', expected some of: frames, keys, size"),
    "no keys": ([], "is a list of 0, expected a list of 1 to 1000000"),
    "no pose": ([{}], "keys[0] is an object with nothing, expected a viewmat, or a position"),
    "both poses": ([{"viewmat": EYE, "position": [0, 0, 0]}], "expected a viewmat, or a position"),
    "a key of frames": ({"frames": [{"t": 1, "viewmat": EYE}]}, "frames[0] has a 't'"),
    "short matrix": (
        [{"viewmat": EYE[:15]}],
        "viewmat is a list of 15, expected a list of 16",
    ),
    "ragged rows": (
        [{"viewmat": [[1, 0, 0, 0]] * 3 + [[0, 0, 1]]}],
        "keys[0].viewmat[3] is a list of 3, expected a list of 4",
    ),
    "scaled": ([{"viewmat": [2, *EYE[1:]]}], "expected a rigid matrix"),
    "mirrored": ([{"viewmat": [-1, *EYE[1:]]}], "expected a rigid matrix"),
    "column-major": ([{"viewmat": [*EYE[:12], 1, 2, 3, 1]}], "whose last row is 0 0 0 1"),
    "text": ([{"position": [0, "1", 2]}], 'keys[0].position[1] is "1", expected a number of'),
    "true": ([{"position": [0, True, 2]}], "keys[0].position[1] is true, expected a number"),
    "NaN": ('[{"position": [0, NaN, 2]}]', "keys[0].position[1] is NaN"),
    "far": ([{"position": [0, 0, 1e9]}], "keys[0].position[2] is 1000000000.0, expected"),
    "skewed": ([{"viewmat": EYE, "K": [1, 1, 1, 0, 1, 1, 0, 0, 1]}], "keys[0].K is a list of 9"),
    "no focus": ([{"viewmat": EYE, "K": [0, 0, 1, 0, 1, 1, 0, 0, 1]}], "fx and fy above 0"),
    "fov": ([{"viewmat": EYE, "fov": 180}], "keys[0].fov is 180, expected a number of 0.01 to 179"),
    "fov and K": ([{"viewmat": EYE, "fov": 9, "K": EYE[:9]}], "expected K or fov, not both"),
    "at itself": ([{"position": [0, 0, 0], "target": [0, 0, 0]}], "cannot look at that same point"),
    "along up": (
        [{"position": [0, 0, 0], "target": [0, 0, 2], "up": [0, 0, 1]}],
        "keys[0]: a camera that looks along its own up",
    ),
    "no up": ([{"position": [0, 0, 0], "up": [0, 0, 0]}], "looks along its own up"),
    "some times": (
        [{"t": 0, "viewmat": EYE}, {"viewmat": EYE}],
        "either every key has one or none",
    ),
    "back in time": (
        [{"t": 1, "viewmat": EYE}, {"t": 1, "viewmat": EYE}],
        "keys[1].t is 1, expected more than 1, the time before",
    ),
    "size": ({"size": [0, 5], "keys": [{"viewmat": EYE}]}, "size is a list of 2, expected width"),
    "deep": ("[" * 100_000, "is not JSON"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_are_refused_by_field(tmp_path: Path, name: str) -> None:
    content, says = WRONG[name]
    with pytest.raises(talkrt.Error) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(str(tmp_path / "path.json"))
    assert says in str(caught.value)


# ---- the option


@pytest.fixture(scope="module")
def scene(engine: talkrt.Engine) -> talkrt.Model:
    return engine.load(ROOT / "tests/data/tiny_scene.plan")


def test_options_of_an_orbit(scene: talkrt.Model) -> None:
    path = camera_path("orbit:turns=-2,elevation=20,seconds=3", scene, (96, 64), 0.5)
    assert isinstance(path, Orbit)
    assert (path.degrees, path.elevation, path.seconds) == (-720.0, 20.0, 3.0)
    home = scene.camera().position - scene.target
    np.testing.assert_allclose(path.home.position - path.target, 0.5 * home, atol=1e-6)
    # -y is up: 20 degrees above the target is at a smaller y.
    assert path.camera(0, FPS).position[1] < scene.target[1]
    assert camera_path("plan", scene, (96, 64), 1.0).count(FPS) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spin", "expected plan, orbit, swing or a .json file"),
        ("orbit:speed=2", "expected each of turns, degrees, elevation, seconds at most once"),
        ("orbit:turns=1,turns=2", "at most once"),
        ("orbit:turns", "turns is ''"),
        ("orbit:seconds=0", "seconds is '0', expected 0.04 to 86400"),
        ("orbit:elevation=90", "elevation is '90', expected -89 to 89"),
        ("orbit:degrees=nan", "degrees is 'nan'"),
        ("orbit:turns=1,degrees=3", "turns or degrees, not both"),
        ("nowhere.json", "nowhere.json: no such camera path"),
    ],
)
def test_wrong_options_are_refused(scene: talkrt.Model, text: str, says: str) -> None:
    with pytest.raises(talkrt.Error) as caught:
        camera_path(text, scene, (96, 64), 1.0)
    assert says in str(caught.value)
