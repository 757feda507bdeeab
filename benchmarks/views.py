# SPDX-License-Identifier: Apache-2.0
"""One measurement of a scene: a camera goes around it, views are drawn as fast as it goes."""

from __future__ import annotations

import time
from fractions import Fraction

from talkrt import Engine
from talkrt.camera_option import camera_path
from talkrt.camera_path import CameraPath
from talkrt.model import Model

from .machine import peak_resident_bytes
from .measure import FIRST_FRAMES, Measurement, Workload, done, ms_since

_ORBIT = "orbit:turns=1,seconds=4"


def measure_scene(engine: Engine, plan: str, workload: Workload) -> Measurement:
    begin = time.perf_counter()
    model = engine.load(plan)
    load_ms = ms_since(begin)
    size = workload.size or model.size
    path = camera_path(_ORBIT, model, size, 1.0)
    first = tuple(_first_view_ms(model, path) for _ in range(FIRST_FRAMES))

    begin = time.perf_counter()
    session = model.session(size=size)
    session_ms = ms_since(begin)

    def draw(index: int) -> float:
        begin = time.perf_counter()
        session.draw(*path.camera(index, model.fps), alpha=False, depth=False)
        return ms_since(begin)

    for index in range(workload.warmup_frames):
        draw(index)
    times: list[float] = []
    cpu, begin = time.process_time(), time.perf_counter()
    while not done(len(times), time.perf_counter() - begin, workload):
        times.append(draw(len(times)))
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu

    return Measurement(
        width=size[0],
        height=size[1],
        fps=float(model.fps),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        load_ms=load_ms,
        session_ms=session_ms,
        first_frame_ms=first,
        frame_ms=tuple(times),
        stage_ms={},
        model_bytes=model.host_bytes,
        session_bytes=session.stats.host_bytes,
        budget_bytes=model.host_budget_bytes,
        peak_resident_bytes=peak_resident_bytes(),
    )


def _first_view_ms(model: Model, path: CameraPath) -> float:
    """A fresh session takes its memory and draws."""
    session = model.session()
    begin = time.perf_counter()
    session.draw(*path.camera(0, Fraction(model.fps)), alpha=False, depth=False)
    return ms_since(begin)
