# SPDX-License-Identifier: Apache-2.0
"""The manifest lies about TensorRT engines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from starting_points import Case, Edit, Manifest, Tensors, bare_plan, edited, setting, tensor

NAME = "engine/g/sm90-made-up-trt11.4.0.106"


def engine_bytes(major: int = 11) -> np.ndarray:
    """The head of an engine, and nothing that TensorRT could run."""
    head = b"ftrt" + bytes(20) + bytes((major, 4, 0, 106))
    return np.frombuffer(head + b"made up", np.uint8)


def engine_plan() -> tuple[Manifest, Tensors]:
    """The bare plan with an engine, whose weights are the plan's and one of its own."""
    manifest, tensors = bare_plan()
    manifest["engines"] = [
        {
            "tensor": NAME, "graph": "g", "tensorrt": [11, 4, 0, 106],
            "compute_capability": [9, 0], "gpu": "Made Up", "version_compatible": True,
            "precision": "float32", "source": "0" * 64,
            "refit": {"w": "weight/g/w", "b": "engine/g/weights/b"},
        }
    ]  # fmt: skip
    tensors[NAME] = engine_bytes()
    tensors["engine/g/weights/b"] = np.zeros(4, np.float32)
    return manifest, tensors


def twice(manifest: Manifest, _: Tensors) -> None:
    manifest["engines"] *= 2


def engine_cases() -> Iterator[Case]:
    def case(name: str, message: str, *edits: Edit) -> Case:
        return Case(f"engine_{name}", message, edited(engine_plan(), *edits))

    def entry(key: str, value: object) -> Edit:
        return setting(f"engines.0.{key}", value)

    own = "engine/g/weights/b"
    yield case("object", "manifest engines is an object", setting("engines", {}))
    yield case("twice", "expected another tensor for each engine", twice)
    yield case("no_graph", 'engines[0].graph is "k", expected a graph', entry("graph", "k"))
    yield case("path", "one part more", entry("tensor", "engine/g/a/b"))
    yield case("elsewhere", 'engines[0].tensor is "graph/g"', entry("tensor", "graph/g"))
    yield case("absent", f"tensor {NAME} is absent", tensor(NAME, None))
    yield case("floats", f"tensor {NAME} is F32", tensor(NAME, np.ones(7, np.float32)))
    yield case("short", "27 bytes long, expected a serialized", tensor(NAME, engine_bytes()[:27]))
    yield case("untagged", "by its first bytes", tensor(NAME, np.ones(99, np.uint8)))
    yield case(
        "older", "built by TensorRT 10.4.0.106, expected 11.4", tensor(NAME, engine_bytes(10))
    )
    yield case("version", "engines[0].tensorrt[1] is 256", entry("tensorrt", [11, 256, 0, 0]))
    yield case("release", "tensorrt is an array of 3", entry("tensorrt", [11, 4, 0]))
    yield case("capability", "compute_capability[0] is 0", entry("compute_capability", [0, 0]))
    yield case("gpu", 'manifest engines[0].gpu is ""', entry("gpu", ""))
    yield case("compatible", "engines[0].version_compatible is 1", entry("version_compatible", 1))
    yield case("precision", "engines[0].precision is 16", entry("precision", 16))
    yield case("source", "expected a SHA-256", entry("source", "A" * 64))
    yield case("source_short", "64 digits of 0-9 a-f", entry("source", "0" * 63))
    yield case("refit_place", 'refit["w"] is "graph/g"', entry("refit", {"w": "graph/g"}))
    yield case("refit_absent", f'absent, expected the weight "b" of {NAME}', tensor(own, None))
    orphan = tensor("engine/g/weights/c", np.zeros(1, np.float32))
    yield case("orphan", "engine/g/weights/c is named nowhere in the manifest's engines", orphan)
