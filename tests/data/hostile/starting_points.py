# SPDX-License-Identifier: Apache-2.0
"""Valid plans for hostile files to start from, and the means to write them wrongly.

Cases of the container and of graphs start from a bare plan with one graph; cases of the Gaussian
model from tests/data/tiny_plan.py, cut down to 20 Gaussians and a graph that is only looked at; of
scenes from tests/data/tiny_scene.py; of avatars moved by networks from the words of
tests/data/tiny_avatar.py.
"""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tiny_avatar
import tiny_plan
import tiny_scene
from numpy.typing import NDArray

CORRUPT = "TALKRT_ERROR_PLAN_CORRUPT"
UNSUPPORTED = "TALKRT_ERROR_PLAN_UNSUPPORTED"
COUNT = 20  # a block and a quarter
DTYPES = {"u1": "U8", "u4": "U32", "f2": "F16", "f4": "F32"}

Manifest = dict[str, Any]
Tensors = dict[str, NDArray[Any]]
Header = dict[str, Any]
Edit = Callable[[Manifest, Tensors], None]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    message: str  # a part of what the reader must say
    data: bytes
    code: str = CORRUPT


def external_graph(location: str) -> NDArray[np.uint8]:
    """Not a model a runtime could run: the one entry of one that a plan's reader looks at."""
    entry = b"\x0a\x08location\x12" + bytes([len(location)]) + location.encode()
    return np.frombuffer(b"\x08\x08\x3a" + entry, np.uint8)


def bare_plan() -> tuple[Manifest, Tensors]:
    """A model that is neither Gaussian nor large: one graph with a state."""
    port = {"dtype": "F32", "shape": [1, 4]}
    manifest = {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "emo",
        "name": "bare",
        "audio": {"sample_rate": 16000},
        "video": {"width": 8, "height": 8, "fps": [25, 1]},
        "graphs": [
            {
                "name": "g",
                "runs": "frame",
                "inputs": [{"name": "x", "from": "controls", **port}],
                "outputs": [{"name": "y", **port}],
                "states": [{"input": "s_in", "output": "s_out", "init": "state/g/s", **port}],
            }
        ],
    }
    tensors: Tensors = {
        "graph/g": external_graph("weight/g/w"),
        "weight/g/w": np.arange(4, dtype=np.float32),
        "state/g/s": np.zeros((1, 4), np.float32),
    }
    return manifest, tensors


def gaussian_plan() -> tuple[Manifest, Tensors]:
    """tiny_plan with few Gaussians and three shapes, and with a check clip."""
    manifest = tiny_plan.manifest(COUNT)
    gaussian = manifest["gaussian"]
    gaussian["sh_degree"] = 0
    gaussian["joints"][1]["rotation"] = []
    gaussian["shapes"] = [gaussian["shapes"][i] for i in (0, 3, 5)]
    manifest["graphs"][0]["states"][0]["init"] = None
    for emotion in manifest["motion"]["emotions"]:
        del emotion["head"], emotion["blink"]
        emotion["channels"] = {"jawOpen": 0.1}
    manifest["check"] = {
        "frames": [1, 2], "fps": [240, 1], "width": 64, "height": 64, "min_psnr_db": 40.0,
    }  # fmt: skip
    tensors = tiny_plan.gaussian_tensors(COUNT)
    tensors["gaussian/sh"] = tensors["gaussian/sh"][:, :1]
    tensors["gaussian/basis/blocks"] = np.array([0, 1, 1, 0], np.uint32)
    tensors["gaussian/basis/shapes"] = np.array([0, 2, 3, 4], np.uint32)
    tensors["gaussian/basis/deltas"] = tensors["gaussian/basis/deltas"][:4] * 0
    tensors["gaussian/background"] = np.zeros((2, 2, 3), np.uint8)
    tensors["graph/speech_to_motion"] = external_graph("weight/speech_to_motion/W")
    tensors["weight/speech_to_motion/W"] = np.zeros(4, np.float32)
    tensors["check/audio"] = np.zeros(160, np.float32)
    tensors["check/frame/1"] = np.frombuffer(b"\x89PNG", np.uint8)
    tensors["check/frame/2"] = np.frombuffer(b"\x89PNG", np.uint8)
    return manifest, tensors


