# SPDX-License-Identifier: Apache-2.0
"""N sessions at the plan's rate: whether every frame is there in time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from talkrt.model import Model

from ..recorder import Recorder
from ..sources import Source
from ..workload import Workload
from .live import LiveSession

_LOOK_S = 0.1


def drive(model: Model, source: Source, workload: Workload, recorder: Recorder) -> None:
    sessions = [
        LiveSession(model, source, source.session(model, workload.seed + i), i, recorder)
        for i in range(workload.sessions)
    ]
    recorder.sessions_begun = len(sessions)
    recorder.concurrent = True
    fps = float(model.fps)
    frames = workload.frames or max(1, round(workload.seconds * fps))
    warm = min(workload.warmup_frames, round(fps))  # a second is enough at the plan's own rate
    stop = threading.Event()
    with ThreadPoolExecutor(len(sessions)) as threads:

        def run(count: int, measured: bool) -> None:
            # Sessions begin spread over one frame's time, as callers do.
            begin = time.perf_counter() + 0.01
            waiting: set[Future[None]] = {
                threads.submit(s.run, begin + s.number / fps / len(sessions), count, stop, measured)
                for s in sessions
            }
            watch(waiting, recorder if measured else None, stop)

        if warm:
            run(warm, measured=False)
        recorder.begin()
        run(frames, measured=True)
        recorder.end()


def watch(waiting: set[Future[None]], recorder: Recorder | None, stop: threading.Event) -> None:
    """Until all are done. What one of them raises stops the others."""
    try:
        while waiting:
            done, waiting = wait(waiting, _LOOK_S, FIRST_EXCEPTION)
            for future in done:
                future.result()
            if recorder is not None:
                recorder.look()
    except BaseException:
        stop.set()
        raise
