# SPDX-License-Identifier: Apache-2.0
"""The smallest avatar moved by networks: tests/data/tiny_avatar.plan.

66 Gaussians: 40 of a face, 8 that fill up its last block, 16 of a mouth, 2 that nothing moves. Both
entries have a network beside their graph, one with attention and one without; a track of 5 frames
with a torso, a check clip's features, no check pictures.
`python tests/data/tiny_avatar.py` writes it anew.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]

FACE, MOUTH_AT, MOUTH, COUNT = 40, 48, 16, 66
CHANNELS, ROW_WIDTH, WINDOW = 3, 2, 8
UNITS = 6
ATTENTION, FACE_WIDTHS, MOUTH_WIDTHS = 3, (16, 8, 10), (8, 8, 3)
FRAMES = 5
WIDTH, HEIGHT = 48, 32


def tiny_avatar() -> tuple[dict[str, Any], Tensors]:
    """The manifest and the tensors."""
    tensors = avatar_tensors()
    rng = np.random.default_rng(23)
    for name, mix in (("face", (ATTENTION, FACE_WIDTHS[0])), ("mouth", (1, MOUTH_WIDTHS[0]))):
        tensors |= mix_graph(name, rng, mix)
        tensors |= moving_graph(name, tensors)
    return manifest(), tensors


def manifest() -> dict[str, Any]:
    def port(name: str, *shape: int, **source: str) -> dict[str, Any]:
        return {"name": name, "dtype": "F32", "shape": list(shape)} | source

    window = port("window", WINDOW, CHANNELS, ROW_WIDTH, **{"from": "features"})
    units = port("action_units", 1, UNITS, **{"from": "pipeline"})
    face_mix = port("mix", ATTENTION, FACE_WIDTHS[0])
    mouth_mix = port("mix", 1, MOUTH_WIDTHS[0])

    def graph(name: str, inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
        return {"name": name, "runs": "frame", "inputs": inputs, "outputs": outputs}

    return {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "avatar",
        "name": "tiny avatar",
        "licence": "Apache-2.0",
        "created_by": "tests/data/tiny_avatar.py",
        "audio": {"sample_rate": 16000},
        "video": {"width": WIDTH, "height": HEIGHT, "fps": [25, 1]},
        "budget": {"host_bytes": 32 << 20},
        "features": {
            "kind": "rows", "extractor": "made up", "channels": CHANNELS, "row_width": ROW_WIDTH,
            "before": 4, "after": 4,
        },
        "graphs": [
            graph("face_mix", [window, units], [face_mix]),
            graph("mouth_mix", [window], [mouth_mix]),
            graph(
                "face",
                [face_mix | {"from": "face_mix.mix"}],
                [port("means", FACE, 3), port("quats", FACE, 4), port("scales", FACE, 3)],
            ),
            graph("mouth", [mouth_mix | {"from": "mouth_mix.mix"}], [port("means", MOUTH, 3)]),
        ],
        "gaussian": {
            "count": COUNT,
            "sh_degree": 1,
            "antialias": False,
            "convention": "inria",
            "camera": {
                "viewmat": [float(x) for x in viewmats()[0].ravel()],
                "K": [60, 0, WIDTH / 2, 0, 60, HEIGHT / 2, 0, 0, 1],
            },
            "background": [0, 0, 0],
            "view": {"target": [0, 0, 0], "up": [0, 1, 0]},
        },
        "avatar": {
            "origin": "talkinggaussian",
            "deform": [
                {
                    "graph": "face", "first": 0, "count": FACE,
                    "network": {
                        "mix": "face_mix.mix", "attention": ATTENTION, "widths": list(FACE_WIDTHS),
                        "outputs": {"means": 0, "quats": 3, "scales": 7}, "scale": "softplus",
                    },
                },
                {
                    "graph": "mouth", "first": MOUTH_AT, "count": MOUTH,
                    "network": {
                        "mix": "mouth_mix.mix", "attention": 0, "widths": list(MOUTH_WIDTHS),
                        "outputs": {"means": 0},
                    },
                },
            ],
            "track": {"frames": FRAMES, "torso": [20, 4]},
            "composite": {"kind": "layered", "dilate": False},
            "orbit_degrees": 10.0,
        },
    }  # fmt: skip


def viewmats() -> NDArray[np.float32]:
    """[FRAMES, 4, 4]: two units before the face, turned a little more in each frame."""
    found = []
    for angle in np.linspace(-0.1, 0.1, FRAMES):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        found.append(np.eye(4))
        found[-1][:3, :3] = np.diag([1, -1, -1]) @ turn
        found[-1][:3, 3] = [0, 0, 2]
    return np.array(found, np.float32)


def avatar_tensors() -> Tensors:
    rng = np.random.default_rng(29)
    raw_quats = rng.normal(size=(COUNT, 4)).astype(np.float32)
    raw_scales = rng.uniform(-3.5, -2.5, (COUNT, 3)).astype(np.float32)
    means = (rng.uniform(-1, 1, (COUNT, 3)) * [0.5, 0.4, 0.1]).astype(np.float32)
    opacities = rng.uniform(0.3, 1, COUNT).astype(np.float32)
    opacities[FACE:MOUTH_AT] = 0
    layers = (np.arange(COUNT) >= MOUTH_AT).astype(np.uint8)
    torsos = rng.integers(0, 256, (FRAMES, 12, 40, 4), np.uint8)
    torsos[:, :2, :, 3] = 0
    found: Tensors = {
        "gaussian/means": means,
        "gaussian/quats": raw_quats / np.linalg.norm(raw_quats, axis=1, keepdims=True),
        "gaussian/scales": np.log1p(np.exp(raw_scales)),
        "gaussian/opacities": opacities,
        "gaussian/sh": (rng.normal(size=(COUNT, 4, 3)) * [[0.6], [0.1], [0.1], [0.1]]).astype("f4"),
        "gaussian/layers": layers,
        "gaussian/background": rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8),
        "gaussian/track/viewmats": viewmats(),
        "gaussian/track/action_units": rng.uniform(0, 2, (FRAMES, UNITS)).astype(np.float32),
        "gaussian/track/torsos": torsos,
        "gaussian/deform/face/quats": raw_quats[:FACE],
        "gaussian/deform/face/scales": raw_scales[:FACE],
        "check/rows": rng.normal(size=(12, ROW_WIDTH, CHANNELS)).astype(np.float32),
    }
    found |= network_tensors("face", rng, FACE, ATTENTION, FACE_WIDTHS)
    found |= network_tensors("mouth", rng, MOUTH, 0, MOUTH_WIDTHS)
    return found


def network_tensors(
    name: str, rng: np.random.Generator, count: int, attention: int, widths: tuple[int, ...]
) -> Tensors:
    """F16 for one entry and F32 for the other: both may occur."""
    blocks = -(-count // 16)
    kind = np.float16 if attention else np.float32
    prefix = f"gaussian/deform/{name}"
    found: Tensors = {
        f"{prefix}/still": rng.normal(size=(blocks, widths[0], 16)).astype(kind),
    }
    if attention:
        found[f"{prefix}/attention"] = rng.normal(size=(blocks, attention, 16)).astype(kind)
    for i, (a, b) in enumerate(pairwise(widths)):
        gain = 0.03 if i == len(widths) - 2 else a**-0.5
        found[f"{prefix}/layer{i}"] = (rng.normal(size=(a, b)) * gain).astype(np.float32)
    return found


def rows_of(blocks: NDArray[Any], count: int) -> NDArray[np.float32]:
    """[count, C] from [blocks, C, 16]."""
    return blocks.swapaxes(1, 2).reshape(-1, blocks.shape[1])[:count].astype(np.float32)


def mix_graph(name: str, rng: np.random.Generator, mix: tuple[int, int]) -> Tensors:
    """mix = tanh([window, action units] W), reshaped; the mouth does not see the action units."""
    from onnx import helper

    rows = WINDOW * CHANNELS * ROW_WIDTH
    inputs = {"window": (WINDOW, CHANNELS, ROW_WIDTH)}
    nodes = [helper.make_node("Reshape", ["window", "flat"], ["heard"])]
    width = rows
    if name == "face":
        inputs["action_units"] = (1, UNITS)
        nodes.append(helper.make_node("Concat", ["heard", "action_units"], ["seen"], axis=1))
        width += UNITS
    nodes += [
        helper.make_node("MatMul", ["seen" if name == "face" else "heard", "W"], ["sum"]),
        helper.make_node("Tanh", ["sum"], ["bent"]),
        helper.make_node("Reshape", ["bent", "shape"], ["mix"]),
    ]
    constants = {
        "flat": np.array([1, rows], np.int64),
        "shape": np.array(mix, np.int64),
        "W": (rng.normal(size=(width, mix[0] * mix[1])) * 0.3).astype(np.float32),
    }
    return model(f"{name}_mix", nodes, inputs, {"mix": mix}, constants)


def moving_graph(name: str, tensors: Tensors) -> Tensors:
    """FORMAT.md, section 8.1, in ONNX: from the mix to the attributes."""
    from onnx import helper

    count = FACE if name == "face" else MOUTH
    first = 0 if name == "face" else MOUTH_AT
    stored = {
        key.rsplit("/", 1)[1]: value
        for key, value in tensors.items()
        if key.startswith(f"gaussian/deform/{name}/")
    }
    constants: dict[str, NDArray[Any]] = {
        "still": rows_of(stored["still"], count),
        "layer0": stored["layer0"],
        "layer1": stored["layer1"],
        "rest": tensors["gaussian/means"][first : first + count],
    }
    outputs: dict[str, tuple[int, ...]] = {"means": (count, 3)}
    if name == "face":
        constants["attention"] = rows_of(stored["attention"], count)
        nodes = [helper.make_node("MatMul", ["attention", "mix"], ["mixed"])]
        mix = (ATTENTION, FACE_WIDTHS[0])
    else:
        nodes = [helper.make_node("Identity", ["mix"], ["mixed"])]
        mix = (1, MOUTH_WIDTHS[0])
    nodes += [
        helper.make_node("Add", ["still", "mixed"], ["sum0"]),
        helper.make_node("Relu", ["sum0"], ["x0"]),
        helper.make_node("MatMul", ["x0", "layer0"], ["sum1"]),
        helper.make_node("Relu", ["sum1"], ["x1"]),
        helper.make_node("MatMul", ["x1", "layer1"], ["y"]),
    ]
    if name == "face":
        constants |= {key: stored[key] for key in ("quats", "scales")}
        constants = {f"raw_{k}" if k in ("quats", "scales") else k: v for k, v in constants.items()}
        constants["parts"] = np.array([3, 4, 3], np.int64)
        outputs |= {"quats": (count, 4), "scales": (count, 3)}
        nodes += [
            helper.make_node("Split", ["y", "parts"], ["place", "turn", "grow"], axis=1),
            helper.make_node("Add", ["rest", "place"], ["means"]),
            helper.make_node("Add", ["raw_quats", "turn"], ["turned"]),
            helper.make_node("LpNormalization", ["turned"], ["quats"], axis=1, p=2),
            helper.make_node("Add", ["raw_scales", "grow"], ["grown"]),
            helper.make_node("Softplus", ["grown"], ["scales"]),
        ]
    else:
        nodes.append(helper.make_node("Add", ["rest", "y"], ["means"]))
    return model(name, nodes, {"mix": mix}, outputs, constants)


def model(
    name: str,
    nodes: list[Any],
    inputs: dict[str, tuple[int, ...]],
    outputs: dict[str, tuple[int, ...]],
    constants: Tensors,
) -> Tensors:
    """The plan's tensors of a graph: weights over 1 KiB are external, as FORMAT.md has it."""
    from onnx import TensorProto, helper, numpy_helper

    def values(ports: dict[str, tuple[int, ...]]) -> list[Any]:
        return [
            helper.make_tensor_value_info(port, TensorProto.FLOAT, shape)
            for port, shape in ports.items()
        ]

    found: Tensors = {}
    initializers = []
    for key, value in constants.items():
        array = np.ascontiguousarray(value)
        entry = numpy_helper.from_array(array, key)
        if array.nbytes > 1024:
            location = f"weight/{name}/{key}"
            entry.ClearField("raw_data")
            entry.data_location = TensorProto.EXTERNAL
            facts = {"location": location, "offset": "0", "length": str(array.nbytes)}
            for fact, text in facts.items():
                entry.external_data.add(key=fact, value=text)
            found[location] = array
        initializers.append(entry)
    graph = helper.make_graph(nodes, name, values(inputs), values(outputs), initializers)
    made = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)], producer_name="talkrt"
    )
    payload = made.SerializeToString(deterministic=True)
    found[f"graph/{name}"] = np.frombuffer(payload, np.uint8)
    return found


if __name__ == "__main__":
    from talkrt.export.plan import write_plan

    write_plan(Path(__file__).with_name("tiny_avatar.plan"), *tiny_avatar())
