# SPDX-License-Identifier: Apache-2.0
"""bench --kernels."""

from __future__ import annotations

import json
import sys

from talkrt import Engine, probing

from . import rasterizer
from .machine import load_average

_ROUNDS = 5


def bench_kernels(threads: int, frames: int, json_wanted: bool) -> None:
    load_before = load_average()
    results = []
    for case in rasterizer.cases(threads or probing.cores()[0]):
        if not json_wanted and sys.stderr.isatty():
            print(f"measuring {case.name}, threads: {case.threads}", file=sys.stderr)
        results.append(rasterizer.measure(case, frames, _ROUNDS))
    path = Engine(threads=1).describe()["devices"][0]["cpu_path"]
    where = rasterizer.machine(path, frames, _ROUNDS, load_before)
    if json_wanted:
        print(json.dumps(rasterizer.as_json(results, where), indent=2))
    else:
        print(rasterizer.as_table(results, where))
