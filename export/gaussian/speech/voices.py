# SPDX-License-Identifier: Apache-2.0
"""Who speaks: a seeded plan of shards, each one voice in one style, and the held-out voices.

No voice below HELD_OUT is ever trained on, in any language, nor is any held-out sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import corpus
from .espeak import EspeakStyle
from .flite import PITCH, FliteStyle

VARIANTS = (
    "", "m1", "m2", "m3", "m4", "m6", "m7", "m8", "f1", "f2", "f3", "f5", "klatt", "klatt2",
    "klatt4", "Annie", "Alicia", "belinda", "linda", "steph", "aunty", "grandma", "grandpa",
    "Mike", "quincy", "victor", "croak", "whisper", "whisperf",
)  # fmt: skip
HELD_OUT_VARIANTS = ("m5", "f4", "klatt3", "Andrea")
HELD_OUT_ACCENT = "en-gb-x-rp"
HELD_OUT_FLITE = "rms"
ACCENTS = {
    "en": (
        "en-us", "en", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc",
    ),
    "de": ("de",),
    "fr": ("fr", "fr-be", "fr-ch"),
    "es": ("es", "es-419"),
    "cmn": ("cmn-latn-pinyin",),
}  # fmt: skip
_SHARE = {"en": 0.48, "de": 0.13, "fr": 0.13, "es": 0.13, "cmn": 0.13}


@dataclass(frozen=True, slots=True)
class Shard:
    engine: str  # "espeak" or "flite"
    language: str
    style: EspeakStyle | FliteStyle
    texts: tuple[str, ...]
    seed: int  # of the silences around its sentences

    @property
    def table(self) -> str:
        """The phone table of the voice; American o differs from British."""
        us = isinstance(self.style, EspeakStyle) and self.style.voice == "en-us"
        return "en-us" if us else self.language


def training_plan(seed: int, espeak: int, flite: int, sentences: int = 25) -> list[Shard]:
    """`espeak` and `flite` shards of `sentences` sentences each."""
    rng = np.random.default_rng(seed)
    grammars = corpus.load()
    languages = list(_SHARE)
    shares = np.array(list(_SHARE.values()))
    plan = []
    for index in range(espeak + flite):
        if index < espeak:
            language = str(rng.choice(languages, p=shares))
            accent = str(rng.choice(ACCENTS[language]))
            variant = str(rng.choice(VARIANTS))
            style: EspeakStyle | FliteStyle = EspeakStyle(
                accent,
                variant,
                rate=int(rng.integers(110, 260)),
                pitch=int(rng.integers(15, 85)),
                range=int(rng.integers(20, 90)),
            )
            engine = "espeak"
        else:
            engine, language = "flite", "en"
            voices = [voice for voice in PITCH if voice != HELD_OUT_FLITE]
            voice = voices[index % len(voices)]
            pitch = PITCH[voice] * float(rng.uniform(0.75, 1.4))
            style = FliteStyle(voice, round(pitch, 1), round(float(rng.uniform(0.75, 1.35)), 3))
        texts = tuple(corpus.draw(grammars[language], rng) for _ in range(sentences))
        plan.append(Shard(engine, language, style, texts, int(rng.integers(2**31))))
    return plan


def held_out_plan(seed: int) -> list[Shard]:
    """Held-out sentences by held-out voices: every variant in every language, and Flite's."""
    rng = np.random.default_rng(seed)
    grammars = corpus.load()
    plan = []
    for language, accents in ACCENTS.items():
        texts = grammars[language].held_out
        for variant in HELD_OUT_VARIANTS:
            accent = HELD_OUT_ACCENT if variant == "f4" and language == "en" else accents[0]
            style = EspeakStyle(
                accent,
                variant,
                rate=int(rng.integers(130, 200)),
                pitch=int(rng.integers(30, 70)),
                range=int(rng.integers(40, 70)),
            )
            plan.append(Shard("espeak", language, style, texts, int(rng.integers(2**31))))
    for pitch, stretch in ((110.0, 1.0), (95.0, 1.2), (125.0, 0.9)):
        flite = FliteStyle(HELD_OUT_FLITE, pitch, stretch)
        texts = grammars["en"].held_out
        plan.append(Shard("flite", "en", flite, texts, int(rng.integers(2**31))))
    return plan


def engine_plan(engine: str, seed: int) -> list[Shard]:
    """Held-out sentences by all kinds of voices of the engine that a control left out."""
    if engine == "espeak":
        return [shard for shard in held_out_plan(seed) if shard.engine == "espeak"]
    rng = np.random.default_rng(seed)
    texts = corpus.load()["en"].held_out
    plan = []
    for voice, pitch in PITCH.items():
        seeds = int(rng.integers(2**31))
        plan.append(Shard("flite", "en", FliteStyle(voice, pitch), texts, seeds))
    return plan
