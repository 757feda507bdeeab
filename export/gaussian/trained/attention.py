# SPDX-License-Identifier: Apache-2.0
"""A network of kind `attention` as a kernel takes it: tensors of a plan, and what they evaluate to.

FORMAT.md, section 8.1, is the specification; `evaluate` says the same in float64 NumPy, from the
tensors as they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .blocks import blocks, unblocked

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
Tensors = dict[str, NDArray[Any]]

EPSILON = 1e-12  # of layer norms


@dataclass(frozen=True, slots=True)
class AttentionLayer:
    """D is the width of what layers pass on, F that of what lies within one."""

    first: FloatArray | None  # [D, F]; None in layer 0, where `hidden` is what it makes of `still`
    first_bias: FloatArray  # [F]
    second: FloatArray  # [F, D]
    second_bias: FloatArray  # [D]
    gain: FloatArray  # [D]
    norm_gain: FloatArray  # [D]
    norm_bias: FloatArray  # [D]


@dataclass(frozen=True, slots=True)
class Branch:
    first: FloatArray  # [D, N]
    first_bias: FloatArray  # [N]
    second: FloatArray  # [N, C]
    second_bias: FloatArray  # [C]


@dataclass(frozen=True, slots=True)
class AttentionNetwork:
    """Of n Gaussians."""

    mix: str  # "<graph>.<output>"
    heads: int
    tokens: int  # beside the one that no frame changes
    still: FloatArray  # [n, D]
    hidden: FloatArray  # [n, F]
    layers: Sequence[AttentionLayer]
    branches: Mapping[str, Branch]  # by output: means, quats, scales, opacities, sh
    raw: Mapping[str, FloatArray]  # quats [n, 4], scales [n, 3], opacities [n], before activation
    scale: Literal["softplus", "exp"] | None = None

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": "attention",
            "mix": self.mix,
            "layers": len(self.layers),
            "width": self.still.shape[1],
            "hidden": self.hidden.shape[1],
            "heads": self.heads,
            "tokens": self.tokens,
            "outputs": {name: branch.first.shape[1] for name, branch in self.branches.items()},
        }
        return found | ({} if self.scale is None else {"scale": self.scale})

    def tensors(self, prefix: str, precision: DTypeLike) -> Tensors:
        found = {
            f"{prefix}/still": blocks(self.still, precision),
            f"{prefix}/hidden": blocks(self.hidden, precision),
        }
        constants: dict[str, AttentionLayer | Branch] = {
            f"layer{at}": layer for at, layer in enumerate(self.layers)
        }
        for where, one in (constants | dict(self.branches)).items():
            for field in fields(one):
                value = getattr(one, field.name)
                if value is not None:
                    found[f"{prefix}/{where}/{field.name}"] = np.ascontiguousarray(value, "f4")
        for name, raw in self.raw.items():
            found[f"{prefix}/{name}"] = np.ascontiguousarray(raw, np.float32)
        return found


def evaluate(
    entry: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], mix: FloatArray
) -> dict[str, DoubleArray]:
    """Attributes of the Gaussians of a plan's `deform` entry, `sh` [n, B, 3] among them."""
    network, count = entry["network"], entry["count"]
    prefix = f"gaussian/deform/{entry['graph']}/"

    def stored(name: str) -> DoubleArray:
        return tensors[prefix + name].astype(np.float64)

    x = unblocked(tensors[f"{prefix}still"], count)
    heads, width, hidden = network["heads"], network["width"], network["hidden"]
    attended = heads * network["tokens"]
    left = mix.astype(np.float64).ravel()

    def taken(*shape: int) -> DoubleArray:
        nonlocal left
        part, left = left[: np.prod(shape)], left[np.prod(shape) :]
        return part.reshape(shape)

    for at in range(network["layers"]):
        ask, offset = taken(width, attended), taken(attended)
        give = taken(attended, width)
        odds = np.exp((x @ ask + offset).reshape(count, heads, -1))
        weights = (odds / (1 + odds.sum(axis=2, keepdims=True))).reshape(count, attended)
        x = x + weights @ give
        inverse = 1 / np.sqrt(x.var(axis=1, keepdims=True) + EPSILON)
        u = (x - x.mean(axis=1, keepdims=True)) * inverse
        if at == 0:
            still = unblocked(tensors[f"{prefix}hidden"], count)
            f = inverse * (still + weights @ taken(attended, hidden))
        else:
            f = u @ stored(f"layer{at}/first")
        f = np.maximum(f + stored(f"layer{at}/first_bias"), 0)
        z = f @ stored(f"layer{at}/second") + stored(f"layer{at}/second_bias")
        z += stored(f"layer{at}/gain") * u
        z -= z.mean(axis=1, keepdims=True)
        z /= np.sqrt(z.var(axis=1, keepdims=True) + EPSILON)
        x = stored(f"layer{at}/norm_gain") * z + stored(f"layer{at}/norm_bias")
    if len(left):
        raise ValueError(f"{len(left)} numbers of the mix are left over")
    y = np.maximum(x, 0)

    def change(name: str) -> DoubleArray:
        inner = np.maximum(y @ stored(f"{name}/first") + stored(f"{name}/first_bias"), 0)
        return inner @ stored(f"{name}/second") + stored(f"{name}/second_bias")

    mine = slice(entry["first"], entry["first"] + count)
    found: dict[str, DoubleArray] = {}
    for name in network["outputs"]:
        if name in ("means", "sh"):
            rest = tensors[f"gaussian/{name}"][mine].astype(np.float64)
            found[name] = rest + change(name).reshape(rest.shape)
            continue
        raw = stored(name)
        found[name] = raw + change(name).reshape(raw.shape)
    if "quats" in found:
        found["quats"] /= np.linalg.norm(found["quats"], axis=1, keepdims=True)
    if "scales" in found:
        grown = found["scales"]
        found["scales"] = np.exp(grown) if network["scale"] == "exp" else np.logaddexp(grown, 0)
    if "opacities" in found:
        found["opacities"] = 1 / (1 + np.exp(-found["opacities"]))
    return found
