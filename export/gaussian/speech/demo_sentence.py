# SPDX-License-Identifier: Apache-2.0
"""Makes the sentence of the demo. Its text is in no other set; its voice is a training voice.

python -m talkrt.export.gaussian.speech.demo_sentence examples/data/hello.flac
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from .flite import Flite, FliteStyle
from .utterance import Utterance, resampled

TEXT = (
    "Hello! I am the synthetic head of Talk R T. "
    "Give me a voice, and my lips will move with every word you say."
)
STYLE = FliteStyle(voice="rms", pitch=108.0, stretch=0.98)
MARGIN = 0.25  # seconds of silence at both ends, so that the head is seen at rest


def speak_demo() -> Utterance:
    return resampled(Flite().speak(TEXT, STYLE))


def write_flac(path: Path, samples: np.ndarray, rate: int) -> None:
    """Writes mono int16 samples; the file appears only when it is whole."""
    import av

    part = path.with_suffix(".part.flac")
    with av.open(str(part), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = rate
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    part.replace(path)


def main() -> None:
    path = Path(sys.argv[1])
    utterance = speak_demo()
    margin = np.zeros(round(MARGIN * utterance.rate), np.int16)
    samples = np.concatenate([margin, utterance.samples, margin])
    write_flac(path, samples, utterance.rate)
    print(f"{path}: {len(samples) / utterance.rate:.2f} s")


if __name__ == "__main__":
    main()
