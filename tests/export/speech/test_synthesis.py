# SPDX-License-Identifier: Apache-2.0
"""The training data: repeatable from its seeds, with nothing held out in it. Needs synthesizers."""

import ctypes
import dataclasses
import multiprocessing

import numpy as np
import pytest
from talkrt.export.gaussian.speech import corpus, phones
from talkrt.export.gaussian.speech.dataset import make_stream
from talkrt.export.gaussian.speech.espeak import Espeak, EspeakStyle
from talkrt.export.gaussian.speech.labels import HOP
from talkrt.export.gaussian.speech.voices import (
    ACCENTS,
    HELD_OUT_ACCENT,
    HELD_OUT_FLITE,
    HELD_OUT_VARIANTS,
    VARIANTS,
    engine_plan,
    held_out_plan,
    training_plan,
)


def has(library):
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


needs_espeak = pytest.mark.skipif(not has("libespeak-ng.so.1"), reason="eSpeak NG not installed")
needs_flite = pytest.mark.skipif(not has("libflite.so.1"), reason="Flite not installed")
PLAN = training_plan(seed=1, espeak=60, flite=9)


def test_a_plan_repeats_with_its_seed_and_changes_with_it():
    assert training_plan(1, 8, 2) == training_plan(1, 8, 2)
    assert training_plan(1, 8, 2) != training_plan(2, 8, 2)


def test_no_held_out_voice_or_sentence_is_trained_on():
    sentences = {text for grammar in corpus.load().values() for text in grammar.held_out}
    for shard in PLAN:
        assert not sentences & set(shard.texts)
        assert shard.style.voice != HELD_OUT_FLITE
        assert getattr(shard.style, "variant", "") not in HELD_OUT_VARIANTS
        assert shard.style.voice != HELD_OUT_ACCENT
    assert not set(HELD_OUT_VARIANTS) & set(VARIANTS)
    assert HELD_OUT_ACCENT not in ACCENTS["en"]


def test_held_out_speech_has_only_held_out_voices_and_sentences():
    grammars = corpus.load()
    for shard in held_out_plan(seed=7):
        assert set(shard.texts) <= set(grammars[shard.language].held_out)
        if shard.engine == "flite":
            assert shard.style.voice == HELD_OUT_FLITE
        else:
            assert shard.style.variant in HELD_OUT_VARIANTS


def test_every_language_and_both_engines_are_trained_on():
    assert {shard.language for shard in PLAN} == set(corpus.LANGUAGES)
    assert {shard.engine for shard in PLAN} == {"espeak", "flite"}
    assert {shard.engine for shard in engine_plan("flite", 3)} == {"flite"}


def in_fresh_process(shard):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(make_stream, (shard,))


@needs_espeak
@needs_flite
@pytest.mark.parametrize("index", [0, 64])
def test_a_stream_is_the_same_bytes_in_every_fresh_process(index):
    shard = dataclasses.replace(PLAN[index], texts=PLAN[index].texts[:3])
    first, second = in_fresh_process(shard), in_fresh_process(shard)
    np.testing.assert_array_equal(first.audio, second.audio)
    for field in dataclasses.fields(first.labels):
        np.testing.assert_array_equal(
            getattr(first.labels, field.name), getattr(second.labels, field.name)
        )
    assert len(first.audio) == HOP * len(first.labels.closure)
    assert len(first.labels.closures) > 0


@needs_espeak
@pytest.mark.parametrize("language", corpus.LANGUAGES)
def test_every_phone_that_espeak_speaks_has_a_viseme(language):
    grammar = corpus.load()[language]
    rng = np.random.default_rng(3)
    espeak = Espeak()
    seen = set()
    for accent in ACCENTS[language]:
        for text in [corpus.draw(grammar, rng) for _ in range(40)] + list(grammar.held_out):
            spoken = espeak.speak(language, text, EspeakStyle(accent, "", 170, 50, 50))
            seen |= {phone.name for phone in spoken.phones}
    sounds = seen - phones.PAUSES - phones.SHAPELESS
    assert len(sounds) > 25
    for name in sounds:
        phones.rule("espeak", language, name)


@needs_espeak
def test_an_unknown_voice_or_variant_is_refused():
    espeak = Espeak()
    with pytest.raises(ValueError, match="no voice 'en-us\\+nosuch'"):
        espeak.speak("en", "hello", EspeakStyle("en-us", "nosuch", 170, 50, 50))
    with pytest.raises(ValueError, match="no voice 'zz'"):
        espeak.speak("en", "hello", EspeakStyle("zz", "", 170, 50, 50))
