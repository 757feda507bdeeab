# SPDX-License-Identifier: Apache-2.0
"""A Gaussian plan lies about features, motion, emotions, or its check clip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from starting_points import Case, gaussian_case, removing, setting, tensor


def features_cases() -> Iterator[Case]:
    yield gaussian_case("features_missing", "manifest features is absent", removing("features"))
    yield gaussian_case("fft_not_a_power", "fft_size is 500", setting("features.fft_size", 500))
    yield gaussian_case("window_over_fft", "window is 513", setting("features.window", 513))
    yield gaussian_case("hop_zero", "hop is 0", setting("features.hop", 0))
    yield gaussian_case("mels_many", "mels is 1000000000", setting("features.mels", 10**9))
    yield gaussian_case("f_max_over_nyquist", "f_max is 8001", setting("features.f_max", 8001))
    yield gaussian_case("f_max_under_f_min", "more than f_min", setting("features.f_max", 50.0))
    yield gaussian_case("floor_zero", "floor is 0", setting("features.floor", 0))


def motion_cases() -> Iterator[Case]:
    def case(name: str, message: str, path: str, value: Any) -> Case:
        return gaussian_case(name, message, setting(path, value))

    graph = "graphs.0."
    yield gaussian_case("motion_missing", "manifest motion is absent", removing("motion"))
    yield case("motion_graph_unknown", 'motion.graph is "lips"', "motion.graph", "lips")
    yield case("motion_graph_per_frame", "runs once per window", graph + "runs", "frame")
    yield case("motion_mel_shape", "mel F32 [1, 4, 80]", graph + "inputs.0.shape", [1, 4, 80])
    yield case(
        "motion_no_features", "without an input from features", graph + "inputs.0.from", "controls"
    )
    yield gaussian_case(
        "motion_two_features",
        "two inputs from features",
        lambda m, t: m["graphs"][0]["inputs"].append(
            m["graphs"][0]["inputs"][0] | {"name": "mel2"}
        ),
    )
    yield case("motion_no_closure", "without output closure", graph + "outputs.1.name", "shut")
    yield case("motion_wide_energy", "energy F32 [1, 2]", graph + "outputs.2.shape", [1, 2])
    yield case("motion_step", "step_samples is 321", "motion.step_samples", 321)
    yield case("motion_looks_far", "a look-ahead of 1921 samples", "motion.time_offset", -1361)
    yield case("motion_looks_back", "a look-ahead of -1 samples", "motion.time_offset", 561)
    rows = "motion.coefficients"
    yield case("row_past_end", "coefficients[0].output is 14", rows + ".0.output", 14)
    yield case("row_negative", "coefficients[0].output is -1", rows + ".0.output", -1)
    yield case("row_twice", "a row that is not used yet", rows + ".1.output", 0)
    yield case("row_channel_twice", "no other row drives", rows + ".1.channels", ["jawOpen"])
    yield case(
        "row_pose_channel", '"headYaw", expected an ARKit', rows + ".1.channels", ["headYaw"]
    )
    yield case("row_no_channel", "channels is an array of 0", rows + ".1.channels", [])
    yield case("emotions_none", "emotions is an array of 0", "motion.emotions", [])
    yield case("emotions_order", 'emotions[1].name is "joy"', "motion.emotions.1.name", "joy")
    yield case(
        "emotion_channel",
        '["tongueOut"] is "tongueOut"',
        "motion.emotions.1.channels",
        {"tongueOut": 1},
    )
    yield case(
        "emotion_pose", '["headYaw"] is "headYaw"', "motion.emotions.1.channels", {"headYaw": 1}
    )
    yield case("emotion_strong", '["jawOpen"] is 2', "motion.emotions.1.channels", {"jawOpen": 2})
    yield case(
        "emotion_many_channels",
        "an object of 53 keys, expected at most 52",
        "motion.emotions.1.channels",
        {f"c{i}": 0 for i in range(53)},
    )
    yield case("emotion_number", "name is an object", "motion.emotions.1.name", {})
    yield case("emotion_head", "head.pitch is 1000", "motion.emotions.1.head", {"pitch": 1000})
    yield case("idle_gaze", "gaze_share is 1.5", "motion.idle.gaze_share", 1.5)
    yield case("idle_head", "head_degrees is an array of 2", "motion.idle.head_degrees", [1, 1])


def check_cases() -> Iterator[Case]:
    yield gaussian_case("check_order", "check.frames[1] is 1", setting("check.frames", [1, 1]))
    yield gaussian_case("check_no_picture", "check/frame/3 is absent", setting("check.frames", [3]))
    yield gaussian_case("check_no_audio", "check/audio is absent", tensor("check/audio", None))
    yield gaussian_case(
        "check_past_audio", "frame 2 is at sample 133", tensor("check/audio", np.zeros(133, "f4"))
    )
    yield gaussian_case(
        "check_empty", "check/frame/2 is empty", tensor("check/frame/2", np.zeros(0, "u1"))
    )
