# SPDX-License-Identifier: Apache-2.0
"""Synthesizes shards into label-and-audio streams, one process per shard, cached as .npz files.

A stream is one voice's sentences one after the other, with seeded silences between them. Processes
are not reused: eSpeak NG's output depends on what the process spoke before.
"""

from __future__ import annotations

import dataclasses
import hashlib
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .espeak import Espeak, EspeakStyle
from .flite import Flite, FliteStyle
from .labels import HOP, Labels, make_labels
from .timing import padded, segments
from .utterance import SAMPLE_RATE, Utterance, resampled
from .voices import Shard

_LEVEL = 10 ** (-23 / 20)  # RMS of the speech in a stream, before augmentation
_VERSION = 2  # raise when labels change, so that cached streams are made anew


@dataclass(frozen=True, slots=True)
class Stream:
    audio: NDArray[np.int16]  # [S] at 16 kHz
    labels: Labels  # one per HOP samples, S / HOP of them


def make_stream(shard: Shard) -> Stream:
    """Speaks one shard. Call it in a fresh process if the bytes must repeat."""
    rng = np.random.default_rng(shard.seed)
    speak = _speaker(shard)
    pieces = [_piece(shard, speak(text), rng) for text in shard.texts]
    audio = np.concatenate([audio for audio, _ in pieces])
    offsets = np.cumsum([0] + [len(audio) / SAMPLE_RATE for audio, _ in pieces])
    tracks: dict[str, Any] = {}
    for field in dataclasses.fields(Labels):
        arrays = [getattr(labels, field.name) for _, labels in pieces]
        if field.name == "closures":  # the only field in seconds
            arrays = [a + np.float32(t) for a, t in zip(arrays, offsets[:-1], strict=True)]
        tracks[field.name] = np.concatenate(arrays)
    return Stream(audio, Labels(**tracks))


def _speaker(shard: Shard) -> Any:
    if isinstance(shard.style, EspeakStyle):
        espeak, style = Espeak(), shard.style
        return lambda text: espeak.speak(shard.language, text, style)
    flite, voice = Flite(), shard.style
    assert isinstance(voice, FliteStyle)
    return lambda text: flite.speak(text, voice)


def _piece(
    shard: Shard, utterance: Utterance, rng: np.random.Generator
) -> tuple[NDArray[np.int16], Labels]:
    """One sentence with silences around it, a whole number of HOPs long."""
    found = segments(utterance, shard.engine, shard.table)
    spoken = resampled(utterance).samples
    before, after = (round(float(t) * 200) * HOP for t in rng.uniform([0.25, 0.15], [0.7, 0.6]))
    tail = -len(spoken) % HOP
    audio = np.concatenate([np.zeros(before), spoken, np.zeros(after + tail)])
    loud = np.abs(spoken) > 100
    rms = np.sqrt(np.mean((spoken[loud] / 32768.0) ** 2)) if loud.any() else 1.0
    audio = np.clip(np.rint(audio * (_LEVEL / rms)), -32768, 32767).astype(np.int16)
    placed = padded(
        found,
        before / SAMPLE_RATE,
        (after + tail) / SAMPLE_RATE,
        len(spoken) / SAMPLE_RATE,
    )
    labels = make_labels(placed, audio)
    # make_labels also labels the end of the audio, where the next piece begins.
    cut = {
        field.name: getattr(labels, field.name)[: len(audio) // HOP]
        for field in dataclasses.fields(Labels)
        if field.name != "closures"
    }
    return audio, Labels(**cut, closures=labels.closures)


def cached_streams(plan: list[Shard], folder: Path, processes: int) -> Iterator[Stream]:
    """The streams of `plan` in order; those not in `folder` are made first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{_digest(shard)}.npz" for shard in plan]
    jobs = [(s, p) for s, p in zip(plan, paths, strict=True) if not p.exists()]
    context = multiprocessing.get_context("spawn")
    if jobs:
        with context.Pool(processes, maxtasksperchild=1) as pool:
            for _ in pool.imap_unordered(_make_file, jobs, chunksize=1):
                yield from ()
    for path in paths:
        with np.load(path) as arrays:
            tracks = {field.name: arrays[field.name] for field in dataclasses.fields(Labels)}
            yield Stream(arrays["audio"], Labels(**tracks))


def _make_file(job: tuple[Shard, Path]) -> None:
    shard, path = job
    stream = make_stream(shard)
    part = path.with_suffix(".part.npz")
    tracks = {f.name: getattr(stream.labels, f.name) for f in dataclasses.fields(Labels)}
    tracks["coefficients"] = tracks["coefficients"].astype(np.float16)
    np.savez(part, audio=stream.audio, **tracks)
    part.replace(path)


def _digest(shard: Shard) -> str:
    return hashlib.sha256(f"{_VERSION} {shard!r}".encode()).hexdigest()[:20]
