# SPDX-License-Identifier: Apache-2.0
"""Labels follow the phones and keep the rules of lips, teeth and hisses."""

import numpy as np
import pytest
from talkrt.export.gaussian.speech import phones, timing
from talkrt.export.gaussian.speech.labels import RATE, make_labels
from talkrt.export.gaussian.speech.lip_rules import JAW, PUCKER, ROLL_LOWER, lip_gap
from talkrt.export.gaussian.speech.timing import Segment
from talkrt.export.gaussian.speech.utterance import Phone, Utterance
from talkrt.export.gaussian.speech.visemes import REST_TARGETS, VISEMES

NOISE = (np.random.default_rng(0).normal(0, 3000, 2 * 16000)).astype(np.int16)


def spoken(*names, begin=0.5, each=0.09):
    """Segments of equal length between two pauses, in two seconds of audio."""
    found = [Segment("pause", 1.0, 0.0, begin)]
    for index, name in enumerate(names):
        start = begin + index * each
        found.append(Segment(name, 1.0, start, start + each))
    end = begin + len(names) * each
    return [*found, Segment("pause", 1.0, end, 2.0)]


def at(labels, seconds):
    return labels.coefficients[round(seconds * RATE)].astype(np.float64)


@pytest.mark.parametrize("lips", ["P", "B", "M"])
@pytest.mark.parametrize("neighbour", ["aa", "uw", "iy", "SS", "CH"])
def test_lips_are_closed_throughout_their_interval_beside_any_neighbour(lips, neighbour):
    labels = make_labels(spoken(neighbour, lips, neighbour), NOISE)
    gap = lip_gap(labels.coefficients.astype(np.float64))
    assert labels.closure.sum() == pytest.approx(0.09 * RATE, abs=1)
    assert gap[labels.closure].max() <= 0.3
    # It opens again for the vowel behind.
    assert gap[round((0.5 + 0.2) * RATE) : round((0.5 + 0.27) * RATE)].max() > 1.0


def test_lips_open_between_two_closures():
    labels = make_labels(spoken("P", "aa", "P"), NOISE)
    gap = lip_gap(labels.coefficients.astype(np.float64))
    assert gap[round(0.61 * RATE) : round(0.66 * RATE)].max() > 3


@pytest.mark.parametrize("hiss", ["SS", "CH", "ji", "zh"])
def test_a_hiss_brings_the_teeth_together_between_open_vowels(hiss):
    labels = make_labels(spoken("aa", hiss, "aa"), NOISE)
    assert at(labels, 0.635)[JAW] <= 0.0705


def test_f_touches_the_teeth_but_leaves_the_lips_apart():
    labels = make_labels(spoken("aa", "FF", "aa"), NOISE)
    middle = at(labels, 0.635)
    assert middle[ROLL_LOWER] == pytest.approx(0.35, abs=0.01)
    assert middle[JAW] <= 0.1205
    assert 1.0 < lip_gap(middle) < 4.0


def test_rounding_begins_before_the_rounded_vowel():
    labels = make_labels(spoken("iy", "DD", "uw"), NOISE)
    assert at(labels, 0.635)[PUCKER] > 0.25  # during the d
    plain = make_labels(spoken("iy", "DD", "iy"), NOISE)
    assert at(plain, 0.635)[PUCKER] < 0.05


def test_long_pauses_rest_and_short_ones_do_not():
    labels = make_labels(spoken("aa", "DD", "aa"), NOISE)
    np.testing.assert_allclose(at(labels, 0.1), REST_TARGETS, atol=1e-3)
    np.testing.assert_allclose(at(labels, 1.5), REST_TARGETS, atol=1e-3)
    assert labels.silence[round(0.28 * RATE)] and not labels.silence[round(0.45 * RATE)]
    short = [
        Segment("pause", 1.0, 0.0, 0.5),
        Segment("aa", 1.0, 0.5, 0.6),
        Segment("pause", 1.0, 0.6, 0.7),
        Segment("aa", 1.0, 0.7, 0.8),
        Segment("pause", 1.0, 0.8, 2.0),
    ]
    held = make_labels(short, NOISE)
    assert at(held, 0.65)[JAW] > 0.1
    assert not held.silence[round(0.6 * RATE) : round(0.7 * RATE)].any()


def test_louder_vowels_open_wider():
    loud = NOISE.astype(np.float64)
    loud[: 16000 * 6 // 10] *= 0.2
    labels = make_labels(spoken("aa", "DD", "DD", "aa"), loud.astype(np.int16))
    assert at(labels, 0.815)[JAW] > at(labels, 0.545)[JAW] + 0.05


def test_labels_repeat_bit_by_bit():
    found = spoken("M", "aa", "P", "uw", "SS")
    first, second = make_labels(found, NOISE), make_labels(found, NOISE)
    for name in ("coefficients", "closure", "silence", "energy", "viseme"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_coefficients_stay_in_range_for_every_viseme():
    for name in VISEMES:
        tracks = make_labels(spoken("aa", name, "uw", name), NOISE).coefficients
        assert np.isfinite(tracks).all() and tracks.min() >= 0 and tracks.max() <= 1


def test_every_table_entry_names_visemes_and_shares_the_whole_phone():
    for table in (*phones.ESPEAK.values(), phones.FLITE):
        for rule in table.values():
            assert all(part.viseme in VISEMES for part in rule.parts)
            assert sum(part.share for part in rule.parts) == pytest.approx(1)


def test_an_unknown_phone_is_refused_by_name():
    with pytest.raises(KeyError, match="'qqq' of 'de'"):
        phones.rule("espeak", "de", "qqq")


def test_a_voiceless_closure_lies_in_the_silence_before_its_event():
    audio = np.full(22050, 5000, np.int16)
    audio[11025 - 1323 : 11025] = 0  # 60 ms of silence before the release at 0.5 s
    spoken_once = Utterance("en", "", 22050, audio, (Phone("p", 11025, 12000),))
    (closure,) = timing.segments(spoken_once, "espeak", "en")
    assert closure.begin == pytest.approx(0.44, abs=0.002)
    assert closure.end == pytest.approx(0.505, abs=0.001)


def test_a_voiced_closure_begins_with_its_event_and_opens_before_the_phone_ends():
    audio = np.full(22050, 5000, np.int16)
    spoken_once = Utterance("en", "", 22050, audio, (Phone("b", 11025, 13230),))
    (closure,) = timing.segments(spoken_once, "espeak", "en")
    assert closure.begin == pytest.approx(0.49) and closure.end == pytest.approx(0.56)


def test_a_word_read_as_another_language_takes_that_languages_table_until_it_ends():
    audio = np.full(22050, 5000, np.int16)
    names = ("y", "(en)", "V", "(fr)", "y")
    parts = tuple(Phone(name, 2000 * i, 2000 * (i + 1)) for i, name in enumerate(names))
    found = timing.segments(Utterance("fr", "", 22050, audio, parts), "espeak", "fr")
    assert [segment.viseme for segment in found] == ["y", "ah", "y"]
    with pytest.raises(KeyError, match="'V' of 'fr'"):
        timing.segments(Utterance("fr", "", 22050, audio, parts[2:]), "espeak", "fr")


def test_split_pauses_become_one():
    audio = np.zeros(22050, np.int16)
    parts = (Phone("_", 0, 2205), Phone("_:", 2205, 8820), Phone("a", 8820, 12000))
    found = timing.segments(Utterance("en", "", 22050, audio, parts), "espeak", "en")
    assert [(s.viseme, s.begin, s.end) for s in found][:1] == [("pause", 0.0, 0.4)]
