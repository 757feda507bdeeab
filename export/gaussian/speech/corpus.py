# SPDX-License-Identifier: Apache-2.0
"""Draws sentences from corpus.toml; the same seed yields the same list."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LANGUAGES = ("en", "de", "fr", "es", "cmn")
_FILE = Path(__file__).with_name("corpus.toml")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Grammar:
    patterns: tuple[str, ...]
    parts: dict[str, tuple[str, ...]]
    development: tuple[str, ...]  # whole sentences, to judge by while a recipe is made
    test: tuple[str, ...]  # whole sentences, to judge final weights by


def load() -> dict[str, Grammar]:
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {language: _grammar(table) for language, table in tables.items()}


def _grammar(table: dict[str, list[str]]) -> Grammar:
    lists = {name: tuple(entries) for name, entries in table.items()}
    return Grammar(lists.pop("patterns"), lists, lists.pop("development"), lists.pop("test"))


def draw(grammar: Grammar, rng: np.random.Generator) -> str:
    """One sentence to train on."""

    def pick(match: re.Match[str]) -> str:
        entries = grammar.parts[match.group(1)]
        return entries[rng.integers(len(entries))]

    while True:
        pattern = grammar.patterns[rng.integers(len(grammar.patterns))]
        sentence = _SLOT.sub(pick, pattern)
        if sentence not in grammar.development + grammar.test:
            return sentence[0].upper() + sentence[1:]
