# SPDX-License-Identifier: Apache-2.0
"""An avatar lies about what moves it, what is played, or how its picture is composed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from starting_points import (
    CORRUPT,
    UNSUPPORTED,
    Case,
    attending_plan,
    avatar_plan,
    edited,
    element,
    removing,
    setting,
    tensor,
)

DEFORM = "avatar.deform"
NETWORK = f"{DEFORM}.0.network"
FACE_GRAPH, MIX_GRAPH = "graphs.2", "graphs.0"


def avatar_cases() -> Iterator[Case]:
    def case(name: str, message: str, *edits: Any, code: str = CORRUPT) -> Case:
        return Case(f"avatar_{name}", message, edited(avatar_plan(), *edits), code)

    def field(name: str, message: str, path: str, value: Any, code: str = CORRUPT) -> Case:
        return case(name, message, setting(path, value), code=code)

    yield case("absent", "manifest avatar is absent", removing("avatar"))
    yield field(
        "motion", 'motion is present, expected none in a plan of model "avatar"', "motion", {}
    )
    yield field(
        "joints", "manifest gaussian.joints is present, expected none", "gaussian.joints", []
    )
    yield field(
        "log_mel", 'kind is "log_mel", expected "rows"', "features.kind", "log_mel", UNSUPPORTED
    )
    yield field("no_channels", "features.channels is 0", "features.channels", 0)
    yield case(
        "no_rows", "at least one row", setting("features.before", 0), setting("features.after", 0)
    )
    yield from _deform(case, field)
    yield from _network(case, field)
    yield from _attention()
    yield from _encoder(case)

    yield field("track_none", "track.frames is 0", "avatar.track.frames", 0)
    yield field("torso_negative", "track.torso[1] is -1", "avatar.track.torso", [0, -1])
    yield field("composite", 'kind is "paste"', "avatar.composite.kind", "paste", UNSUPPORTED)
    yield case(
        "dilate_single",
        "dilate is true, expected false",
        setting("avatar.composite", {"kind": "single", "dilate": True}),
    )
    yield field("orbit", "orbit_degrees is 91", "avatar.orbit_degrees", 91)

    source = f"{MIX_GRAPH}.inputs.1"
    yield field(
        "controls", '"controls" for input face_mix.action_units', f"{source}.from", "controls"
    )
    yield field(
        "window",
        "F32 [8, 2, 1] for input face_mix.window",
        f"{MIX_GRAPH}.inputs.0.shape",
        [8, 2, 1],
    )
    yield field(
        "two_rows_played", "F32 [2, 6] for input face_mix.action_units", f"{source}.shape", [2, 6]
    )
    yield field(
        "seven_units", "action_units is F32 [2, 6], expected F32 [2, 7]", f"{source}.shape", [1, 7]
    )
    yield field("not_played", "tensor gaussian/track/brows is absent", f"{source}.name", "brows")

    viewmats = "gaussian/track/viewmats"
    yield case(
        "viewmats_few", "expected F32 [2, 4, 4]", tensor(viewmats, np.zeros((1, 4, 4), "f4"))
    )
    yield case("viewmat_scaled", "viewmats[1] is not rigid", element(viewmats, (1, 0, 0), 2.0))
    yield case("viewmat_far", "viewmats[19] is 2000", element(viewmats, (1, 0, 3), 2000.0))
    yield case(
        "no_background", "gaussian/background is absent", tensor("gaussian/background", None)
    )
    small = np.zeros((2, 4, 3), np.uint8)
    yield case(
        "background_small", "background is U8 [2, 4, 3]", tensor("gaussian/background", small)
    )
    wide = np.zeros((2, 2, 3, 4), np.uint8)
    yield case(
        "torso_sticks_out",
        "within gaussian/background at row 2, column 2",
        tensor("gaussian/track/torsos", wide),
    )
    yield case("layers_absent", "tensor gaussian/layers is absent", tensor("gaussian/layers", None))
    yield case(
        "layers_mixed", "one layer for all that graph face moves", element("gaussian/layers", 2, 1)
    )
    yield field(
        "layers_of_one",
        "tensor gaussian/layers is present, expected none",
        "avatar.composite.kind",
        "single",
    )
    yield case(
        "basis",
        "gaussian/basis/blocks is present",
        tensor("gaussian/basis/blocks", np.zeros(1, "u4")),
    )

    yield case("check_no_rows", "tensor check/rows is absent", tensor("check/rows", None))
    yield case("check_few_rows", "at least 4 rows", tensor("check/rows", np.zeros((3, 1, 1), "f4")))
    yield case("check_past_rows", "below the 5 rows of check/rows", setting("check.frames", [1, 5]))
    yield case(
        "check_no_picture", "tensor check/frame/4 is absent", setting("check.frames", [1, 4])
    )


def _deform(case: Any, field: Any) -> Iterator[Case]:
    yield field("deform_none", "avatar.deform is an array of 0", DEFORM, [])
    yield field(
        "deform_nobody", "expected a graph that the manifest lists", f"{DEFORM}.0.graph", "body"
    )
    yield field("deform_twice", "a graph of no other entry", f"{DEFORM}.1.graph", "face")
    yield field("deform_offset", "first is 17, expected a multiple of 16", f"{DEFORM}.1.first", 17)
    yield field(
        "deform_overlaps", "deform[1].first is 0, expected an integer of 4", f"{DEFORM}.1.first", 0
    )
    yield field(
        "deform_past", "deform[1].count is 3, expected an integer of 1 to 2", f"{DEFORM}.1.count", 3
    )
    yield field(
        "deform_count",
        "F32 [4, 3] for output face.means, expected F32 [3, 3]",
        f"{DEFORM}.0.count",
        3,
    )
    yield field(
        "deform_clip", "expected a graph that runs per frame", f"{DEFORM}.0.graph", "clip_mix"
    )
    yield field("deform_output", 'an output "hair"', f"{FACE_GRAPH}.outputs.1.name", "hair")
    yield case("deform_no_means", "outputs no means", removing(f"{FACE_GRAPH}.outputs.0"))
    state = {"input": "s", "output": "t", "dtype": "F32", "shape": [1], "init": None}
    yield field("deform_state", "a graph with states", f"{FACE_GRAPH}.states", [state])


def _network(case: Any, field: Any) -> Iterator[Case]:
    yield field(
        "mix_word", 'network.mix is "mix", expected <graph>.<output>', f"{NETWORK}.mix", "mix"
    )
    yield field("mix_unknown", "an output that graph face_mix has", f"{NETWORK}.mix", "face_mix.b")
    yield field("mix_shape", "mix is F32 [2, 2], expected F32 [1, 2]", f"{NETWORK}.attention", 0)
    yield case(
        "mix_moves",
        "whose mix comes from graph mouth",
        setting(f"{NETWORK}.mix", "mouth.means"),
        setting(f"{NETWORK}.widths", [3, 10]),
    )
    yield field("widths_one", "widths is an array of 1", f"{NETWORK}.widths", [2])
    yield field("widths_wide", "widths[1] is 257", f"{NETWORK}.widths", [2, 257])
    outputs = f"{NETWORK}.outputs"
    yield field("outputs_none", 'without "means"', outputs, {})
    yield field("outputs_hair", 'an attribute named "hair"', f"{outputs}.hair", 0, code=UNSUPPORTED)
    yield field("outputs_past", "an offset of 3 numbers among 10", f"{outputs}.scales", 8)
    yield field("outputs_overlap", "numbers that no other attribute has", f"{outputs}.scales", 2)
    yield field(
        "outputs_extra", "since graph mouth outputs none", f"{DEFORM}.1.network.outputs.quats", 0
    )
    yield field("scale_kind", 'scale is "relu"', f"{NETWORK}.scale", "relu", code=UNSUPPORTED)
    yield field("scale_extra", "since no scales are output", f"{DEFORM}.1.network.scale", "exp")
    yield case("scale_missing", "network.scale is absent", removing(f"{NETWORK}.scale"))

    face = "gaussian/deform/face"
    yield case("still_absent", f"tensor {face}/still is absent", tensor(f"{face}/still", None))
    yield case(
        "still_bytes", f"{face}/still is U8", tensor(f"{face}/still", np.zeros((1, 2, 16), "u1"))
    )
    yield case(
        "still_large", f"{face}/still[3] is 20000", element(f"{face}/still", (0, 0, 3), 20000.0)
    )
    yield case(
        "attention_shape",
        "expected F32 [1, 2, 16]",
        tensor(f"{face}/attention", np.zeros((1, 3, 16), "f4")),
    )
    yield case(
        "layer_half", f"{face}/layer0 is F16", tensor(f"{face}/layer0", np.zeros((2, 10), "f2"))
    )
    yield case(
        "layer_extra", f"{face}/layer1 is present", tensor(f"{face}/layer1", np.zeros((2, 2), "f4"))
    )
    yield case("raw_scales", f"{face}/scales is absent", tensor(f"{face}/scales", None))


def _attention() -> Iterator[Case]:
    def case(name: str, message: str, *edits: Any, code: str = CORRUPT) -> Case:
        return Case(f"attention_{name}", message, edited(attending_plan(), *edits), code)

    def field(name: str, message: str, path: str, value: Any, code: str = CORRUPT) -> Case:
        return case(name, message, setting(f"{NETWORK}.{path}", value), code=code)

    yield field(
        "kind", 'kind is "sum", expected one of layers attention', "kind", "sum", UNSUPPORTED
    )
    yield field("layers", "network.layers is 5, expected an integer of 1 to 4", "layers", 5)
    yield case(
        "many",
        "tokens is 8 for each of 5 heads, expected at most 32",
        setting(f"{NETWORK}.heads", 5),
        setting(f"{NETWORK}.tokens", 8),
    )
    yield field("mix_shape", "mix is F32 [12], expected F32 [20]", "width", 4)
    yield field("no_width", 'outputs["sh"] is 0, expected an integer of 1 to 256', "outputs.sh", 0)
    yield field("colors", 'an attribute named "colors"', "outputs.colors", 2, UNSUPPORTED)
    yield case("paints_nothing", "outputs no colors", removing(f"{FACE_GRAPH}.outputs.4"))
    yield case("no_sh", 'without "sh", expected what graph face', removing(f"{NETWORK}.outputs.sh"))

    face = "gaussian/deform/face"
    yield case("hidden_absent", f"{face}/hidden is absent", tensor(f"{face}/hidden", None))
    yield case(
        "hidden_other",
        f"{face}/hidden is of dtype F32, expected that of still, F16",
        tensor(f"{face}/hidden", np.zeros((1, 2, 16), "f4")),
    )
    yield case(
        "first_of_layer0",
        f"{face}/layer0/first is present",
        tensor(f"{face}/layer0/first", np.zeros((2, 2), "f4")),
    )
    yield case("no_first", f"{face}/layer1/first is absent", tensor(f"{face}/layer1/first", None))
    yield case(
        "branch_shape",
        f"{face}/sh/second is F32 [2, 12], expected F32 [2, 3]",
        tensor(f"{face}/sh/second", np.zeros((2, 12), "f4")),
    )
    yield case(
        "bias_large",
        f"{face}/layer1/norm_bias[1] is 20000",
        element(f"{face}/layer1/norm_bias", 1, 20000.0),
    )
    yield case("raw_opacities", f"{face}/opacities is absent", tensor(f"{face}/opacities", None))


def _encoder(case: Any) -> Iterator[Case]:
    def hearing(changed: str = "", value: Any = None, runs: str = "window") -> Any:
        """Gives the avatar an encoder, which lies about `changed`."""

        def edit(manifest: Any, tensors: Any) -> None:
            samples = {"name": "samples", "dtype": "F32", "shape": [1, 1360], "from": "pipeline"}
            vectors = {"name": "vectors", "dtype": "F32", "shape": [2, 1]}
            graph = {"name": "encoder", "runs": runs, "inputs": [samples], "outputs": [vectors]}
            manifest["graphs"].append(graph)
            words = {"graph": "encoder", "before": 640, "step": 640, "after": 80, "lead": 0}
            manifest["features"]["encoder"] = words
            if changed:
                setting(changed, value)(manifest, tensors)

        return edit

    where = "features.encoder"
    yield case("encoder_unlisted", "graph that the manifest lists", hearing(f"{where}.graph", "x"))
    yield case("encoder_of_frames", "a graph that runs per window", hearing(runs="frame"))
    yield case(
        "encoder_step", "step is 960, expected a multiple of 640", hearing(f"{where}.step", 960)
    )
    yield case("encoder_after", "after is 79, expected an integer", hearing(f"{where}.after", 79))
    yield case("encoder_long", "at most 480000 samples with", hearing(f"{where}.before", 479_680))
    yield case(
        "encoder_window",
        'expected one input, "samples" F32 [1, 1380]',
        hearing(f"{where}.after", 100),
    )
    yield case("encoder_slow", "of 8000 Hz and 25/1", hearing("audio.sample_rate", 8000))
