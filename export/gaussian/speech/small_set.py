# SPDX-License-Identifier: Apache-2.0
"""The small test set that the test suite judges: FLAC audio and label arrays, under 2 MB.

    python -m talkrt.export.gaussian.speech.small_set tests/data/speech

Two test sentences by each test voice. Reading it needs no synthesizer.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

from .dataset import Stream, cached_streams
from .demo_sentence import write_flac
from .labels import Labels
from .utterance import SAMPLE_RATE
from .voices import TEST_VARIANTS, Shard, unseen_plan

SEED = 29


def small_plan() -> list[Shard]:
    """English by every test voice, each other language by one, never the same."""
    plan = []
    variants = dict(zip(("de", "fr", "es", "cmn"), TEST_VARIANTS[:4], strict=True))
    for index, shard in enumerate(unseen_plan(SEED)):
        if variants.get(shard.language) not in (None, getattr(shard.style, "variant", None)):
            continue
        first = 2 * index % len(shard.texts)
        texts = (shard.texts + shard.texts)[first : first + 2]
        plan.append(dataclasses.replace(shard, texts=texts))
    return plan


def write_small_set(folder: Path, cache: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shard, stream in zip(
        small_plan(), cached_streams(small_plan(), cache, processes=2), strict=True
    ):
        name = _name(shard)
        write_flac(folder / f"{name}.flac", stream.audio, SAMPLE_RATE)
        tracks = {f.name: getattr(stream.labels, f.name) for f in dataclasses.fields(Labels)}
        for track in ("coefficients", "energy"):
            tracks[track] = tracks[track].astype(np.float16)
        np.savez_compressed(folder / f"{name}.npz", **tracks)


def _name(shard: Shard) -> str:
    style = shard.style
    voice = (getattr(style, "variant", "") or style.voice).replace(" ", "_")
    pitch = round(style.pitch)
    return f"{shard.engine}-{shard.language}-{voice}-{pitch}"


def read_small_set(folder: Path) -> dict[str, Stream]:
    """Streams by name, in the order of their names."""
    found = {}
    for path in sorted(folder.glob("*.flac")):
        with np.load(path.with_suffix(".npz")) as arrays:
            labels = Labels(**{f.name: arrays[f.name] for f in dataclasses.fields(Labels)})
        found[path.stem] = Stream(_read_flac(path), labels)
    if not found:
        raise FileNotFoundError(f"{folder}: no .flac files")
    return found


def _read_flac(path: Path) -> np.ndarray:
    import av

    with av.open(str(path)) as container:
        frames = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    return np.concatenate(frames).astype(np.int16)


if __name__ == "__main__":
    write_small_set(Path(sys.argv[1]), Path("build/speech"))
