# SPDX-License-Identifier: Apache-2.0
"""How many products a module needs, counted from shapes alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode


def multiply_adds(module: nn.Module, shapes: Sequence[tuple[int, ...]]) -> int:
    """Of convolutions and matrix products; additions and element-wise work are not counted."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True), counter:
        module(*(torch.empty(shape) for shape in shapes))
    return counter.get_total_flops() // 2
