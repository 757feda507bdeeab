# SPDX-License-Identifier: Apache-2.0
"""One fresh process of a comparison: loads a plan, warms up, says so, and then makes a block of
frames for each number that it reads, until there are no more. Every answer is one line of JSON.

A script, and on purpose without a relative import: it also runs under the talkrt of another build,
so it uses nothing but talkrt's public package and NumPy."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import talkrt

_STEP_S = 0.02
_HASHED = 5


def main(job: dict[str, Any]) -> None:
    engine = talkrt.Engine(threads=job["threads"])
    begin = time.perf_counter()
    model = engine.load(job["plan"])
    load_ms = 1e3 * (time.perf_counter() - begin)
    next_frame = scene_frames(model, job) if job["speech"] is None else head_frames(model, job)
    digest = hashlib.sha256()
    warm: list[float] = []
    begin = time.perf_counter()
    for index in range(max(job["warmup"], _HASHED)):
        spent, image = next_frame()
        warm.append(1e3 * spent)
        if index == 0:
            first_ms = 1e3 * (time.perf_counter() - begin)
        if index < _HASHED:
            digest.update(np.ascontiguousarray(image).tobytes())
    answer({
        "talkrt": talkrt.__version__, "load_ms": load_ms, "first_ms": first_ms,
        "frame_ms": float(np.median(warm[-_HASHED:])),
        "output_hash": digest.hexdigest(),
    })  # fmt: skip
    for line in sys.stdin:
        waited = waited_ns()
        times = [round(1e3 * next_frame()[0], 5) for _ in range(int(line))]
        answer({"ms": times, "waited_ms": (waited_ns() - waited) / 1e6})


def answer(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


def waited_ns() -> int:
    """How long this thread was ready to run while another had its core; 0 where nobody tells."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def head_frames(model: Any, job: dict[str, Any]) -> Any:
    session_words = {} if job["portrait"] is None else {"portrait": np.load(job["portrait"])}
    session = model.session(size=job["size"], seed=job["seed"], **session_words)
    speech = np.load(job["speech"])
    position = 0
    # Rows of features [T, width, channels] are pushed one by one, samples in steps.
    rows = speech.ndim > 1
    step = 1 if rows else int(session.sample_rate * _STEP_S)
    push = session.push_features if rows else session.push_audio

    def frame() -> tuple[float, Any]:
        nonlocal position, speech
        spent = 0.0
        while True:
            begin = time.perf_counter()
            found = session.pull()
            spent += time.perf_counter() - begin
            if found is not None:
                return spent + planted(spent, job["slowdown"]), found.image
            push(speech[position : position + step])
            position += step
            if position + step > len(speech):
                position = 0
                speech *= np.float32(0.9999)  # a model may remember what it has just heard

    return frame


def scene_frames(model: Any, job: dict[str, Any]) -> Any:
    from talkrt.camera_option import camera_path

    size = job["size"] or model.size
    session = model.session(size=size)
    path = camera_path("orbit:turns=1,seconds=4", model, size, 1.0)
    index = 0

    def frame() -> tuple[float, Any]:
        nonlocal index
        begin = time.perf_counter()
        view = session.draw(*path.camera(index, model.fps), alpha=False, depth=False)
        spent = time.perf_counter() - begin
        index += 1
        return spent + planted(spent, job["slowdown"]), view.image

    return frame


def planted(spent: float, slowdown: float) -> float:
    """Works on for a share of the frame's time: the slow-down that trials plant."""
    if slowdown <= 0.0:
        return 0.0
    begin = time.perf_counter()
    while (more := time.perf_counter() - begin) < slowdown * spent:
        pass
    return more


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
