# SPDX-License-Identifier: Apache-2.0
"""Portrait intake: any picture in, an upright RGB picture and the square of its face out."""

import struct
from pathlib import Path

import numpy as np
import pytest
from talkrt.errors import Error
from talkrt.exif import orientation, upright
from talkrt.pictures import GrayPngEncoder, PngEncoder, decode_png
from talkrt.portrait import read_portrait

HEAD = Path(__file__).parents[2] / "export/vasa1/check_portrait.png"
BOX = (78, 90, 178, 188)  # of its face, brows to chin


@pytest.fixture(scope="module")
def head():
    """The synthetic head, [256, 256, 3]."""
    return decode_png(HEAD.read_bytes())[..., :3]


def turned(head, degrees, grey=60):
    """Turned clockwise on a larger grey picture."""
    from talkrt.face_crop import Face, resampled

    back = np.linalg.inv(Face((127.5, 127.5), 360.0, -np.radians(degrees)).to_crop(360))
    picture = np.rint(resampled(head.astype(float) - grey, back, 360, 360)) + grey
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_a_box_is_the_square_of_the_published_pipeline(head):
    found = read_portrait(head, face_box=BOX)
    assert found.face.side == pytest.approx(2.3 * 100)
    assert found.face.centre == pytest.approx((128.0, 139.0 - 0.125 * 230))
    assert found.crop(128).shape == (128, 128, 3)
    corner = found.matrix(512) @ [*found.face.centre, 1]
    np.testing.assert_allclose(corner, [256, 256])


def test_the_built_in_detector_finds_the_face_upright_and_turned(head):
    pytest.importorskip("skimage", reason="the portrait extra is not installed")
    straight = read_portrait(head)
    assert straight.faces == 1 and straight.face.angle == 0
    wanted = read_portrait(head, face_box=BOX).face
    assert np.hypot(*np.subtract(straight.face.centre, wanted.centre)) < 0.1 * wanted.side
    assert straight.face.side == pytest.approx(wanted.side, rel=0.2)
    leaning = read_portrait(turned(head, 20))
    assert np.degrees(leaning.face.angle) == pytest.approx(20, abs=1)
    assert leaning.face.side == pytest.approx(wanted.side, rel=0.25)


def test_of_two_faces_the_largest_is_taken_or_the_one_asked_for(head):
    pytest.importorskip("skimage", reason="the portrait extra is not installed")
    small = np.full((256, 128, 3), 60, np.uint8)
    small[:128] = head[::2, ::2]
    both = np.concatenate([small, head], axis=1)
    assert read_portrait(both).faces == 2
    large, other = (read_portrait(both, face=index).face for index in (0, 1))
    assert large.centre[0] > 128 > other.centre[0] and large.side > 1.5 * other.side
    with pytest.raises(Error, match=r"there is no face 2: 2 faces were found: 0 of .*; 1 of"):
        read_portrait(both, face=2)


def test_a_picture_without_a_face_is_refused_by_name(tmp_path):
    pytest.importorskip("skimage", reason="the portrait extra is not installed")
    path = tmp_path / "wall.png"
    path.write_bytes(PngEncoder((96, 96), True).encode(np.full((96, 96, 3), 90, np.uint8)))
    with pytest.raises(Error, match=r"wall\.png: no face was found.*--face-box"):
        read_portrait(path)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((220, 90, 320, 190), "36% of it lies in the picture of 256x256"),
        ((90, 90, 90, 190), "expected left,top,right,bottom"),
        ((float("nan"), 0, 9, 9), "expected left,top,right,bottom"),
        ((100, 100, 110, 110), "the face is 10 pixels large"),
    ],
)
def test_a_face_cut_off_or_too_small_is_refused(head, box, words):
    with pytest.raises(Error, match=words):
        read_portrait(head, face_box=box)


def test_tiny_pictures_are_refused_and_huge_ones_reduced(head):
    with pytest.raises(Error, match="32x32 pixels, expected at least 64"):
        read_portrait(head[:32, :32], face_box=(0, 0, 30, 30))
    with pytest.raises(Error, match="megapixels; expected at most 200"):
        read_portrait(np.broadcast_to(np.uint8(0), (16000, 16000, 3)), face_box=BOX)
    wide = np.zeros((64, 8192, 3), np.uint8)
    wide[:, ::2] = 200
    found = read_portrait(wide, face_box=(20, 0, 84, 64))  # in pixels of the picture as given
    assert found.picture.shape == (32, 4096, 3) and np.all(found.picture == 100)
    assert found.reduced == 2 and found.face.side == pytest.approx(2.3 * 32)


