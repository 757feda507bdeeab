# SPDX-License-Identifier: Apache-2.0
"""The smallest plan that uses everything: tests/data/tiny.plan, and what hostile files start from.

48 Gaussians in 3 blocks and 2 layers, 4 joints, shapes of every kind (plain, in-between, tent,
corrective, empty), eight emotions, and a real ONNX network with one state and external weights.
`python tests/data/tiny_plan.py` writes tiny.plan anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]

COUNT = 48
HIDDEN = 8
ROWS = 14
SH_C0 = 0.28209479177387814
CHANNELS = (
    "browInnerUp", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
    "jawForward", "jawOpen", "mouthFrownLeft", "mouthFrownRight", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "headPitch", "headYaw", "headRoll",
    "eyePitch", "eyeYaw", "breath",
)  # fmt: skip
RAMP = [[0.0, 0.0], [1.0, 1.0]]
# name, factors, the blocks it moves
SHAPES: tuple[tuple[str, tuple[tuple[str, list[list[float]]], ...], tuple[int, ...]], ...] = (
    ("jawOpen", (("jawOpen", RAMP),), (0, 2)),
    ("mouthSmileLeft", (("mouthSmileLeft", RAMP),), (0,)),
    ("mouthSmileRight", (("mouthSmileRight", RAMP),), (0, 1)),
    ("eyeBlinkLeft@0.5", (("eyeBlinkLeft", [[0.0, 0.0], [0.5, 1.0], [1.0, 0.0]]),), (1,)),
    ("eyeBlinkLeft", (("eyeBlinkLeft", [[0.5, 0.0], [1.0, 1.0]]),), (1,)),
    ("jawOpen*mouthSmileLeft", (("jawOpen", RAMP), ("mouthSmileLeft", RAMP)), (0,)),
    ("browInnerUp", (("browInnerUp", RAMP),), ()),
)
EMOTIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "happy": {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.55, "cheekSquintLeft": 0.5},
    "sad": {"browInnerUp": 0.6, "mouthFrownLeft": 0.4, "mouthFrownRight": 0.4},
    "angry": {"mouthFrownLeft": 0.2, "cheekSquintRight": 0.2},
    "surprised": {"browInnerUp": 0.7, "jawOpen": 0.12},
    "fearful": {"browInnerUp": 0.75, "mouthStretchLeft": 0.4, "mouthStretchRight": 0.4},
    "disgusted": {"cheekSquintLeft": 0.25, "cheekSquintRight": 0.25},
    "contempt": {"mouthSmileLeft": 0.25},
}


def tiny_plan(count: int = COUNT) -> tuple[dict[str, Any], Tensors]:
    """The manifest and the tensors; `count` 33 to 48 leaves lanes of the last block unused."""
    graph, weights = speech_to_motion()
    tensors = gaussian_tensors(count) | weights
    tensors["graph/speech_to_motion"] = graph
    tensors["state/speech_to_motion/state0"] = np.full((1, HIDDEN), 0.25, np.float32)
    return manifest(count), tensors


def manifest(count: int = COUNT) -> dict[str, Any]:
    return {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "gaussian",
        "name": "tiny",
        "licence": "Apache-2.0",
        "created_by": "tests/data/tiny_plan.py",
        "audio": {"sample_rate": 16000},
        "video": {"width": 64, "height": 64, "fps": [25, 1]},
        "budget": {"host_bytes": 64 << 20, "device_bytes": 64 << 20},
        "graphs": [
            {
                "name": "speech_to_motion",
                "runs": "window",
                "inputs": [
                    {"name": "mel", "dtype": "F32", "shape": [1, 2, 80], "from": "features"}
                ],
                "outputs": [
                    {"name": "coefficients", "dtype": "F32", "shape": [1, ROWS]},
                    {"name": "closure", "dtype": "F32", "shape": [1, 1]},
                    {"name": "energy", "dtype": "F32", "shape": [1, 1]},
                ],
                "states": [
                    {
                        "input": "state0_in",
                        "output": "state0_out",
                        "dtype": "F32",
                        "shape": [1, HIDDEN],
                        "init": "state/speech_to_motion/state0",
                    }
                ],
            }
        ],
        "features": {
            "kind": "log_mel", "fft_size": 512, "window": 400, "hop": 160, "mels": 80,
            "f_min": 60.0, "f_max": 7600.0, "floor": 1e-5,
        },
        "motion": motion(),
        "gaussian": rig(count),
    }  # fmt: skip


def motion() -> dict[str, Any]:
    rows = [c for c in CHANNELS if not c.startswith(("head", "eyePitch", "eyeYaw", "breath"))]
    return {
        "graph": "speech_to_motion",
        "step_samples": 320,
        "frames_per_step": 2,
        "time_offset": -1200,
        "coefficients": [
            {"output": 0, "channels": ["jawOpen"]},
            {"output": 3, "channels": ["mouthStretchLeft", "mouthStretchRight"]},
            *(
                {"output": 4 + i, "channels": [c]}
                for i, c in enumerate(r for r in rows if r.startswith(("mouthSmile", "mouthFrown")))
            ),
        ],
        "emotions": [
            {
                "name": name,
                "channels": channels,
                "head": {"motion": 1.0, "pitch": 1.0, "yaw": 0.0, "roll": -1.0},
                "blink": 1.0,
            }
            for name, channels in EMOTIONS.items()
        ],
        "idle": {
            "blinks_per_minute": 17.0, "gaze_share": 0.88, "head_degrees": [2.2, 2.5, 1.3],
            "breaths_per_minute": 14.0,
        },
    }  # fmt: skip


def rig(count: int = COUNT) -> dict[str, Any]:
    def drive(axis: str, channel: str, gain: float) -> dict[str, Any]:
        return {"axis": axis, "channel": channel, "gain": gain}

    def joint(
        name: str, parent: int, pivot: list[float], rotation: Any = (), translation: Any = ()
    ) -> dict[str, Any]:
        return {
            "name": name, "parent": parent, "pivot": pivot,
            "rotation": list(rotation), "translation": list(translation),
        }  # fmt: skip

    turns = [("pitch", "headPitch"), ("yaw", "headYaw"), ("roll", "headRoll")]
    return {
        "count": count,
        "sh_degree": 1,
        "antialias": False,
        "camera": {
            # Half a metre before the face, looking back at it: turned half around x.
            "viewmat": [1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0.5, 0, 0, 0, 1],
            "K": [160, 0, 32, 0, 160, 32, 0, 0, 1],
        },
        "background": [0.30, 0.33, 0.37],
        "channels": list(CHANNELS),
        "shapes": [
            {"name": name, "factors": [{"channel": c, "knots": k} for c, k in factors]}
            for name, factors, _ in SHAPES
        ],
        "joints": [
            joint("torso", -1, [0, -0.2, -0.06], [], [drive("y", "breath", 0.002)]),
            joint("neck", 0, [0, -0.12, -0.07], [drive(a, c, 0.4) for a, c in turns]),
            joint("head", 1, [0, -0.05, -0.07], [drive(a, c, 0.6) for a, c in turns]),
            joint("jaw", 2, [0, -0.042, -0.062], [drive("pitch", "jawOpen", 25.0)],
                  [drive("z", "jawForward", 0.004)]),
        ],
    }  # fmt: skip


def gaussian_tensors(count: int = COUNT) -> Tensors:
    """A face-sized patch of soft dots, darker behind than in front."""
    rng = np.random.default_rng(7)
    blocks = -(-count // 16)
    means = rng.uniform(-1, 1, (count, 3)) * [0.07, 0.09, 0.02]
    quats = rng.normal(size=(count, 4))
    layers = (np.arange(count) % 8 == 7).astype(np.uint8)
    sh = rng.normal(size=(count, 4, 3)) * 0.05
    color = rng.uniform(0.3, 0.9, (count, 3)) - 0.3 * layers[:, None]
    sh[:, 0] = (color - 0.5) / SH_C0
    moved = [moves for _, _, moves in SHAPES]
    entries = sum(len(moves) for moves in moved)
    deltas = np.zeros((entries, 16, 16))
    deltas[:, 0:3] = rng.normal(size=(entries, 3, 16)) * 0.004
    deltas[:, 3:12] = rng.normal(size=(entries, 9, 16)) * 0.0004
    deltas[:, 12:15] = rng.normal(size=(entries, 3, 16)) * 0.03
    deltas[:, 15] = rng.normal(size=(entries, 16)) * 0.05
    return {
        "gaussian/means": means.astype(np.float32),
        "gaussian/quats": (quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        "gaussian/scales": rng.uniform(0.004, 0.012, (count, 3)).astype(np.float32),
        "gaussian/opacities": rng.uniform(0.3, 1.0, count).astype(np.float32),
        "gaussian/sh": sh.astype(np.float32),
        "gaussian/layers": layers,
        "gaussian/basis/blocks": np.array([b for moves in moved for b in moves], np.uint32),
        "gaussian/basis/shapes": np.cumsum([0, *(len(m) for m in moved)]).astype(np.uint32),
        "gaussian/basis/deltas": deltas.astype(np.float16),
        "gaussian/joint_weights": joint_weights(rng, count, blocks),
    }


def joint_weights(rng: np.random.Generator, count: int, blocks: int) -> NDArray[np.float16]:
    """Two joints a Gaussian, in eighths, exact in float16; lanes past the end follow joint 0."""
    weights = np.zeros((blocks * 16, 4))
    weights[:, 0] = 1.0
    for g in range(count):
        first, second = rng.choice(4, 2, replace=False)
        share = rng.integers(1, 9) / 8
        weights[g] = 0.0
        weights[g, first] = share
        weights[g, second] = 1 - share
    return weights.reshape(blocks, 16, 4).swapaxes(1, 2).astype(np.float16)


def speech_to_motion() -> tuple[NDArray[np.uint8], Tensors]:
    """hidden = tanh(mel W + state U); three sigmoid heads; state_out = hidden.

    Returns the ONNX bytes and the external weights. W is over 1 KiB and so external, as FORMAT.md
    section 1 has it; the small ones stay inside.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(11)
    W = (rng.normal(size=(160, HIDDEN)) * 0.02).astype(np.float32)
    small = {
        "flat": np.array([1, 160], np.int64),
        "U": (rng.normal(size=(HIDDEN, HIDDEN)) * 0.3).astype(np.float32),
        "head_coefficients": (rng.normal(size=(HIDDEN, ROWS)) * 0.5).astype(np.float32),
        "head_closure": rng.normal(size=(HIDDEN, 1)).astype(np.float32),
        "head_energy": rng.normal(size=(HIDDEN, 1)).astype(np.float32),
    }
    external = helper.make_tensor("W", TensorProto.FLOAT, W.shape, W.tobytes(), raw=True)
    external.ClearField("raw_data")
    external.data_location = TensorProto.EXTERNAL
    location = "weight/speech_to_motion/W"
    for key, value in (("location", location), ("offset", "0"), ("length", str(W.nbytes))):
        external.external_data.add(key=key, value=value)

    def value(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    heads = [
        node
        for name in ("coefficients", "closure", "energy")
        for node in (
            helper.make_node("MatMul", ["state0_out", f"head_{name}"], [f"{name}_logit"]),
            helper.make_node("Sigmoid", [f"{name}_logit"], [name]),
        )
    ]
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["mel", "flat"], ["mel_flat"]),
            helper.make_node("MatMul", ["mel_flat", "W"], ["from_mel"]),
            helper.make_node("MatMul", ["state0_in", "U"], ["from_state"]),
            helper.make_node("Add", ["from_mel", "from_state"], ["sum"]),
            helper.make_node("Tanh", ["sum"], ["state0_out"]),
            *heads,
        ],
        "speech_to_motion",
        [value("mel", 1, 2, 80), value("state0_in", 1, HIDDEN)],
        [
            value("coefficients", 1, ROWS), value("closure", 1, 1), value("energy", 1, 1),
            value("state0_out", 1, HIDDEN),
        ],
        [external, *(numpy_helper.from_array(array, name) for name, array in small.items())],
    )  # fmt: skip
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)], producer_name="talkrt"
    )
    assert isinstance(model, onnx.ModelProto)
    payload = model.SerializeToString(deterministic=True)
    return np.frombuffer(payload, np.uint8), {location: W}


if __name__ == "__main__":
    from talkrt.export.plan import write_plan

    write_plan(Path(__file__).with_name("tiny.plan"), *tiny_plan())