def scene_plan() -> tuple[Manifest, Tensors]:
    """tiny_scene with few Gaussians, every optional field, and a check clip."""
    manifest, tensors = tiny_scene.tiny_scene(4)
    manifest["gaussian"]["convention"] = "inria"
    camera = manifest["gaussian"]["camera"]
    manifest["check"] = {
        "cameras": [camera, copy.deepcopy(camera)], "width": 48, "height": 32, "min_psnr_db": 40.0,
    }  # fmt: skip
    tensors["gaussian/background"] = np.zeros((2, 2, 3), np.uint8)
    tensors["check/frame/0"] = np.frombuffer(b"\x89PNG", np.uint8)
    tensors["check/frame/1"] = np.frombuffer(b"\x89PNG", np.uint8)
    return manifest, tensors


def avatar_plan() -> tuple[Manifest, Tensors]:
    """tiny_avatar's words about the smallest face and mouth: 4 and 2 Gaussians, one layer each."""
    manifest = tiny_avatar.manifest()
    manifest["video"].update(width=4, height=4)
    manifest["features"].update(channels=1, row_width=1)
    graphs = manifest["graphs"]
    graphs[0]["inputs"][0]["shape"] = graphs[1]["inputs"][0]["shape"] = [8, 1, 1]
    for graph, shape in (("face", [2, 2]), ("mouth", [1, 2])):
        mix, moving = (g for g in graphs if g["name"].startswith(graph))
        mix["outputs"][0]["shape"] = moving["inputs"][0]["shape"] = shape
        for port in moving["outputs"]:
            port["shape"][0] = 4 if graph == "face" else 2
    port = {"name": "x", "dtype": "F32", "shape": [1]}
    clip = {"name": "clip_mix", "runs": "clip", "inputs": [], "outputs": [port]}
    manifest["graphs"] = [*graphs, clip]
    manifest["gaussian"].update(count=18, sh_degree=0)
    face, mouth = manifest["avatar"]["deform"]
    face["count"], mouth["first"], mouth["count"] = 4, 16, 2
    face["network"].update(attention=2, widths=[2, 10])
    mouth["network"]["widths"] = [2, 3]
    manifest["avatar"]["track"] = {"frames": 2, "torso": [2, 2]}
    manifest["check"] = {
        "frames": [1, 2], "fps": [25, 1], "width": 4, "height": 4, "min_psnr_db": 60.0,
    }  # fmt: skip
    floats = {
        "means": (18, 3), "scales": (18, 3), "opacities": (18,), "sh": (18, 1, 3),
        "track/action_units": (2, 6), "deform/face/quats": (4, 4), "deform/face/scales": (4, 3),
        "deform/face/still": (1, 2, 16), "deform/face/attention": (1, 2, 16),
        "deform/face/layer0": (2, 10), "deform/mouth/still": (1, 2, 16),
        "deform/mouth/layer0": (2, 3),
    }  # fmt: skip
    tensors: Tensors = {
        f"gaussian/{name}": np.zeros(shape, np.float32) for name, shape in floats.items()
    }
    tensors["gaussian/deform/face/still"] = np.zeros((1, 2, 16), np.float16)
    tensors["gaussian/quats"] = np.tile(np.array([1, 0, 0, 0], np.float32), (18, 1))
    tensors["gaussian/layers"] = (np.arange(18) >= 16).astype(np.uint8)
    tensors["gaussian/track/viewmats"] = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    tensors["gaussian/track/torsos"] = np.zeros((2, 2, 2, 4), np.uint8)
    tensors["gaussian/background"] = np.zeros((4, 4, 3), np.uint8)
    tensors["check/rows"] = np.zeros((5, 1, 1), np.float32)
    for name in (graph["name"] for graph in manifest["graphs"]):
        tensors[f"graph/{name}"] = np.frombuffer(b"\x08\x08", np.uint8)
    for frame in manifest["check"]["frames"]:
        tensors[f"check/frame/{frame}"] = np.frombuffer(b"\x89PNG", np.uint8)
    return manifest, tensors


