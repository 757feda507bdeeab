# SPDX-License-Identifier: Apache-2.0
"""A plan of a portrait and a voice lies about its sizes, its graphs' roles, or its numbers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from starting_points import (
    CORRUPT,
    UNSUPPORTED,
    Case,
    Manifest,
    Tensors,
    edited,
    element,
    removing,
    setting,
    tensor,
)

SIDE, FRAMES, PREVIOUS, MOTION = 128, 4, 2, 70
POINTS = [1, 21, 3]
IMAGE = [1, 3, SIDE // 2, SIDE // 2]
ROLES = (
    "portrait_motion", "portrait_appearance", "speech", "denoise", "warp", "picture", "stitch",
    "retarget_eyes", "retarget_lips",
)  # fmt: skip
MOTION_GRAPH, SPEECH, DENOISE, WARP, PICTURE, STITCH = 0, 2, 3, 4, 5, 6


def graph(name: str, runs: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> Manifest:
    def port(label: str, shape: list[int], source: str = "") -> Manifest:
        entry = {"name": label, "dtype": "F32", "shape": shape}
        return entry | ({"from": source} if source else {})

    return {
        "name": name, "runs": runs,
        "inputs": [port(label, *given) for label, given in inputs.items()],
        "outputs": [port(label, shape) for label, shape in outputs.items()],
    }  # fmt: skip


def graphs() -> list[Manifest]:
    image, source = (IMAGE, "pipeline"), (POINTS, "portrait_motion.keypoints")
    driving, change = (POINTS, "pipeline"), {"change": POINTS}
    pose = {
        "keypoints": POINTS, "canonical": POINTS, "expression": POINTS, "scale": [1, 1],
        "translation": [1, 3], "rotation": [1, 3, 3],
    }  # fmt: skip
    moves = {"kp_source": source, "kp_driving": driving}
    noisy = {
        "motion": ([1, FRAMES, MOTION], "pipeline"),
        "prev_motion": ([1, PREVIOUS, MOTION], "pipeline"),
        "rows": ([8], "speech.rows"), "step": ([1], "pipeline"), "guidance": ([1], "pipeline"),
    }  # fmt: skip
    samples = ([1, 640 * FRAMES + 80], "pipeline")
    made = [
        graph("portrait_motion", "portrait", {"image": image}, pose),
        graph(
            "portrait_appearance", "portrait", {"image": image, "kp_source": source}, {"table": [4]}
        ),
        graph("speech", "window", {"samples": samples}, {"rows": [8]}),
        graph("denoise", "window", noisy, {"clean": [1, FRAMES, MOTION]}),
        graph(
            "warp", "frame", moves | {"table": ([4], "portrait_appearance.table")}, {"warped": [2]}
        ),
        graph("picture", "frame", {"warped": ([2], "warp.warped")}, {"rgb": [1, 3, SIDE, SIDE]}),
        graph("stitch", "frame", moves, {"stitched": POINTS}),
    ]
    for part, ratios in (("eyes", 3), ("lips", 2)):
        given = {"kp_source": source, "ratios": ([1, ratios], "pipeline")}
        made.append(graph(f"retarget_{part}", "frame", given, change))
    made[SPEECH]["states"] = [
        {"input": "prev_audio", "output": "next", "dtype": "F32", "shape": [1, 2], "init": None}
    ]
    return made


def vasa1_plan() -> tuple[Manifest, Tensors]:
    """Every graph and no network; without a check clip."""
    manifest = {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "vasa1",
        "name": "smallest",
        "untrained": {"seed": 3},
        "audio": {"sample_rate": 16000},
        "video": {"width": SIDE, "height": SIDE, "fps": [25, 1]},
        "graphs": graphs(),
        "vasa1": {
            "keypoints": 21, "motion": MOTION, "positions": "constant", "precision": "float32",
            "window": {"frames": FRAMES, "previous": PREVIOUS},
            "diffusion": {
                "schedule": "cosine", "steps": 10, "default_steps": 5, "guidance": 2.8,
            },
            "smoothing": 0.01, "multiplier": 1.1, "stitching": True,
            "graphs": {role: role for role in ROLES},
        },
    }  # fmt: skip
    tensors: Tensors = {f"graph/{role}": np.frombuffer(b"\x08\x08", np.uint8) for role in ROLES} | {
        "vasa1/start_motion": np.zeros((1, PREVIOUS, MOTION), np.float32),
        "vasa1/mean_exp": np.zeros(63, np.float32),
        "vasa1/std_exp": np.ones(63, np.float32),
        "vasa1/min_pose": np.zeros(7, np.float32),
        "vasa1/max_pose": np.ones(7, np.float32),
    }
    return manifest, tensors


def vasa1_cases() -> Iterator[Case]:
    def case(name: str, message: str, *edits: Any, code: str = CORRUPT) -> Case:
        return Case(f"vasa1_{name}", message, edited(vasa1_plan(), *edits), code)

    def field(name: str, message: str, path: str, value: Any, code: str = CORRUPT) -> Case:
        return case(name, message, setting(path, value), code=code)

    yield case("absent", "manifest vasa1 is absent", removing("vasa1"))
    yield field("gaussian", "manifest gaussian is present", "gaussian", {})
    yield field("rate", "sample_rate is 8000, expected 16000", "audio.sample_rate", 8000)
    yield field("fps", "video.fps is 30/1, expected 25/1", "video.fps", [30, 1])
    yield field("wide", "video.height is 128, expected 256", "video.width", 256)
    yield field("narrow", "video.width is 64,", "video.width", 64)
    yield field("odd", "video.width is 129, expected an even", "video.width", 129)
    yield field("untrained", "untrained.seed is -1", "untrained", {"seed": -1})
    yield field("untrained_text", 'manifest untrained is "yes"', "untrained", "yes")
    yield field("keypoints", "vasa1.keypoints is 20,", "vasa1.keypoints", 20)
    yield field("motion", "vasa1.motion is 69,", "vasa1.motion", 69)
    yield field("positions", 'positions is "relative"', "vasa1.positions", "relative", UNSUPPORTED)
    yield field("precision", 'precision is "int8"', "vasa1.precision", "int8", UNSUPPORTED)
    yield field("previous", "window.previous is 5,", "vasa1.window.previous", 5)
    diffusion = "vasa1.diffusion"
    yield field("schedule", 'schedule is "linear"', f"{diffusion}.schedule", "linear", UNSUPPORTED)
    yield field("steps", "diffusion.steps is 0,", f"{diffusion}.steps", 0)
    yield field("default_steps", "default_steps is 11,", f"{diffusion}.default_steps", 11)
    yield field("guidance", "guidance is 21,", f"{diffusion}.guidance", 21)
    yield field("smoothing", "smoothing is 0,", "vasa1.smoothing", 0)
    yield field("stitching", "stitching is 1,", "vasa1.stitching", 1)
    yield from _roles(case, field)
    yield from _tensors_and_clip(case)


def _roles(case: Any, field: Any) -> Iterator[Case]:
    roles = "vasa1.graphs"
    yield case("role_absent", f"manifest {roles}.warp is absent", removing(f"{roles}.warp"))
    yield field("role_unknown", 'graphs["blink"] is a role', f"{roles}.blink", "stitch")
    yield field("role_twice", "picture is \"warp\", expected a graph that has no role yet",
                f"{roles}.picture", "warp")  # fmt: skip
    yield field("role_no_graph", 'graphs.speech is "voice"', f"{roles}.speech", "voice")
    yield case("role_no_stitch", "vasa1.graphs.stitch is absent", removing(f"{roles}.stitch"))
    yield case("role_none", "no role for graph retarget_eyes", removing(f"{roles}.retarget_eyes"))
    yield field("role_runs", "which runs once per frame", f"graphs.{DENOISE}.runs", "frame")
    yield field(
        "frame_feeds_portrait",
        "runs no more often than portrait_appearance",
        f"graphs.{MOTION_GRAPH}.runs",
        "clip",
    )
    yield field(
        "image_shape",
        "input image F32 [1, 3, 32, 32] from pipeline, expected image F32 [1, 3, 64, 64]",
        f"graphs.{MOTION_GRAPH}.inputs.0.shape",
        [1, 3, 32, 32],
    )
    yield field(
        "image_from", "image F32 [1, 3, 64, 64] from controls",
        f"graphs.{MOTION_GRAPH}.inputs.0.from", "controls",
    )  # fmt: skip
    yield case(
        "no_step", "graph denoise without input step", removing(f"graphs.{DENOISE}.inputs.3")
    )
    yield field("step_integer", "input step I64 [1]", f"graphs.{DENOISE}.inputs.3.dtype", "I64")
    yield field(
        "samples", "samples F32 [1, 2640] from pipeline, expected samples F32 [1, 3280]",
        "vasa1.window.frames", 5,
    )  # fmt: skip
    extra = {"name": "noise", "dtype": "F32", "shape": [1], "from": "pipeline"}
    yield case("more_inputs", "graph stitch with input noise", adding(STITCH, "inputs", extra))
    yield case("warp_reads_pipeline", "graph warp with input noise", adding(WARP, "inputs", extra))
    extra = {"name": "depth", "dtype": "F32", "shape": [1]}
    yield case("more_outputs", "graph picture with output depth", adding(PICTURE, "outputs", extra))
    yield field("rgb", "output rgb F32 [1, 3, 64, 64]", f"graphs.{PICTURE}.outputs.0.shape",
                [1, 3, 64, 64])  # fmt: skip
    yield case(
        "speech_stateless", "graph speech with 0 states", removing(f"graphs.{SPEECH}.states")
    )
    state = {"input": "a", "output": "b", "dtype": "F32", "shape": [1]}
    yield field("warp_state", "graph warp with 1 states", f"graphs.{WARP}.states", [state])
    yield field("macs", "multiply_adds is -1", f"graphs.{WARP}.multiply_adds", -1)
    yield field("bytes", 'graphs[4].bytes is "many"', f"graphs.{WARP}.bytes", "many")


def _tensors_and_clip(case: Any) -> Iterator[Case]:
    yield case("no_template", "vasa1/std_exp is absent", tensor("vasa1/std_exp", None))
    yield case("template_far", "min_pose[3] is 2e+06", element("vasa1/min_pose", 3, 2e6))
    yield case(
        "start_shape",
        "vasa1/start_motion is F32 [1, 3, 70]",
        tensor("vasa1/start_motion", np.zeros((1, 3, MOTION), np.float32)),
    )
    yield case(
        "tensor_unknown", "tensor vasa1/noise is present", tensor("vasa1/noise", np.zeros(1, "f4"))
    )
    clip = {
        "frames": [0], "fps": [25, 1], "width": SIDE, "height": SIDE, "min_psnr_db": 40,
        "sampling": {"seed": 1, "steps": 5, "eta": 1, "guidance": 2.8},
    }  # fmt: skip

    def changed(**parts: Any) -> Any:
        return setting("check", copy.deepcopy(clip) | parts)

    yield case("clip_size", "check.width is 64, expected 128", changed(width=64))
    yield case(
        "clip_no_sampling", "check.sampling is absent", changed(), removing("check.sampling")
    )
    yield case("clip_steps", "sampling.steps is 11", changed(), setting("check.sampling.steps", 11))
    yield case("clip_eta", "sampling.eta is 2", changed(), setting("check.sampling.eta", 2))
    yield case("clip_seed", "sampling.seed is 1.5", changed(), setting("check.sampling.seed", 1.5))
    yield case("clip_no_portrait", "check/portrait is absent", changed())
    yield case(
        "clip_portrait", "check/portrait is U8 [2, 2, 3]", changed(),
        tensor("check/portrait", np.zeros((2, 2, 3), np.uint8)),
    )  # fmt: skip


def adding(index: int, kind: str, port: Manifest) -> Any:
    def edit(manifest: Manifest, _: Tensors) -> None:
        manifest["graphs"][index][kind].append(port)

    return edit
