# SPDX-License-Identifier: Apache-2.0
"""Draws sentences from corpus.toml; the same seed yields the same list."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LANGUAGES = ("en", "de", "fr", "es", "cmn")
_FILE = Path(__file__).with_name("corpus.toml")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Grammar:
    patterns: tuple[str, ...]
    parts: dict[str, tuple[str, ...]]
    words: tuple[str, ...]
    syllable: tuple[tuple[str, ...], ...]  # spellings of onset, nucleus and coda
    development: tuple[str, ...]  # whole sentences, to judge by while a recipe is made
    test: tuple[str, ...]  # whole sentences, to judge final weights by


def load() -> dict[str, Grammar]:
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {language: _grammar(table) for language, table in tables.items()}


def _grammar(table: dict[str, Any]) -> Grammar:
    words = tuple(table.pop("words").split())
    spellings = (table.pop(name).split() for name in ("onsets", "nuclei", "codas"))
    syllable = tuple(tuple(s.removeprefix("_") for s in some) for some in spellings)
    lists = {name: tuple(entries) for name, entries in table.items()}
    return Grammar(
        patterns=lists.pop("patterns"),
        development=lists.pop("development"),
        test=lists.pop("test"),
        parts=lists,
        words=words,
        syllable=syllable,
    )


def draw(grammar: Grammar, rng: np.random.Generator) -> str:
    """One sentence to train on: of the grammar, or of words that do not belong together."""
    while True:
        sentence = _composed(grammar, rng) if rng.random() < 0.5 else _jumbled(grammar, rng)
        if sentence not in grammar.development + grammar.test:
            return sentence[0].upper() + sentence[1:]


def _composed(grammar: Grammar, rng: np.random.Generator) -> str:
    def pick(match: re.Match[str]) -> str:
        return _one_of(grammar.parts[match.group(1)], rng)

    return _SLOT.sub(pick, _one_of(grammar.patterns, rng))


def _jumbled(grammar: Grammar, rng: np.random.Generator) -> str:
    """Words of the list and words that nobody knows, with a comma here and there."""
    words = []
    for _ in range(int(rng.integers(5, 11))):
        known = rng.random() < 0.6
        word = _one_of(grammar.words, rng) if known else _invented(grammar, rng)
        words.append(word + ("," if rng.random() < 0.1 else ""))
    return " ".join(words).rstrip(",") + "."


def _invented(grammar: Grammar, rng: np.random.Generator) -> str:
    syllables = int(rng.integers(1, 4))
    return "".join(_one_of(part, rng) for _ in range(syllables) for part in grammar.syllable)


def _one_of(entries: tuple[str, ...], rng: np.random.Generator) -> str:
    return entries[rng.integers(len(entries))]
