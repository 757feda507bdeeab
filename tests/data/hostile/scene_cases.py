# SPDX-License-Identifier: Apache-2.0
"""A scene lies about its Gaussians, its cameras, or about being a scene."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from starting_points import (
    CORRUPT,
    UNSUPPORTED,
    Case,
    edited,
    element,
    gaussian_case,
    removing,
    scene_plan,
    setting,
    tensor,
)

FLAT = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def scene_cases() -> Iterator[Case]:
    def case(name: str, message: str, *edits: Any, code: str = CORRUPT) -> Case:
        return Case(name, message, edited(scene_plan(), *edits), code)

    def field(name: str, message: str, path: str, value: Any, code: str = CORRUPT) -> Case:
        return case(name, message, setting(path, value), code=code)

    rate = {"sample_rate": 16000}
    yield field("scene_audio", "manifest audio is present, expected none", "audio", rate)
    yield field("scene_graphs", "manifest graphs is present", "graphs", [])
    yield field("scene_motion", "manifest motion is present", "motion", {})
    yield field("scene_features", "manifest features is present", "features", None)
    yield field("scene_joints", "gaussian.joints is present", "gaussian.joints", [])
    yield field("scene_shapes", "gaussian.shapes is present", "gaussian.shapes", [])
    yield field("scene_channels", "gaussian.channels is present", "gaussian.channels", [])
    yield case("scene_no_video", "manifest video is absent", removing("video"))
    yield case("scene_no_view", "manifest gaussian.view is absent", removing("gaussian.view"))
    yield case("scene_no_camera", "gaussian.camera is absent", removing("gaussian.camera"))
    yield case("scene_no_up", "view.up is absent", removing("gaussian.view.up"))
    view = "gaussian.view"
    yield field("scene_up_zero", "view.up is of length 0,", f"{view}.up", [0, 0, 0])
    yield field("scene_up_long", "view.up is of length 2,", f"{view}.up", [0, 2, 0])
    yield field("scene_up_two", "view.up is an array of 2", f"{view}.up", [0, 1])
    yield field("scene_target_far", "view.target[1] is 10000000.0", f"{view}.target", [0, 1e7, 0])
    yield field("scene_target_text", 'view.target[0] is "0"', f"{view}.target", ["0", 0, 0])
    yield field("scene_view_array", "gaussian.view is an array of 0", view, [])
    yield field(
        "scene_convention", 'convention is "webgl"', "gaussian.convention", "webgl", UNSUPPORTED
    )
    yield field("scene_convention_null", "convention is null", "gaussian.convention", None)
    yield field(
        "scene_viewmat_far",
        "viewmat[3] is 2000000.0",
        "gaussian.camera.viewmat",
        [1, 0, 0, 2e6, *FLAT[4:]],
    )
    yield field("scene_count_lies", "gaussian/means is F32 [4, 3]", "gaussian.count", 5)

    yield case("scene_mean_far", "means[2] is 3e+06", element("gaussian/means", (0, 2), 3e6))
    yield case("scene_scale_far", "scales[4] is 2e+06", element("gaussian/scales", (1, 1), 2e6))
    yield case("scene_scale_negative", "scales[5] is -1", element("gaussian/scales", (1, 2), -1))
    yield case("scene_sh_far", "sh[12] is 1001", element("gaussian/sh", (1, 0, 0), 1001))
    layers = np.zeros(4, np.uint8)
    yield case("scene_layers", "gaussian/layers is present", tensor("gaussian/layers", layers))
    basis = np.zeros(1, np.uint32)
    yield case("scene_basis", "basis/blocks is present", tensor("gaussian/basis/blocks", basis))
    graph = np.zeros(4, np.uint8)
    yield case("scene_graph", "a graph that the manifest lists", tensor("graph/g", graph))

    yield field("scene_check_none", "cameras is an array of 0", "check.cameras", [])
    yield field("scene_check_many", "cameras is an array of 65", "check.cameras", [{}] * 65)
    yield field("scene_check_frames", "check.frames is present", "check.frames", [0])
    yield field("scene_check_empty", "cameras[0].viewmat is absent", "check.cameras", [{}])
    yield field(
        "scene_check_scaled",
        "check.cameras[1].viewmat is not rigid",
        "check.cameras.1.viewmat",
        [2, *FLAT[1:]],
    )
    yield case("scene_check_picture", "check/frame/1 is absent", tensor("check/frame/1", None))

    # The same words in an avatar.
    yield gaussian_case("convention_number", "convention is 1,", setting("gaussian.convention", 1))
    yield gaussian_case(
        "view_far",
        "view.target[0] is 1001",
        setting("gaussian.view", {"target": [1001, 0, 0], "up": [0, 1, 0]}),
    )
