# SPDX-License-Identifier: Apache-2.0
"""One session, pulled as fast as it goes: how long a frame takes."""

from __future__ import annotations

import time

from talkrt.model import Model

from ..recorder import Recorder
from ..sources import Source, Stream
from ..workload import Workload


def drive(model: Model, source: Source, workload: Workload, recorder: Recorder) -> None:
    stream = source.stream(model, source.session(model, workload.seed), voice=1)
    warm_up(stream, workload)
    recorder.sessions_begun = 1
    recorder.begin()
    while not workload.done(recorder.frames, recorder.seconds):
        tick = stream.next()
        recorder.frame(tick, tick.pull_ms)
        recorder.look()
    recorder.end()


def warm_up(stream: Stream, workload: Workload) -> None:
    begin, frames = time.perf_counter(), 0
    while not workload.warm(frames, time.perf_counter() - begin):
        stream.next()
        frames += 1
