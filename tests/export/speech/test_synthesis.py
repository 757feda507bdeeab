# SPDX-License-Identifier: Apache-2.0
"""The training data: repeatable from its seeds, with nothing held out in it. Needs synthesizers."""

import ctypes
import dataclasses
import multiprocessing

import numpy as np
import pytest
from talkrt.export.gaussian.speech import corpus, phones, timing
from talkrt.export.gaussian.speech.dataset import make_stream
from talkrt.export.gaussian.speech.espeak import Espeak, EspeakStyle
from talkrt.export.gaussian.speech.labels import HOP
from talkrt.export.gaussian.speech.voices import (
    ACCENTS,
    DEVELOPMENT_ACCENT,
    DEVELOPMENT_VARIANTS,
    DRAWN_BY,
    FLITE,
    TEST_ACCENT,
    TEST_FLITE,
    TEST_VARIANTS,
    UNHEARD,
    VARIANTS,
    development_plan,
    engine_plan,
    training_plan,
    unseen_plan,
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


def test_no_voice_or_sentence_is_in_two_sets():
    grammars = corpus.load().values()
    development = {text for grammar in grammars for text in grammar.development}
    test = {text for grammar in grammars for text in grammar.test}
    assert not development & test
    for shard in PLAN:
        assert not (development | test) & set(shard.texts)
    variants = [*VARIANTS, *DEVELOPMENT_VARIANTS, *TEST_VARIANTS]
    accents = [*ACCENTS["en"], DEVELOPMENT_ACCENT, TEST_ACCENT]
    assert len(set(variants)) == len(variants) and len(set(accents)) == len(accents)
    assert TEST_FLITE not in FLITE


def test_the_test_voices_are_those_that_the_seed_draws():
    rng = np.random.default_rng(DRAWN_BY)
    assert tuple(rng.choice(UNHEARD, 5, replace=False)) == TEST_VARIANTS
    assert rng.choice(("en-gb-x-gbclan", "en-029", "en-us-nyc")) == TEST_ACCENT
    assert rng.choice(("kal16", "slt")) == TEST_FLITE
    assert not set(UNHEARD) & {*VARIANTS, *DEVELOPMENT_VARIANTS}


def test_each_set_is_spoken_by_its_own_voices():
    grammars = corpus.load()
    sets = (
        (PLAN, VARIANTS, FLITE, None),
        (development_plan(seed=7), DEVELOPMENT_VARIANTS, FLITE, "development"),
        (unseen_plan(seed=7), TEST_VARIANTS, (TEST_FLITE,), "test"),
    )
    for plan, variants, flite, sentences in sets:
        for shard in plan:
            if sentences:
                assert set(shard.texts) <= set(getattr(grammars[shard.language], sentences))
            if shard.engine == "flite":
                assert shard.style.voice in flite
            else:
                assert shard.style.variant in variants


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
        for text in [corpus.draw(grammar, rng) for _ in range(40)] + list(
            grammar.development + grammar.test
        ):
            spoken = espeak.speak(language, text, EspeakStyle(accent, "", 170, 50, 50))
            timing.segments(spoken, "espeak", language)
            seen |= {phone.name for phone in spoken.phones}
    assert len(seen - phones.PAUSES - phones.SHAPELESS) > 25


@needs_espeak
def test_an_unknown_voice_or_variant_is_refused():
    espeak = Espeak()
    with pytest.raises(ValueError, match="no voice 'en-us\\+nosuch'"):
        espeak.speak("en", "hello", EspeakStyle("en-us", "nosuch", 170, 50, 50))
    with pytest.raises(ValueError, match="no voice 'zz'"):
        espeak.speak("en", "hello", EspeakStyle("zz", "", 170, 50, 50))
