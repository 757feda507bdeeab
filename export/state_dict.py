# SPDX-License-Identifier: Apache-2.0
"""Checks a state dict against the keys and shapes that a network has, before any is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checkpoint import CheckpointError

if TYPE_CHECKING:
    from torch import nn

MOST_LISTED = 1000  # above any network's number of keys: all are told, short of an attack

Shapes = Mapping[str, tuple[int, ...]]


def checked_state(source: str, found: Any, expected: Shapes) -> dict[str, NDArray[np.generic]]:
    """The arrays that `expected` names; every missing, wrong or unknown piece is listed.

    `source` says whose state this is: a file, and what of it.
    """
    if not isinstance(found, dict):
        raise CheckpointError(f"{source}: a {type(found).__name__}, expected a state dict")
    problems = [
        problem
        for name, shape in expected.items()
        if (problem := _problem(name, shape, found.get(name)))
    ]
    problems += [
        f"{name}: not expected, is {shown(value)}"
        for name, value in found.items()
        if name not in expected
    ]
    if problems:
        raise CheckpointError(f"{source}: {listed(problems)}")
    return {name: found[name] for name in expected}


def load_state(module: nn.Module, source: str, found: Any) -> None:
    """Fills `module` for inference: every key of it, and none that it does not have."""
    import torch

    expected = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    arrays = checked_state(source, found, expected)
    copies = {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
    module.load_state_dict(copies, strict=True)
    module.eval().requires_grad_(False)


def listed(problems: list[str]) -> str:
    """One line for each problem, the first MOST_LISTED of them."""
    lines = problems[:MOST_LISTED]
    if len(problems) > MOST_LISTED:
        lines.append(f"and {len(problems) - MOST_LISTED} more")
    noun = "problem" if len(problems) == 1 else "problems"
    return "\n  ".join([f"{len(problems)} {noun}", *lines])


def _problem(name: str, shape: tuple[int, ...], value: Any) -> str:
    if value is None:
        return f"{name}: missing, expected {list(shape)}"
    if not isinstance(value, np.ndarray) or value.shape != shape:
        return f"{name}: {shown(value)}, expected {list(shape)}"
    if value.dtype.kind not in "fiub":
        return f"{name}: elements of type {value.dtype}, expected numbers"
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        at = [int(i) for i in np.argwhere(~np.isfinite(value))[0]]
        return f"{name}{at}: NaN or infinite, expected a finite number"
    return ""


def shown(value: Any) -> str:
    """A shape, or what there is in place of an array."""
    return str(list(value.shape)) if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
