# SPDX-License-Identifier: Apache-2.0
"""Several clips, several portraits, one model. Portraits speak a clip side by side, so that it is
heard once; a portrait is looked at once, however many clips it speaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from talkrt import encoding
from talkrt.audio import Audio, open_audio
from talkrt.clip_files import ClipFiles
from talkrt.controls import Controls
from talkrt.errors import AudioError, Error
from talkrt.model import Model
from talkrt.portrait_options import PortraitOptions
from talkrt.rendering import Progress, Rendering, pushed
from talkrt.session import Session

MOVIE = ".mp4"
MOST = 64  # portraits side by side

_Step = Callable[[], None]


def names(audios: Sequence[str], portraits: Sequence[str], folder: str) -> list[list[str]]:
    """A file for each clip and each portrait: named by whatever there are several of."""
    clips = _stems(audios, "speech")
    faces = _stems(portraits, "portrait") if portraits else [""]

    def name(clip: str, face: str) -> str:
        if len(faces) == 1:
            return clip
        return face if len(clips) == 1 else f"{face}-{clip}"

    return [[str(Path(folder) / (name(clip, face) + MOVIE)) for face in faces] for clip in clips]


def render_batch(
    model: Model,
    audios: Sequence[str],
    portraits: Mapping[str, PortraitOptions],
    folder: str,
    *,
    fps: Fraction | None = None,
    size: tuple[int, int] | None = None,
    controls: Controls | None = None,
    seed: int = 1,
    idle_motion: bool = True,
    progress: Progress | None = None,
) -> list[Rendering]:
    """A movie in `folder` for each clip and each portrait. Clips come one after the other, each
    complete before the next; of a clip that fails nothing is left."""
    files = names(audios, list(portraits), folder)
    Path(folder).mkdir(exist_ok=True)
    wanted = [[ClipFiles(name, None, 0, None, None, 1.0) for name in row] for row in files]
    for row in wanted:
        for one in row:
            one.check(transparent=False)
    faces = list(portraits.values()) or [PortraitOptions()]
    if len(faces) > MOST:
        raise Error(f"{len(faces)} portraits in one command: at most {MOST}")
    for face in faces:
        face.check(model)
    made = 0

    def one_more() -> None:
        nonlocal made
        made += 1
        if progress is not None:
            progress(made, None)

    results: list[Rendering] = []
    for audio, row in zip(audios, wanted, strict=True):
        sessions = [
            model.session(
                size=size,
                fps=fps,
                seed=seed,
                idle_motion=idle_motion,
                frame_slots=encoding.DEPTH + 3,
                **face.arguments(),
            )
            for face in faces
        ]
        for session in sessions:
            session.set_controls(controls or Controls())
        results += _clip(open_audio(audio), sessions, row, one_more)
    return results


def _clip(
    speech: Audio, sessions: Sequence[Session], files: Sequence[ClipFiles], one_more: _Step
) -> list[Rendering]:
    """One clip, spoken by every session: a frame of each in turn."""
    begin = time.perf_counter()
    with ExitStack() as cleanup, ExitStack() as running:
        encoders = [
            running.enter_context(
                encoding.Encoding(clip.open(session.size, session.fps, speech, True, cleanup))
            )
            for session, clip in zip(sessions, files, strict=True)
        ]
        live = [
            (pushed(session, speech), encoder)
            for session, encoder in zip(sessions, encoders, strict=True)
        ]
        while live:
            ahead = []
            for frames, encoder in live:
                if (frame := next(frames, None)) is not None:
                    encoder.write(frame)
                    one_more()
                    ahead.append((frames, encoder))
            live = ahead
        busy = time.perf_counter() - begin
        counts = [session.stats.frames for session in sessions]
        if not all(counts):
            raise AudioError(f"{speech.name}: is too short for a single frame; give more audio")
        for encoder in encoders:
            encoder.finish()
        cleanup.pop_all()
    whole = time.perf_counter() - begin
    return [
        Rendering(
            outputs=clip.names,
            frames=count,
            width=session.size[0],
            height=session.size[1],
            fps=float(session.fps),
            seconds=float(count / session.fps),
            render_seconds=busy / len(sessions),
            whole_seconds=whole / len(sessions),
        )
        for session, clip, count in zip(sessions, files, counts, strict=True)
    ]


def _stems(paths: Sequence[str], kind: str) -> list[str]:
    stems = [Path(path).stem for path in paths]
    if twice := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise Error(
            f"two files of {kind} are called {twice!r}: rename one, outputs are named by them"
        )
    return stems
