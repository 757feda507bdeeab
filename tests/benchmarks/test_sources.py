# SPDX-License-Identifier: Apache-2.0
from itertools import islice

import numpy as np
from talkrt.benchmarks.sources import repeated


def test_no_voice_says_the_same_samples_twice_nor_another_voices() -> None:
    speech = np.linspace(-0.5, 0.5, 64, dtype=np.float32)
    said = [
        once.tobytes() for voice in (0, 1, 2, -1) for once in islice(repeated(speech, voice), 30)
    ]
    assert len(set(said)) == len(said)
    quietest = list(islice(repeated(speech, 0), 1009))[-1]
    assert np.abs(quietest).max() > 0.4
    assert next(repeated(speech, 0)).tobytes() == speech.tobytes()
