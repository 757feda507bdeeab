# SPDX-License-Identifier: Apache-2.0
"""One session as in a call: audio comes in real time, frames are due at the plan's rate."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from talkrt import Session
from talkrt.model import Model

from ..recorder import Recorder
from ..sources import Source

_STEP_S = 0.02  # audio is delivered in steps, so the last one may be this early


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A frame is due when the last audio it needs is there. Its latency counts from then; its skew
    says how much later than its sound a player could show it, beyond the plan's look-ahead."""

    model: Model
    source: Source
    session: Session
    number: int
    recorder: Recorder

    def run(self, begin: float, frames: int, stop: threading.Event, measured: bool = True) -> None:
        """`frames` frames from perf_counter time `begin` on."""
        stream = self.source.stream(
            self.model, self.session, _STEP_S, self.number if measured else -1 - self.number
        )
        period = 1.0 / float(self.model.fps)
        origin = 0.0
        look_ahead = self.model.look_ahead / self.model.sample_rate if self.model.takes_audio else 0
        for index in range(frames):
            due = begin + index * period + look_ahead
            if stop.wait(max(due - time.perf_counter(), 0.0)):
                return
            started = time.perf_counter()
            audio = due - begin
            stream.advance(audio)
            while (tick := stream.pull()) is None:
                audio += _STEP_S  # the session's first frames may ask for a step more
                stream.advance(audio)
            done = time.perf_counter()
            if not measured:
                continue
            if index == 0:
                origin = tick.position  # of the session's clock, which warming up has advanced
            latency = done - due
            shown = begin + look_ahead + tick.position - origin
            self.recorder.live_frame(
                tick,
                1e3 * latency,
                self.number,
                queue_ms=1e3 * max(started - due, 0.0),
                skew_ms=1e3 * (done - shown),
                late=latency > period,
            )
