# SPDX-License-Identifier: Apache-2.0
"""TensorRT engines in a plan: their names, what they were built from, and what a plan must say of
them (FORMAT.md, section 10)."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Version = tuple[int, int, int, int]

_TAG = 0x74727466
_HEAD_BYTES = 28
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TYPES = {"u": "U", "i": "I", "f": "F"}


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One engine, as the manifest has it."""

    graph: str
    tensorrt: Version
    compute_capability: tuple[int, int]
    gpu: str
    version_compatible: bool
    precision: str
    source: str
    refit: Mapping[str, str] = field(default_factory=dict)  # TensorRT's name: the plan's tensor

    @property
    def tensor(self) -> str:
        major, minor = self.compute_capability
        model = re.sub(r"[^a-z0-9]+", "-", self.gpu.lower()).strip("-") or "gpu"
        release = ".".join(map(str, self.tensorrt))
        return f"engine/{self.graph}/sm{major}{minor}-{model[:64]}-trt{release}"

    def manifest(self) -> dict[str, Any]:
        found = {
            "tensor": self.tensor,
            "graph": self.graph,
            "tensorrt": list(self.tensorrt),
            "compute_capability": list(self.compute_capability),
            "gpu": self.gpu,
            "version_compatible": self.version_compatible,
            "precision": self.precision,
            "source": self.source,
        }
        return found | ({"refit": dict(self.refit)} if self.refit else {})


def engine_version(engine: bytes | NDArray[np.uint8]) -> Version | None:
    """Of the TensorRT that built it, by its first bytes; None when it is no engine."""
    head = bytes(engine[:_HEAD_BYTES])
    if len(head) < _HEAD_BYTES or struct.unpack_from("<II", head) != (_TAG, 0):
        return None
    return head[24], head[25], head[26], head[27]


def graph_source(tensors: Mapping[str, NDArray[Any]], graph: str) -> str:
    """SHA-256 of a graph's model and weights: an engine of another one is out of date."""
    sha = hashlib.sha256()
    weights = sorted(name for name in tensors if name.startswith(f"weight/{graph}/"))
    for name in (f"graph/{graph}", *weights):
        array = np.ascontiguousarray(tensors[name])
        dtype = f"{_TYPES[array.dtype.kind]}{8 * array.dtype.itemsize}"
        sha.update(f"{name}\n{dtype}\n{','.join(map(str, array.shape))}\n".encode())
        sha.update(array.reshape(-1).view(np.uint8).data)
    return sha.hexdigest()


def with_engines(
    manifest: Mapping[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    added: Sequence[tuple[EngineEntry, bytes]],
    weights: Mapping[str, NDArray[Any]],
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """A plan with engines more. One of the same name is replaced; those of a graph that has changed
    since, and weights that no engine needs any longer, go. `weights`: what refits without a tensor
    of their own read."""
    entries = {entry["tensor"]: entry for entry in manifest.get("engines", [])}
    sources = {graph: graph_source(tensors, graph) for graph in _graphs(manifest)}
    entries = {k: e for k, e in entries.items() if e["source"] == sources.get(e["graph"])}
    kept = dict(tensors) | dict(weights)
    for entry, engine in added:
        entries[entry.tensor] = entry.manifest()
        kept[entry.tensor] = np.frombuffer(engine, np.uint8)
    used = set(entries).union(*(entry.get("refit", {}).values() for entry in entries.values()))
    kept = {name: a for name, a in kept.items() if not name.startswith("engine/") or name in used}
    found = dict(manifest) | {"engines": [entries[name] for name in sorted(entries)]}
    return found, kept


def problem(manifest: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str | None:
    """What is wrong with a plan's engines: what was found, and what expected; None when nothing."""
    entries = manifest.get("engines", [])
    if not isinstance(entries, list):
        return f"manifest engines is {type(entries).__name__}, expected a list"
    used: set[str] = set()
    for index, entry in enumerate(entries):
        where = f"manifest engines[{index}]"
        if not isinstance(entry, dict):
            return f"{where} is {type(entry).__name__}, expected an object"
        if wrong := _entry_problem(entry, manifest, where) or _tensor_problem(entry, tensors):
            return wrong
        if entry["tensor"] in used:
            return f"{where}.tensor is {entry['tensor']!r} again, expected another one"
        used |= {entry["tensor"], *entry.get("refit", {}).values()}
    for name in tensors:
        if name.startswith("engine/") and name not in used:
            return f"tensor {name} is named nowhere in the manifest's engines, expected in one"
    return None


def _graphs(manifest: Mapping[str, Any]) -> list[str]:
    return [graph["name"] for graph in manifest.get("graphs", [])]


def _entry_problem(entry: Mapping[str, Any], manifest: Mapping[str, Any], where: str) -> str | None:
    graph, tensor = entry.get("graph"), entry.get("tensor")
    if graph not in _graphs(manifest):
        return f"{where}.graph is {graph!r}, expected a graph that the manifest lists"
    prefix = f"engine/{graph}/"
    if not isinstance(tensor, str) or not re.fullmatch(re.escape(prefix) + "[^/]+", tensor):
        return f"{where}.tensor is {tensor!r}, expected {prefix} and one part more"
    for key, ranges in (("tensorrt", [(0, 255)] * 4), ("compute_capability", [(1, 99), (0, 9)])):
        numbers = entry.get(key)
        if (
            not isinstance(numbers, list)
            or len(numbers) != len(ranges)
            or not all(
                type(number) is int and low <= number <= high
                for number, (low, high) in zip(numbers, ranges, strict=True)
            )
        ):
            spans = ", ".join(f"{low} to {high}" for low, high in ranges)
            return f"{where}.{key} is {numbers!r}, expected integers of {spans}"
    for key, kind in (("gpu", str), ("precision", str), ("version_compatible", bool)):
        if not isinstance(entry.get(key), kind) or entry[key] == "":
            return f"{where}.{key} is {entry.get(key)!r}, expected {kind.__name__}"
    if not isinstance(entry.get("source"), str) or not _HASH.fullmatch(entry["source"]):
        return f"{where}.source is {entry.get('source')!r}, expected a SHA-256 of 64 digits"
    places = (f"weight/{graph}/", f"engine/{graph}/weights/")
    refit = entry.get("refit", {})
    if not isinstance(refit, dict):
        return f"{where}.refit is {type(refit).__name__}, expected an object"
    for name, source in refit.items():
        if not isinstance(source, str) or not source.startswith(places):
            return f"{where}.refit.{name} is {source!r}, expected a tensor in {' or '.join(places)}"
    return None


def _tensor_problem(entry: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str | None:
    name = entry["tensor"]
    if name not in tensors:
        return f"tensor {name} is absent, expected an engine"
    if tensors[name].dtype != np.uint8 or tensors[name].ndim != 1:
        return f"tensor {name} is {tensors[name].dtype}, expected U8 [bytes]"
    version = engine_version(tensors[name])
    if tensors[name].size < _HEAD_BYTES:
        return f"tensor {name} is {tensors[name].size} bytes long, expected a TensorRT engine"
    if version is None:
        return f"tensor {name} is no serialized TensorRT engine by its first bytes, expected one"
    if list(version) != entry["tensorrt"]:
        return f"tensor {name} is built by TensorRT {version}, expected {entry['tensorrt']}"
    for weight, source in entry.get("refit", {}).items():
        if source not in tensors:
            return f"tensor {source} is absent, expected the weight {weight!r} of {name}"
    return None
