# SPDX-License-Identifier: Apache-2.0
"""How well lips follow speech, as numbers. NumPy only.

Predictions are sampled where the engine samples them: steps of 20 ms, closed by `close_lips`, and
linear in between; here at 100 Hz. `closed` means a linear lip gap of at most 0.5 mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from .labels import HOP, Labels
from .lip_rules import CLOSED_MM, FUNNEL, JAW, PUCKER, close_lips, closure_strength, lip_gap
from .steps import STEP, TIME_OFFSET
from .utterance import SAMPLE_RATE

Array = NDArray[np.float64]

GRID = 100  # Hz
SILENT_MM = 1.0  # lips count as at rest below this gap
_STRIDE = SAMPLE_RATE // HOP // GRID


@dataclass(frozen=True, slots=True)
class Clip:
    """A prediction beside its reference, both on the grid."""

    predicted: Array  # [G, 14]
    reference: Array  # [G, 14]
    silence: NDArray[np.bool_]  # [G]
    speech: NDArray[np.bool_]  # [G]
    closure: NDArray[np.bool_]  # [G]
    closures: Array  # [M, 2] s


@dataclass(frozen=True, slots=True)
class Scores:
    clips: int
    seconds: float
    jaw_all: float  # correlation of jawOpen over all frames, median over clips
    jaw_speech: float  # the same inside speech
    jaw_all_p5: float  # 5th percentiles over clips
    jaw_speech_p5: float
    jaw_all_pooled: float  # all clips together: also how far voices differ must be right
    jaw_speech_pooled: float
    gap_speech: float  # correlation of the lip gap inside speech
    rounding_speech: float  # correlation of (pucker + funnel) / 2 inside speech
    closures: int  # closure intervals of p, b and m
    closed_40ms: float  # share of them with a closed frame within 40 ms
    closed_20ms: float  # the same within 20 ms
    false_closures_per_s: float  # events per second of speech, 40 ms away from any closure
    false_closed_share: float  # share of those frames that are closed
    silence_closed: float  # share of silent frames with a gap of at most 1 mm
    lag_ms: float  # positive: the picture is late
    range_ratio: float  # std of the predicted gap over std of the reference, inside speech

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def make_clip(coefficients: Array, closure: Array, labels: Labels) -> Clip:
    """Steps [N, 14] and [N] as the graph yields them -> a clip on the grid."""
    closed = close_lips(coefficients, closure_strength(closure))
    step_time = (np.arange(len(closed)) * STEP + TIME_OFFSET) / SAMPLE_RATE
    count = min(len(labels.speech), int(step_time[-1] * GRID) * _STRIDE)
    time = np.arange(0, count, _STRIDE) * HOP / SAMPLE_RATE
    predicted = np.stack([np.interp(time, step_time, track) for track in closed.T], axis=1)
    pick = slice(0, count, _STRIDE)
    inside = labels.closures[:, 1] < time[-1]
    return Clip(
        predicted,
        labels.coefficients[pick].astype(np.float64),
        labels.silence[pick],
        labels.speech[pick],
        labels.closure[pick],
        labels.closures[inside].astype(np.float64),
    )


def score(clips: Sequence[Clip]) -> Scores:
    predicted = np.concatenate([c.predicted for c in clips])
    reference = np.concatenate([c.reference for c in clips])
    speech = np.concatenate([c.speech for c in clips])
    silence = np.concatenate([c.silence for c in clips])
    gap, true_gap = lip_gap(predicted), lip_gap(reference)
    apart = np.concatenate([_apart(c) for c in clips]) & speech
    whole = [correlation(c.predicted[:, JAW], c.reference[:, JAW]) for c in clips]
    inside = [correlation(c.predicted[c.speech, JAW], c.reference[c.speech, JAW]) for c in clips]
    rounding, true_rounding = (t[:, PUCKER] + t[:, FUNNEL] for t in (predicted, reference))
    return Scores(
        clips=len(clips),
        seconds=len(predicted) / GRID,
        jaw_all=float(np.median(whole)),
        jaw_speech=float(np.median(inside)),
        jaw_all_p5=float(np.percentile(whole, 5)),
        jaw_speech_p5=float(np.percentile(inside, 5)),
        jaw_all_pooled=correlation(predicted[:, JAW], reference[:, JAW]),
        jaw_speech_pooled=correlation(predicted[speech, JAW], reference[speech, JAW]),
        gap_speech=correlation(gap[speech], true_gap[speech]),
        rounding_speech=correlation(rounding[speech], true_rounding[speech]),
        closures=sum(len(c.closures) for c in clips),
        closed_40ms=_hit_rate(clips, 0.040),
        closed_20ms=_hit_rate(clips, 0.020),
        false_closures_per_s=_events((gap <= CLOSED_MM) & apart) * GRID / float(apart.sum()),
        false_closed_share=float(np.mean(gap[apart] <= CLOSED_MM)),
        silence_closed=float(np.mean(gap[silence] <= SILENT_MM)),
        lag_ms=lag_ms(clips),
        range_ratio=float(gap[speech].std() / true_gap[speech].std()),
    )


def correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / np.sqrt((a @ a) * (b @ b) + 1e-12))


def _hit_rate(clips: Sequence[Clip], margin: float) -> float:
    hits = total = 0
    for clip in clips:
        closed = lip_gap(clip.predicted) <= CLOSED_MM
        time = np.arange(len(closed)) / GRID
        for begin, end in clip.closures:
            # Half a millisecond, because interval ends are float32 and the grid is exact.
            near = (time >= begin - margin - 5e-4) & (time <= end + margin + 5e-4)
            hits += bool(closed[near].any())
            total += 1
    return hits / max(total, 1)


def _events(flags: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(flags[1:] & ~flags[:-1]))


def _apart(clip: Clip) -> NDArray[np.bool_]:
    """Frames at least 40 ms away from every closure, and where the reference is open."""
    near = np.convolve(clip.closure, np.ones(9), "same") > 0
    return ~near & (lip_gap(clip.reference) > 1.0)


def lag_ms(clips: Sequence[Clip]) -> float:
    """Where the cross-correlation of the jaws' velocities peaks, within 200 ms."""
    reach = 20
    total = np.zeros(2 * reach + 1)
    for clip in clips:
        predicted = np.diff(clip.predicted[:, JAW])
        reference = np.diff(clip.reference[:, JAW])
        for index, shift in enumerate(range(-reach, reach + 1)):
            late = predicted[max(shift, 0) : len(predicted) + min(shift, 0)]
            early = reference[max(-shift, 0) : len(reference) - max(shift, 0)]
            total[index] += late @ early
    peak = int(np.clip(np.argmax(total), 1, 2 * reach - 1))
    left, middle, right = total[peak - 1 : peak + 2]
    if middle <= max(left, right):  # a jaw that does not move has no lag
        return float("nan")
    return float((peak - reach + 0.5 * (left - right) / (left - 2 * middle + right)) * 1000 / GRID)