def test_grey_and_transparent_pictures_become_rgb_over_white(tmp_path, head):
    path = tmp_path / "grey.png"
    path.write_bytes(GrayPngEncoder((256, 256), 8).encode(head[..., 0]))
    assert np.array_equal(read_portrait(path, face_box=BOX).picture[..., 2], head[..., 0])
    alpha = np.full((256, 256, 1), 255, np.uint8)
    alpha[:100], alpha[100:120] = 0, 128
    path.write_bytes(PngEncoder((256, 256), False).encode(np.concatenate([head, alpha], axis=2)))
    found = read_portrait(path, face_box=BOX).picture
    assert np.all(found[:100] == 255) and np.array_equal(found[120:], head[120:])
    mixed = (head[110].astype(float) * 128 + 255 * 127) / 255
    assert np.abs(found[110] - mixed).max() <= 0.5


def with_exif(png, turned, order):
    """A PNG with an EXIF block behind its first chunk."""
    text = b"II*\0" if order == "<" else b"MM\0*"
    block = text + struct.pack(f"{order}IH", 8, 1) + struct.pack(
        f"{order}HHIHHI", 0x0112, 3, 1, turned, 0, 0
    )  # fmt: skip
    return png[:33] + struct.pack(">I4s", len(block), b"eXIf") + block + b"\0\0\0\0" + png[33:]


@pytest.mark.parametrize("way", range(1, 9))
def test_a_camera_held_any_way_gives_an_upright_picture(tmp_path, head, way):
    back = {6: 8, 8: 6}.get(way, way)  # what undoes it
    stored = upright(head[:, :192], back)
    size = stored.shape[1], stored.shape[0]
    data = with_exif(PngEncoder(size, True).encode(stored), way, "<" if way % 2 else ">")
    assert orientation(data) == way
    path = tmp_path / "held.png"
    path.write_bytes(data)
    assert np.array_equal(read_portrait(path, face_box=(70, 90, 170, 188)).picture, head[:, :192])


def test_exif_of_a_jpeg_is_read_and_damage_in_it_is_ignored():
    tiff = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    jpeg = b"\xff\xd8\xff\xe0\0\4ab\xff\xe1" + struct.pack(">H", len(tiff) + 2) + tiff
    assert orientation(jpeg + b"\xff\xda") == 6
    for end in range(len(jpeg)):
        assert orientation(jpeg[:end]) in (1, 6)
    assert orientation(jpeg.replace(b"\0\6\0\0", b"\0\x63\0\0")) == 1


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no picture")
    with pytest.raises(Error, match=r"text\.png: is not a picture"):
        read_portrait(path)
    with pytest.raises(Error, match="no such picture"):
        read_portrait(tmp_path / "absent.png")


def network(path, outputs, side=64):
    """An ONNX network that always answers the same."""
    onnx = pytest.importorskip("onnx", reason="the export extra is not installed")
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node(
            "Constant", [], [name], value=numpy_helper.from_array(np.asarray(value, np.float32))
        )
        for name, value in outputs.items()
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, side, side])
    answers = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, np.shape(value))
        for name, value in outputs.items()
    ]
    graph = helper.make_graph(nodes, "answers", [image], answers)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, str(path))
    return path


def test_a_users_own_detector_and_landmarks(tmp_path, head):
    boxes = np.array([[10, 10, 20, 20], [19.5, 22.5, 44.5, 47], [0, 0, 60, 60]]) + 0.0
    detector = network(tmp_path / "detector.onnx", {"boxes": boxes, "scores": [0.9, 0.95, 0.2]})
    found = read_portrait(head, detector=detector)
    assert found.faces == 2
    assert found.face.side == pytest.approx(2.3 * 4 * 25)
    cut = np.array([[-40.0, 0, 40, 64], [20, 22, 44, 47]])
    detector = network(tmp_path / "cut.onnx", {"boxes": cut, "scores": [0.9, 0.9]})
    with pytest.raises(Error, match="50% of it lies in the picture of 256x256"):
        read_portrait(head, detector=detector)  # the largest is cut by the border, the other whole
    assert read_portrait(head, detector=detector, face=1).face.side == pytest.approx(2.3 * 4 * 25)
    random = np.random.default_rng(1)
    points = random.uniform(0.3, 0.7, (203, 2))
    points[[0, 6, 12, 18]], points[[24, 30, 36, 42]] = [0.4, 0.4], [0.6, 0.4]
    points[[48, 66]] = [0.5, 0.65]
    landmarks = network(tmp_path / "landmarks.onnx", {"points": points.reshape(1, -1)})
    placed = read_portrait(head, face_box=BOX, landmarks=landmarks)
    assert placed.face.angle == pytest.approx(0, abs=1e-6)
    span = float(np.ptp(points, axis=0).max()) * 1.5 * 100
    assert placed.face.side == pytest.approx(2.3 * span, rel=1e-4)
    wrong = network(tmp_path / "wrong.onnx", {"points": np.zeros((1, 10))})
    with pytest.raises(Error, match="expected 106 or 203 points"):
        read_portrait(head, face_box=BOX, landmarks=wrong)
    with pytest.raises(Error, match="expected boxes and scores"):
        read_portrait(head, detector=wrong)
