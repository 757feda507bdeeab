# SPDX-License-Identifier: Apache-2.0
"""Several sessions, each pulled as fast as it goes: how many frames the machine makes. They pause
together a few times a second, so that the calibration sees the machine and not the load."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from talkrt.model import Model

from ..recorder import Recorder
from ..sources import Source
from ..workload import Workload
from .single import warm_up

_SEGMENT_S = 0.5


def drive(model: Model, source: Source, workload: Workload, recorder: Recorder) -> None:
    streams = [
        source.stream(model, source.session(model, workload.seed + i), voice=i)
        for i in range(workload.sessions)
    ]
    recorder.sessions_begun = len(streams)
    made = [0] * len(streams)

    def segment(index: int) -> None:
        begin = time.perf_counter()
        while time.perf_counter() - begin < _SEGMENT_S:
            if workload.frames is not None and made[index] >= workload.frames:
                break
            tick = streams[index].next()
            made[index] += 1
            recorder.frame(tick, tick.pull_ms, index)

    with ThreadPoolExecutor(len(streams)) as threads:
        list(threads.map(lambda stream: warm_up(stream, workload), streams))
        recorder.begin()
        while not workload.done(min(made), recorder.seconds):
            list(threads.map(segment, range(len(streams))))
            recorder.look()
        recorder.end()
