# SPDX-License-Identifier: Apache-2.0
import numpy as np
from talkrt.benchmarks.recorder import Recorder
from talkrt.benchmarks.sources import Tick
from talkrt.benchmarks.validity import Witness


def test_what_is_kept_of_a_long_run_is_bounded_and_spread_over_all_of_it() -> None:
    recorder = Recorder(Witness(), lambda seconds, frames: None, most=100)
    recorder.begin()
    picture = np.zeros((1, 1, 3), np.uint8)
    for index in range(5000):
        recorder.frame(Tick(1.0, {"render": 1.0}, 0.0, picture), float(index))
        recorder.look()
    recorder.end()
    kept = recorder.so_far()
    assert recorder.frames == 5000
    assert len(kept.at_s) == len(kept.latency_ms) == len(kept.stage_ms) <= 101
    assert kept.latency_ms[0] < 500
    assert kept.latency_ms[-1] > 4500
    assert recorder.cpu_seconds >= 0
