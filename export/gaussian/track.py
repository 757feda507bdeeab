# SPDX-License-Identifier: Apache-2.0
"""A piece of a recording that can be played for any length of speech without a jump.

It is played forwards, then backwards, and so on: every picture follows one that it was recorded
beside, with its own camera, action units and torso. What a viewer could see is the turn itself, so
the piece begins and ends where the head is nearly still.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .recording import Recording

DoubleArray = NDArray[np.float64]
UNIT_PIXELS = 2.0  # how much motion of the head a step of one action unit counts as
HEAD = 0.15  # half a head, relative to its distance: where motion is measured


def choose(recording: Recording, most: int = 250) -> slice:
    """At most `most` neighbouring frames; at least half as many where the recording allows."""
    steps = motion(recording)
    unbroken = np.diff(recording.frames) == 1
    run = np.concatenate([[0], np.cumsum(~unbroken)])
    longest = int(np.bincount(run).max())
    most = max(1, min(most, longest))
    best, found = np.inf, slice(int(np.argmax(np.bincount(run)[run])), 0)
    found = slice(found.start, found.start + 1)
    for count in range(most, max(2, most // 2) - 1, -1):
        first = np.arange(len(run) - count + 1)
        last = first + count - 1
        cost = np.where(run[first] == run[last], steps[first] + steps[last - 1], np.inf)
        at = int(np.argmin(cost))
        if cost[at] < best:
            best, found = float(cost[at]), slice(at, at + count)
    return found


def mirrored(count: int, time: int) -> int:
    """Which of `count` frames is shown at video frame `time`: 0 1 2 .. n-1 .. 2 1 0 1 .."""
    if count == 1:
        return 0
    phase = time % (2 * count - 2)
    return min(phase, 2 * count - 2 - phase)


def motion(recording: Recording) -> DoubleArray:
    """[F - 1] from each frame to the next: pixels of the head, action units counted in."""
    distance = np.median(np.linalg.norm(recording.viewmats[:, :3, 3], axis=1))
    axes = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)]) * HEAD * distance
    seen = np.einsum("fij,pj->fpi", recording.viewmats[:, :3, :3], axes)
    seen += recording.viewmats[:, None, :3, 3]
    pixels = recording.focal * seen[..., :2] / np.maximum(seen[..., 2:], 1e-6)
    moved = np.linalg.norm(np.diff(pixels, axis=0), axis=2).mean(axis=1)
    units = np.abs(np.diff(recording.action_units, axis=0)).max(axis=1)
    steps: DoubleArray = moved + UNIT_PIXELS * units
    return steps
