# SPDX-License-Identifier: Apache-2.0
"""What training minimises: distance from the target tracks, and lips as a viewer will see them.

The runtime closes lips by a rule (lip_rules.py), so closures are judged behind that rule here too:
`shown_gap` is the rule in PyTorch, unclamped, so that lips which close where they must not have a
gradient that opens them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .batches import Batch
from .lip_rules import (
    CLOSE,
    CLOSED_JAW,
    CLOSURE_FROM,
    CLOSURE_FULL,
    GAP_MM,
    JAW,
    OPENERS,
    ROLL_LOWER,
    ROLL_UPPER,
)

# In the order of COEFFICIENTS: up to where errors are squared, about as far as each strays in
# speech (the jaw twice that: rare wide errors spoil its correlation); how much a viewer sees of it.
_SPREAD = (0.1, 0.02, 0.1, 0.2, 0.07, 0.09, 0.07, 0.08, 0.1, 0.03, 0.1, 0.05, 0.05, 0.04)
_WEIGHTS = (64.0, 1.0, 1.5, 2.0, 1, 1, 1, 1, 1, 0.5, 0.7, 0.7, 0.1, 0.7)
_OPEN_MM = 1.0  # where the target's gap is wider, lips must not be seen closed
_AJAR_MM = 1.0  # and there the gap should be at least this
_SHUT_MM = 0.2  # what closed lips may leave open


def loss(raw: Tensor, visemes: Tensor, batch: Batch, false_weight: float) -> Tensor:
    """Of raw outputs [B, T, 17] and viseme scores [B, T, classes]."""
    y, target = torch.sigmoid(raw[..., :-3]), batch.coefficients
    weights, spread = torch.tensor(_WEIGHTS), torch.tensor(_SPREAD)
    labial = _widened(batch.closure, 2)  # within 40 ms of p b m
    # Squares for small errors, because under doubt the mean correlates better than the median.
    error = (y - target) / spread
    track = functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none") @ weights
    motion = error.diff(dim=1)
    moved = functional.smooth_l1_loss(motion, torch.zeros_like(motion), reduction="none") @ weights
    millimetres = torch.from_numpy(GAP_MM).float()
    gap, true_gap = (y @ millimetres).clamp(min=0), (target @ millimetres).clamp(min=0)
    gaps = functional.smooth_l1_loss(gap, true_gap, beta=0.5, reduction="none")
    shut = gap * (0.2 * batch.closure + 0.5 * batch.silence)
    closure = functional.binary_cross_entropy_with_logits(
        raw[..., -3], batch.closure, pos_weight=torch.tensor(2.0), reduction="none"
    )
    shown = shown_gap(y, torch.sigmoid(raw[..., -3]))
    apart = (true_gap > _OPEN_MM) * (1 - labial)
    missed = (shown - _SHUT_MM).clamp(min=0) * batch.closure
    false = (_AJAR_MM - shown).clamp(min=0) * apart
    energy = (torch.sigmoid(raw[..., -2]) - batch.energy).abs()
    # Talking on in a pause, at a stranger's babble, is seen sooner than resting a moment early.
    pause = functional.binary_cross_entropy_with_logits(
        raw[..., -1], batch.silence, pos_weight=torch.tensor(3.0), reduction="none"
    )
    viseme = functional.cross_entropy(
        visemes.flatten(0, 1), batch.viseme.flatten(), reduction="none"
    ).view_as(pause)
    over = (y[..., CLOSE] - y[..., JAW]).clamp(min=0)
    total = track + 0.2 * gaps + shut + closure + 0.3 * (energy + viseme) + pause + over
    total = total + 0.3 * missed + false_weight * false
    frame = 1 + labial
    frame[:, :8] *= 0.3  # a crop's first steps have no past
    return (total * frame).mean() + 0.3 * moved.mean()


def _widened(flags: Tensor, steps: int) -> Tensor:
    return functional.max_pool1d(flags[:, None], 2 * steps + 1, 1, steps)[:, 0]


def shown_gap(y: Tensor, closure: Tensor) -> Tensor:
    """Lip gap in millimetres behind `close_lips`, below 0 where lips are pressed."""
    strength = ((closure - CLOSURE_FROM) / (CLOSURE_FULL - CLOSURE_FROM)).clamp(0, 1)
    keep = 1 - strength
    jaw = keep * y[..., JAW] + strength * y[..., JAW].clamp(max=CLOSED_JAW)
    close = keep * torch.minimum(y[..., CLOSE], jaw) + strength * jaw
    roll = keep * y[..., ROLL_UPPER] + strength * y[..., ROLL_LOWER]
    roll = torch.minimum(y[..., ROLL_UPPER], roll)
    ruled = {JAW: jaw, CLOSE: close, ROLL_UPPER: roll}
    ruled |= {row: keep * y[..., row] for row in OPENERS}
    rows = [ruled.get(row, y[..., row]) * float(mm) for row, mm in enumerate(GAP_MM) if mm]
    return torch.stack(rows).sum(dim=0)
