# SPDX-License-Identifier: Apache-2.0
"""How an encoder that was made for whole clips runs over a stream: in windows, each on its own.

Run n gets the samples from n * step - before to n * step + step + after and keeps the vectors of
the `step` in the middle. So a vector depends on its own window alone: not on how the audio was
pushed, nor on what was said before that window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SAMPLE_RATE = 16_000
FRAME = 320  # samples of one vector
ROW = 640  # samples of one row: 25 a second
LEAST_AFTER = 80  # samples that the last vector of a step takes from behind it
MAX_SAMPLES = 30 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class EncoderWindow:
    before: int  # samples
    step: int
    after: int
    lead: int  # vectors of a row that lie before its own position

    def __post_init__(self) -> None:
        for name, value, least, unit in (
            ("before", self.before, 0, FRAME),
            ("step", self.step, ROW, ROW),
            ("after", self.after, LEAST_AFTER, 1),
        ):
            if value < least or value % unit:
                expected = f"at least {least}, a multiple of {unit}"
                raise ValueError(f"{name} of the encoder's window is {value}, expected {expected}")
        if self.samples > MAX_SAMPLES:
            raise ValueError(
                f"the encoder's window has {self.samples} samples, expected at most "
                f"{MAX_SAMPLES}, 30 seconds"
            )

    @property
    def samples(self) -> int:
        return self.before + self.step + self.after

    @property
    def vectors(self) -> int:
        """That a run keeps."""
        return self.step // FRAME

    @property
    def first(self) -> int:
        """Of the vectors that a run makes, the first one that it keeps."""
        return self.before // FRAME

    def look_ahead(self, row_width: int) -> int:
        """Samples beyond its own position that a row may have to wait for."""
        last = (row_width - 1 - self.lead) * FRAME  # the row's last vector, from its position
        return max(
            ((i * ROW + last) // self.step + 1) * self.step + self.after - i * ROW
            for i in range(self.step // ROW)
        )

    def manifest(self, graph: str) -> dict[str, Any]:
        return {
            "graph": graph,
            "before": self.before,
            "step": self.step,
            "after": self.after,
            "lead": self.lead,
        }


def encoded_rows(
    samples: FloatArray,
    window: EncoderWindow,
    row_width: int,
    run: Callable[[FloatArray], FloatArray],
) -> FloatArray:
    """[rows, row_width, C] of a whole clip as a stream makes them: the reference for the engine.

    `run` makes the vectors [step / 320, C] of a window [1, samples].
    """
    count = -(-len(samples) // FRAME)  # vectors
    runs = -(-count // window.vectors)
    padded = np.zeros((runs - 1) * window.step + window.samples, np.float32)
    padded[window.before : window.before + len(samples)] = samples
    made = [
        run(padded[None, n * window.step : n * window.step + window.samples]) for n in range(runs)
    ]
    return rows_of(np.concatenate(made)[:count], window.lead, row_width, -(-len(samples) // ROW))


def rows_of(vectors: FloatArray, lead: int, row_width: int, rows: int) -> FloatArray:
    """Row i is the vectors from 2 i - lead on; zeros where there are none."""
    taken = 2 * np.arange(rows)[:, None] - lead + np.arange(row_width)
    inside = (taken >= 0) & (taken < len(vectors))
    found = vectors[np.clip(taken, 0, len(vectors) - 1)]
    return np.where(inside[:, :, None], found, np.float32(0))


def parse_window(text: str) -> EncoderWindow:
    """BEFORE,STEP,AFTER in milliseconds. Raises ValueError."""
    try:
        before, step, after = (round(float(part) * SAMPLE_RATE / 1000) for part in text.split(","))
    except (ValueError, OverflowError):
        raise ValueError(
            f"--encoder-window is {text!r}, expected BEFORE,STEP,AFTER in ms, as in 4000,400,300"
        ) from None
    return EncoderWindow(before, step, after, lead=0)