def attending_plan() -> tuple[Manifest, Tensors]:
    """avatar_plan with a face that attends: two layers of one head and one token, all 2 wide."""
    manifest, tensors = avatar_plan()
    mix, face = manifest["graphs"][0], manifest["graphs"][2]
    mix["outputs"][0]["shape"] = face["inputs"][0]["shape"] = [2 * 5 + 2]
    face["outputs"] += [
        {"name": "opacities", "dtype": "F32", "shape": [4]},
        {"name": "colors", "dtype": "F32", "shape": [4, 3]},
    ]
    sizes = {"means": 3, "quats": 4, "scales": 3, "opacities": 1, "sh": 3}
    manifest["avatar"]["deform"][0]["network"] = {
        "kind": "attention", "mix": "face_mix.mix", "layers": 2, "width": 2, "hidden": 2,
        "heads": 1, "tokens": 1, "outputs": dict.fromkeys(sizes, 2), "scale": "exp",
    }  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {"hidden": (1, 2, 16), "opacities": (4,)}
    for layer in ("layer0", "layer1"):
        names = ("first_bias", "second_bias", "gain", "norm_gain", "norm_bias")
        shapes |= {f"{layer}/{name}": (2,) for name in names} | {f"{layer}/second": (2, 2)}
    shapes["layer1/first"] = (2, 2)
    for name, size in sizes.items():
        shapes |= {f"{name}/first": (2, 2), f"{name}/first_bias": (2,)}
        shapes |= {f"{name}/second": (2, size), f"{name}/second_bias": (size,)}
    prefix = "gaussian/deform/face/"
    del tensors[f"{prefix}attention"], tensors[f"{prefix}layer0"]
    tensors |= {prefix + name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    tensors[f"{prefix}hidden"] = tensors[f"{prefix}hidden"].astype(np.float16)
    return manifest, tensors


def compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def layout(manifest: Manifest, tensors: Tensors) -> tuple[Header, bytes]:
    header: Header = {"__metadata__": {"talkrt.plan": compact(manifest)}}
    data = b""
    for name in sorted(tensors):
        tensor = tensors[name]
        payload = tensor.tobytes()
        header[name] = {
            "dtype": DTYPES[tensor.dtype.str[1:]],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(payload)],
        }
        data += payload
    return header, data


def pack(header: Header | bytes | str, data: bytes, length: int | None = None) -> bytes:
    if isinstance(header, dict):
        header = compact(header)
    text = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def bare_file() -> bytes:
    return pack(*layout(*bare_plan()))


def with_header(edit: Callable[[Header], None]) -> bytes:
    header, data = layout(*bare_plan())
    edit(header)
    return pack(header, data)


def with_header_text(old: str, new: str) -> bytes:
    header, data = layout(*bare_plan())
    text = compact(header)
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return pack(text.replace(old, new).encode("utf-8", "surrogateescape"), data)


def with_manifest_text(text: str) -> bytes:
    def edit(header: Header) -> None:
        header["__metadata__"]["talkrt.plan"] = text

    return with_header(edit)


def edited(plan: tuple[Manifest, Tensors], *edits: Edit) -> bytes:
    manifest, tensors = copy.deepcopy(plan[0]), dict(plan[1])
    for edit in edits:
        edit(manifest, tensors)
    return pack(*layout(manifest, tensors))


def setting(path: str, value: Any) -> Edit:
    """Sets `a.0.b` of the manifest."""
    *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))

    def edit(manifest: Manifest, _: Tensors) -> None:
        node: Any = manifest
        for key in parents:
            node = node[key]
        node[last] = value

    return edit


def removing(path: str) -> Edit:
    *parents, last = path.split(".")

    def edit(manifest: Manifest, _: Tensors) -> None:
        node: Any = manifest
        for key in parents:
            node = node[int(key) if key.isdigit() else key]
        del node[int(last) if last.isdigit() else last]

    return edit


def tensor(name: str, value: NDArray[Any] | None) -> Edit:
    def edit(_: Manifest, tensors: Tensors) -> None:
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value

    return edit


def element(name: str, index: tuple[int, ...] | int, value: float) -> Edit:
    def edit(_: Manifest, tensors: Tensors) -> None:
        changed = tensors[name].copy()
        changed[index] = value
        tensors[name] = changed

    return edit


def bare_case(name: str, message: str, *edits: Edit, code: str = CORRUPT) -> Case:
    return Case(name, message, edited(bare_plan(), *edits), code)


def gaussian_case(name: str, message: str, *edits: Edit, code: str = CORRUPT) -> Case:
    return Case(name, message, edited(gaussian_plan(), *edits), code)
