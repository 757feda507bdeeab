# SPDX-License-Identifier: Apache-2.0
"""The manifest lies about what every model has: its head, and its graphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from starting_points import (
    UNSUPPORTED,
    Case,
    Edit,
    Manifest,
    Tensors,
    bare_case,
    element,
    external_graph,
    removing,
    setting,
    tensor,
    with_manifest_text,
)


def manifest_cases() -> Iterator[Case]:
    yield Case("manifest_not_json", "the manifest is not JSON", with_manifest_text("talkrt"))
    yield Case("manifest_array", "the manifest is an array of 0", with_manifest_text("[]"))
    yield Case(
        "manifest_repeats",
        'the manifest is JSON that repeats the key "a"',
        with_manifest_text('{"a":1,"a":2}'),
    )
    deep = '{"a":' * 33 + "1" + "}" * 33
    yield Case("manifest_deep", "the manifest is JSON nested deeper", with_manifest_text(deep))
    yield Case(
        "manifest_infinity",
        "the manifest is not JSON at byte 6",
        with_manifest_text('{"a":Infinity}'),
    )

    yield bare_case("format_missing", "manifest format is absent", removing("format"))
    yield bare_case("format_other", 'manifest format is "gguf"', setting("format", "gguf"))
    yield bare_case("version_missing", "format_version is absent", removing("format_version"))
    yield bare_case("version_string", 'format_version is "1"', setting("format_version", "1"))
    yield bare_case(
        "version_next", "format_version is 2", setting("format_version", 2), code=UNSUPPORTED
    )
    yield bare_case(
        "model_unknown", 'manifest model is "statue"', setting("model", "statue"), code=UNSUPPORTED
    )
    yield bare_case("model_number", "manifest model is 7", setting("model", 7))
    yield bare_case("name_65_characters", "a string of 1 to 64", setting("name", "ä" * 65))
    yield bare_case("name_escape_sequence", 'name is "\\x1b[2J"', setting("name", "\x1b[2J"))
    yield bare_case("sample_rate_low", "sample_rate is 7999", setting("audio.sample_rate", 7999))
    yield bare_case(
        "sample_rate_high", "sample_rate is 192000", setting("audio.sample_rate", 192_000)
    )
    yield bare_case("audio_missing", "manifest audio is absent", removing("audio"))
    yield bare_case("video_array", "manifest video is an array", setting("video", [8, 8]))
    yield bare_case("width_zero", "video.width is 0", setting("video.width", 0))
    yield bare_case("width_float", "video.width is 8.0", setting("video.width", 8.0))
    yield bare_case("height_huge", "height is 9223372036854775808", setting("video.height", 2**63))
    yield bare_case("fps_too_fast", "fps is 241/1", setting("video.fps", [241, 1]))
    yield bare_case("fps_too_slow", "fps is 1/2", setting("video.fps", [1, 2]))
    yield bare_case("fps_by_zero", "fps[1] is 0", setting("video.fps", [25, 0]))
    yield bare_case("budget_negative", "host_bytes is -1", setting("budget", {"host_bytes": -1}))
    yield bare_case(
        "features_unknown",
        'features.kind is "wav2vec2"',
        setting("features", {"kind": "wav2vec2"}),
        code=UNSUPPORTED,
    )


def graph_cases() -> Iterator[Case]:
    def second(runs: str = "frame", **port: Any) -> Edit:
        """Adds graph h, which reads g.y; `port` changes its input."""

        def edit(manifest: Manifest, tensors: Tensors) -> None:
            one = {"name": "x", "dtype": "F32", "shape": [1, 4], "from": "g.y"} | port
            y = {"name": "y", "dtype": "F32", "shape": [1, 4]}
            manifest["graphs"].append({"name": "h", "runs": runs, "inputs": [one], "outputs": [y]})
            tensors["graph/h"] = external_graph("weight/h/w")[:3]

        return edit

    source = "graphs.0.inputs.0.from"
    yield bare_case("graphs_none", "graphs is an array of 0", setting("graphs", []))
    yield bare_case("graphs_cycle", "g reads h reads g", second(), setting(source, "h.y"))
    yield bare_case("graph_reads_itself", "a cycle: g reads g", setting(source, "g.y"))
    yield bare_case("from_unknown_graph", '"k.y" for input g.x', setting(source, "k.y"))
    yield bare_case("from_unknown_output", "an output that graph g has", second(**{"from": "g.z"}))
    yield bare_case(
        "from_nothing",
        '"microphone" for input g.x, expected features, controls, pipeline or <graph>.<output>',
        setting(source, "microphone"),
    )
    yield bare_case("edge_dtype", "F16 [1, 4] for input h.x", second(dtype="F16"))
    yield bare_case("edge_shape", "F32 [4] for input h.x", second(shape=[4]))
    yield bare_case("edge_too_frequent", "runs no more often than h", second("clip"))
    yield bare_case(
        "graph_twice", 'graphs[1].name is "g"', lambda m, t: m["graphs"].append(m["graphs"][0])
    )
    yield bare_case(
        "graph_name_slash", 'graphs[0].name is "g/../g"', setting("graphs.0.name", "g/../g")
    )
    yield bare_case(
        "graph_name_reserved", "this one is a source", setting("graphs.0.name", "features")
    )
    yield bare_case(
        "graph_name_pipeline", 'graphs[0].name is "pipeline"', setting("graphs.0.name", "pipeline")
    )
    yield bare_case("runs_unknown", 'runs is "sometimes"', setting("graphs.0.runs", "sometimes"))
    yield bare_case("port_twice", 'states[0].input is "x"', setting("graphs.0.states.0.input", "x"))
    yield bare_case("port_zero_dim", "shape[1] is 0", setting("graphs.0.inputs.0.shape", [1, 0]))
    yield bare_case(
        "port_huge", "more than 1 GiB", setting("graphs.0.inputs.0.shape", [2**31 - 1, 2**31 - 1])
    )
    yield bare_case("port_dtype", 'dtype is "F64"', setting("graphs.0.inputs.0.dtype", "F64"))
    yield bare_case("graph_absent", "tensor graph/g is absent", tensor("graph/g", None))
    yield bare_case("graph_floats", "graph/g is F32 [1]", tensor("graph/g", np.ones(1, np.float32)))
    yield bare_case("graph_empty", "graph/g is empty", tensor("graph/g", np.zeros(0, np.uint8)))
    yield bare_case(
        "location_is_a_file", '"/etc/passwd"', tensor("graph/g", external_graph("/etc/passwd"))
    )
    yield bare_case(
        "location_of_another", '"state/g/s"', tensor("graph/g", external_graph("state/g/s"))
    )
    yield bare_case(
        "location_cut", "location is cut short", tensor("graph/g", external_graph("w/x")[:-2])
    )
    yield bare_case(
        "location_endless",
        "not a length, expected",
        tensor("graph/g", np.append(external_graph("")[:-1], np.full(9, 255, np.uint8))),
    )
    yield bare_case("weight_absent", '"weight/g/w", expected a tensor', tensor("weight/g/w", None))
    yield bare_case(
        "weight_unused", "named nowhere in graph/g", tensor("weight/g/v", np.ones(1, "f4"))
    )
    yield bare_case("weight_orphan", 'for graph "k"', tensor("weight/k/w", np.ones(1, np.float32)))
    yield bare_case("weight_nan", "weight/g/w[2] is NaN", element("weight/g/w", 2, np.nan))
    yield bare_case("state_absent", "tensor state/g/s is absent", tensor("state/g/s", None))
    yield bare_case(
        "state_shape", "state/g/s is F32 [4]", tensor("state/g/s", np.zeros(4, np.float32))
    )
    yield bare_case(
        "state_elsewhere", "starts with state/g/", setting("graphs.0.states.0.init", "graph/g")
    )
    yield bare_case(
        "engine_unlisted", "tensor engine/g is named nowhere", tensor("engine/g", np.ones(1, "u1"))
    )
