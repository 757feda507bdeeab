# SPDX-License-Identifier: Apache-2.0
"""A Gaussian plan lies about its rig or its tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tiny_plan
from starting_points import (
    CORRUPT,
    UNSUPPORTED,
    Case,
    element,
    gaussian_case,
    removing,
    setting,
    tensor,
)


def rig_cases() -> Iterator[Case]:
    def case(name: str, message: str, path: str, value: Any, code: str = CORRUPT) -> Case:
        return gaussian_case(name, message, setting(f"gaussian.{path}", value), code=code)

    knots = "shapes.0.factors.0.knots"
    flat = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    yield gaussian_case("gaussian_missing", "manifest gaussian is absent", removing("gaussian"))
    yield case("count_zero", "gaussian.count is 0", "count", 0)
    yield case("count_huge", "gaussian.count is 4294967296", "count", 2**32)
    yield case("count_lies", "gaussian/means is F32 [20, 3]", "count", 21)
    yield case("sh_degree_four", "sh_degree is 4", "sh_degree", 4)
    yield case("antialias_number", "antialias is 1", "antialias", 1)
    yield case("viewmat_nine", "viewmat is an array of 9", "camera.viewmat", [1] * 9)
    yield case("viewmat_column_major", "0 0 0 1 as last row", "camera.viewmat", [*flat[:14], 1, 1])
    yield case("viewmat_scaled", "viewmat is not rigid", "camera.viewmat", [2, *flat[1:]])
    yield case("viewmat_mirrored", "a mirror image", "camera.viewmat", [-1, *flat[1:]])
    yield case("K_skewed", "without skew", "camera.K", [160, 1, 32, 0, 160, 32, 0, 0, 1])
    yield case("K_no_focus", "fx or fy not above 0", "camera.K", [0, 0, 32, 0, 160, 32, 0, 0, 1])
    yield case("background_bright", "background[2] is 1.5", "background", [0, 0, 1.5])
    yield case(
        "channel_unknown", '"jawOpne"', "channels", [*tiny_plan.CHANNELS, "jawOpne"], UNSUPPORTED
    )
    yield case("channel_twice", "not listed yet", "channels", [*tiny_plan.CHANNELS, "jawOpen"])
    yield case("shape_twice", 'shapes[1].name is "jawOpen"', "shapes.1.name", "jawOpen")
    yield case("shape_no_factor", "factors is an array of 0", "shapes.0.factors", [])
    yield case("factor_unlisted", '"tongueOut"', "shapes.0.factors.0.channel", "tongueOut")
    yield case("knots_one", "knots is an array of 1", knots, [[0, 0]])
    yield case("knots_nine", "knots is an array of 9", knots, [[i, 0] for i in range(9)])
    yield case("knots_level", "more than the knot before", knots, [[0, 0], [0, 1]])
    yield case("knots_triple", "knots[1] is an array of 3", knots, [[0, 0], [1, 1, 1]])
    yield case("knots_text", 'knots[1][1] is "1"', knots, [[0, 0], [1, "1"]])
    yield case("joints_none", "joints is an array of 0", "joints", [])
    yield gaussian_case(
        "joints_twenty",
        "joints is an array of 20",
        lambda m, t: m["gaussian"].update(joints=m["gaussian"]["joints"] * 5),
    )
    yield case("joint_own_parent", "joints[2].parent is 2", "joints.2.parent", 2)
    yield case("joint_later_parent", "joints[0].parent is 3", "joints.0.parent", 3)
    yield case("joint_axis", 'axis is "z"', "joints.3.rotation.0.axis", "z")
    yield case("joint_channel", '"cheekPuff"', "joints.3.rotation.0.channel", "cheekPuff")
    yield case("joint_gain", "gain is 1e+30", "joints.3.rotation.0.gain", 1e30)
    yield case("joint_pivot", "pivot is an array of 2", "joints.1.pivot", [0, 0])


def tensor_cases() -> Iterator[Case]:
    f4, f2, u4 = np.float32, np.float16, np.uint32
    yield gaussian_case("means_absent", "gaussian/means is absent", tensor("gaussian/means", None))
    yield gaussian_case(
        "means_halves", "means is F16 [20, 3]", tensor("gaussian/means", np.zeros((20, 3), f2))
    )
    yield gaussian_case("means_nan", "means[4] is NaN", element("gaussian/means", (1, 1), np.nan))
    yield gaussian_case("means_far", "means[0] is 1e+30", element("gaussian/means", (0, 0), 1e30))
    yield gaussian_case("quats_zero", "quats[3] is of length 0", element("gaussian/quats", 3, 0.0))
    yield gaussian_case(
        "quats_long", "quats[19] is of length 2", element("gaussian/quats", 19, 1.0)
    )
    yield gaussian_case(
        "scales_negative", "scales[59] is -0.01", element("gaussian/scales", (19, 2), -0.01)
    )
    yield gaussian_case(
        "scales_infinite", "scales[2] is NaN or inf", element("gaussian/scales", (0, 2), np.inf)
    )
    yield gaussian_case(
        "opacity_high", "opacities[7] is 1.5", element("gaussian/opacities", 7, 1.5)
    )
    yield gaussian_case(
        "opacity_logit", "opacities[8] is -2", element("gaussian/opacities", 8, -2.0)
    )
    yield gaussian_case(
        "sh_bases", "sh is F32 [20, 4, 3]", tensor("gaussian/sh", np.zeros((20, 4, 3), f4))
    )
    yield gaussian_case("layers_two", "layers[5] is 2", element("gaussian/layers", 5, 2))
    yield gaussian_case(
        "layers_short", "layers is U8 [19]", tensor("gaussian/layers", np.zeros(19, np.uint8))
    )
    yield gaussian_case(
        "picture_no_rows",
        "background is U8 [0, 2, 3]",
        tensor("gaussian/background", np.zeros((0, 2, 3), np.uint8)),
    )
    yield gaussian_case(
        "picture_rgba",
        "expected U8 [any, any, 3]",
        tensor("gaussian/background", np.zeros((2, 2, 4), np.uint8)),
    )
    basis = "gaussian/basis/"
    yield gaussian_case("basis_offsets_start", "shapes[0] is 1", element(basis + "shapes", 0, 1))
    yield gaussian_case("basis_offsets_fall", "shapes[2] is 1", element(basis + "shapes", 2, 1))
    yield gaussian_case(
        "basis_offsets_past", "shapes[3] is 4294967295", element(basis + "shapes", 3, 2**32 - 1)
    )
    yield gaussian_case(
        "basis_offsets_end", "the number of entries", element(basis + "shapes", 3, 3)
    )
    yield gaussian_case(
        "basis_offsets_many", "shapes is U32 [5]", tensor(basis + "shapes", np.zeros(5, u4))
    )
    yield gaussian_case("basis_block_past", "blocks[2] is 2", element(basis + "blocks", 2, 2))
    yield gaussian_case(
        "basis_block_repeats", "blocks ascend within", element(basis + "blocks", 0, 1)
    )
    yield gaussian_case(
        "basis_deltas_short",
        "deltas is F16 [3, 16, 16]",
        tensor(basis + "deltas", np.zeros((3, 16, 16), f2)),
    )
    yield gaussian_case(
        "basis_deltas_nan", "deltas[1023] is NaN", element(basis + "deltas", (3, 15, 15), np.nan)
    )
    weights = "gaussian/joint_weights"
    yield gaussian_case(
        "weights_sum", "the sum for Gaussian 19 is 0", element(weights, (1, slice(None), 3), 0)
    )
    yield gaussian_case(
        "weights_negative", "joint_weights[16] is -0.5", element(weights, (0, 1, 0), -0.5)
    )
    yield gaussian_case(
        "weights_joints",
        "joint_weights is F16 [2, 3, 16]",
        tensor(weights, np.zeros((2, 3, 16), f2)),
    )
