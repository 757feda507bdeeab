# SPDX-License-Identifier: Apache-2.0
"""A host in Python: speech arrives in small pieces, frames leave as soon as they can be made.

python examples/python/host.py PLAN AUDIO PICTURES [PORTRAIT]

Writes one picture per second of speech into the folder PICTURES. PORTRAIT, any picture with a face,
is for plans that animate one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import talkrt
from numpy.typing import NDArray
from talkrt.audio import mono, open_audio
from talkrt.pictures import PngEncoder
from talkrt.portrait import read_portrait


def talk(session: talkrt.Session, pieces: Iterable[NDArray[np.float32]]) -> Iterator[talkrt.Frame]:
    """Frames as soon as they can be made; in a call, `pieces` would come from the network."""
    for piece in pieces:
        while piece.size:
            piece = piece[session.push_audio(piece) :]  # never waits; says how much fitted
            yield from session.frames()  # until it needs more audio
    session.finish_audio()
    yield from session.frames()


def main(plan: str, audio: str, pictures: str, portrait: str | None = None) -> None:
    model = talkrt.Engine().load(plan)
    if portrait is None:
        session = model.session(fps=25, background=(0.1, 0.1, 0.12))
    else:
        face = read_portrait(portrait)  # finds the face; the frame is the whole picture
        session = model.session(portrait=face.picture, portrait_crop=face.matrix(model.size[0]))
    session.set_controls(talkrt.Controls(emotion="happy", emotion_intensity=0.6))

    Path(pictures).mkdir(parents=True, exist_ok=True)
    png = PngEncoder(session.size, opaque=True)
    begin, frames = time.perf_counter(), 0
    for frame in talk(session, mono(open_audio(audio), model.sample_rate)):
        frames += 1
        if frame.index % 25 == 0:
            # frame.image is the engine's memory, RGBA; it is valid while a reference to it lives.
            name = Path(pictures, f"{frame.audio_position / model.sample_rate:.0f}s.png")
            name.write_bytes(png.encode(frame.image))
    seconds = time.perf_counter() - begin
    print(f"{frames} frames in {seconds:.2f} s, {frames / seconds:.0f} FPS")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
