# SPDX-License-Identifier: Apache-2.0
"""One fresh process of a comparison: loads a plan, warms up, times frames, prints one line of JSON.

A script, and on purpose without a relative import: it also runs under the talkrt of another build,
so it uses nothing but talkrt's public package and NumPy."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any

import numpy as np
import talkrt

_STEP_S = 0.02
_HASHED = 5


def main(job: dict[str, Any]) -> dict[str, Any]:
    engine = talkrt.Engine(threads=job["threads"])
    begin = time.perf_counter()
    model = engine.load(job["plan"])
    load_ms = 1e3 * (time.perf_counter() - begin)
    next_frame = scene_frames(model, job) if job["speech"] is None else head_frames(model, job)
    digest = hashlib.sha256()
    begin, times = time.perf_counter(), []
    for index in range(job["warmup"] + job["frames"]):
        spent, image = next_frame()
        if index == 0:
            first_ms = 1e3 * (time.perf_counter() - begin)
        if index < _HASHED:
            digest.update(np.ascontiguousarray(image).tobytes())
        if index >= job["warmup"]:
            times.append(1e3 * spent)
    return {
        "talkrt": talkrt.__version__,
        "load_ms": load_ms,
        "first_ms": first_ms,
        "frame_ms": times,
        "output_hash": digest.hexdigest(),
    }


def head_frames(model: Any, job: dict[str, Any]) -> Any:
    session = model.session(size=job["size"], seed=job["seed"])
    speech = np.load(job["speech"])
    position = 0
    # Rows of features [T, width, channels] are pushed one by one, samples in steps.
    rows = speech.ndim > 1
    step = 1 if rows else int(session.sample_rate * _STEP_S)
    push = session.push_features if rows else session.push_audio

    def frame() -> tuple[float, Any]:
        nonlocal position
        spent = 0.0
        while True:
            begin = time.perf_counter()
            found = session.pull()
            spent += time.perf_counter() - begin
            if found is not None:
                return spent + planted(spent, job["slowdown"]), found.image
            push(speech[position : position + step])
            position = (position + step) % (speech.size - step)

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
    print(json.dumps(main(json.loads(sys.argv[1]))))
