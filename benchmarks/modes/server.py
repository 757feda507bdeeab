# SPDX-License-Identifier: Apache-2.0
"""Sessions arrive as callers do, at random (Poisson) times: whether every frame is in time while
sessions begin and end. A session that is refused for want of memory is counted, not an error."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from talkrt.errors import BudgetError
from talkrt.model import Model

from ..recorder import Recorder
from ..sources import Source
from ..workload import Workload
from .live import LiveSession
from .paced import watch
from .single import warm_up

_MOST_THREADS = 256


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Times from 0 to `seconds`, exponentially apart; at least the first."""
    rng = np.random.default_rng(seed)
    times, now = [], 0.0
    while now < seconds:
        times.append(now)
        now += float(rng.exponential(1.0 / rate))
    return times


def drive(model: Model, source: Source, workload: Workload, recorder: Recorder) -> None:
    fps = float(model.fps)
    spoken = workload.frames or max(1, round(workload.session_seconds * fps))
    warm_up(source.stream(model, source.session(model, workload.seed)), workload)
    stop = threading.Event()
    recorder.concurrent = True

    def call(number: int, at: float) -> None:
        if stop.wait(max(at - time.perf_counter(), 0.0)):
            return
        began = time.perf_counter()
        try:
            session = source.session(model, workload.seed + number)
        except BudgetError:
            recorder.session_began(refused=True)
            return
        recorder.session_began()
        LiveSession(model, source, session, number, recorder).run(began, spoken, stop)

    times = arrivals(workload.arrivals, workload.seconds, workload.seed)
    with ThreadPoolExecutor(min(len(times), _MOST_THREADS)) as threads:
        recorder.begin()
        begin = time.perf_counter()
        waiting = {threads.submit(call, i, begin + at) for i, at in enumerate(times)}
        watch(waiting, recorder, stop)
        recorder.end()
