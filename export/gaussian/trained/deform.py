# SPDX-License-Identifier: Apache-2.0
"""What moves Gaussians, and a network of kind `layers` as a kernel takes it: tensors of a plan, and
what they evaluate to.

FORMAT.md, section 8.1, is the specification; `evaluate` says the same in float64 NumPy, from the
tensors as they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import attention
from .attention import AttentionNetwork
from .blocks import blocks, unblocked

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
Tensors = dict[str, NDArray[Any]]

SIZES = {"means": 3, "quats": 4, "scales": 3}


@dataclass(frozen=True, slots=True)
class Network:
    """Of n Gaussians; H is the width of the first layer, K the rows that the mix has."""

    mix: str  # "<graph>.<output>"
    still: FloatArray  # [n, H]
    attention: FloatArray | None  # [n, K]; None: the mix, of one row, is added as it is
    layers: Sequence[FloatArray]  # [in, out], no biases
    outputs: Mapping[str, int]  # where in the last layer's numbers an attribute's are
    scale: Literal["softplus", "exp"] | None = None
    quats: FloatArray | None = None  # [n, 4] before normalisation
    scales: FloatArray | None = None  # [n, 3] before activation

    def manifest(self) -> dict[str, Any]:
        found = {
            "mix": self.mix,
            "attention": 0 if self.attention is None else self.attention.shape[1],
            "widths": [self.still.shape[1], *(layer.shape[1] for layer in self.layers)],
            "outputs": dict(self.outputs),
        }
        return found | ({} if self.scale is None else {"scale": self.scale})

    def tensors(self, prefix: str, precision: DTypeLike) -> Tensors:
        found: Tensors = {f"{prefix}/still": blocks(self.still, precision)}
        if self.attention is not None:
            found[f"{prefix}/attention"] = blocks(self.attention, precision)
        for i, layer in enumerate(self.layers):
            found[f"{prefix}/layer{i}"] = np.ascontiguousarray(layer, np.float32)
        for name, raw in (("quats", self.quats), ("scales", self.scales)):
            if name in self.outputs and raw is not None:
                found[f"{prefix}/{name}"] = np.ascontiguousarray(raw, np.float32)
        return found


@dataclass(frozen=True, slots=True)
class Deform:
    """Gaussians [first, first + count), moved by `graph`."""

    graph: str
    first: int
    count: int
    network: Network | AttentionNetwork | None = None

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = {"graph": self.graph, "first": self.first, "count": self.count}
        return found | ({"network": self.network.manifest()} if self.network else {})

    def tensors(self, precision: DTypeLike) -> Tensors:
        """`precision` is that of what there is for each Gaussian: float16 or float32."""
        if self.network is None:
            return {}
        return self.network.tensors(f"gaussian/deform/{self.graph}", precision)


def evaluate(
    entry: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], mix: FloatArray
) -> dict[str, DoubleArray]:
    """Attributes of the Gaussians of a plan's `deform` entry, whose mix is `mix` in this frame."""
    network, count = entry["network"], entry["count"]
    if network.get("kind") == "attention":
        return attention.evaluate(entry, tensors, mix)
    stored = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix := f"gaussian/deform/{entry['graph']}/")
    }
    x = unblocked(stored["still"], count)
    frame = mix.astype(np.float64)
    x = np.maximum(
        x + (unblocked(stored["attention"], count) @ frame if network["attention"] else frame), 0
    )
    last = len(network["widths"]) - 2
    for i in range(last + 1):
        x = x @ stored[f"layer{i}"].astype(np.float64)
        x = np.maximum(x, 0) if i < last else x
    parts = {name: x[:, at : at + SIZES[name]] for name, at in network["outputs"].items()}
    rest = tensors["gaussian/means"][entry["first"] : entry["first"] + count]
    found = {"means": rest.astype(np.float64) + parts["means"]}
    if "quats" in parts:
        turned = stored["quats"].astype(np.float64) + parts["quats"]
        found["quats"] = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    if "scales" in parts:
        grown = stored["scales"].astype(np.float64) + parts["scales"]
        found["scales"] = np.exp(grown) if network["scale"] == "exp" else np.logaddexp(grown, 0)
    return found
