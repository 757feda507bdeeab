# SPDX-License-Identifier: Apache-2.0
"""From a synthesizer's phones to segments: when each viseme is on the lips, and when they close.

Engines disagree about what a phone's time means. Measured on eSpeak NG 1.51: the event of a
voiceless stop is its release, the closure being the silence before it; that of a voiced stop is
the beginning of the closure, which takes some 60 % of the phone. In Flite 2.2 a stop contains both
in turn: p opens 25 ms before its end, b about 12 ms, m 5 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .phones import PAUSES, SHAPELESS, rule
from .utterance import Phone, Utterance

QUIET = 16  # sample values below are eSpeak NG's digital silence


@dataclass(frozen=True, slots=True)
class Segment:
    viseme: str  # or "pause"
    scale: float
    begin: float  # s; of lip sounds: of the closure
    end: float


def segments(utterance: Utterance, engine: str, language: str) -> list[Segment]:
    """Visemes and pauses in time order. `language` names the phone table, e.g. "en-us"."""
    found: list[Segment] = []
    table = language
    for phone in utterance.phones:
        begin, end = phone.begin / utterance.rate, phone.end / utterance.rate
        if phone.name.startswith("("):  # eSpeak NG reads what follows as another language: "(en)"
            spoken = phone.name.strip("()")
            table = language if language.startswith(spoken) else spoken
        elif phone.name in PAUSES:
            found.append(Segment("pause", 1.0, begin, end))
        elif phone.name not in SHAPELESS:
            found += _sound(utterance, phone, engine, table)
    return _merged(found)


def _sound(utterance: Utterance, phone: Phone, engine: str, language: str) -> list[Segment]:
    found = rule(engine, language, phone.name)
    begin, end = phone.begin / utterance.rate, phone.end / utterance.rate
    if found.silent_before:
        silence = _silence_before(utterance.samples, phone.begin, utterance.rate)
        if found.parts[0].viseme == "P":
            begin, closed = begin - max(silence, 0.040), begin + 0.005
            rest = [Segment(part.viseme, part.scale, closed, end) for part in found.parts[1:]]
            return [Segment("P", 1.0, begin, closed), *rest]
        begin -= silence
    if found.parts[0].viseme in ("P", "B", "M"):
        return [_closure(found.parts[0].viseme, begin, end, engine)]
    made, start = [], begin
    for part in found.parts:
        stop = start + part.share * (end - begin)
        made.append(Segment(part.viseme, part.scale, start, stop))
        start = stop
    return made


def _closure(viseme: str, begin: float, end: float, engine: str) -> Segment:
    duration = end - begin
    if engine == "flite":
        release = {"P": max(0.025, 0.25 * duration), "B": 0.012, "M": 0.005}[viseme]
        begin, end = begin + 0.005, end - min(release, 0.5 * duration)
    elif viseme == "M":
        begin, end = begin - 0.010, end - 0.010
    else:
        begin, end = begin - 0.010, begin + 0.6 * duration
    # Lips need 30 ms to be seen closed; very short phones close earlier instead.
    return Segment(viseme, 1.0, min(begin, end - 0.030), end)


def _silence_before(samples: NDArray[np.int16], event: int, rate: int) -> float:
    """Seconds of digital silence that end at `event`, at most 0.12."""
    window = samples[max(event - round(0.12 * rate), 0) : event + round(0.005 * rate)]
    loud = np.abs(window.astype(np.int32)) >= QUIET
    last = len(loud) - 1
    while last >= 0 and loud[last] and len(loud) - last < 0.015 * rate:
        last -= 1  # the burst may begin a little early
    before = np.flatnonzero(loud[: last + 1])
    return (last - (int(before[-1]) if len(before) else -1)) / rate


def _merged(found: list[Segment]) -> list[Segment]:
    """Joins neighbouring pauses: engines split one silence into several."""
    out: list[Segment] = []
    for segment in found:
        if out and segment.viseme == "pause" and out[-1].viseme == "pause":
            segment = Segment("pause", 1.0, out.pop().begin, segment.end)
        out.append(segment)
    return out


def padded(found: list[Segment], before: float, after: float, length: float) -> list[Segment]:
    """Segments with seconds of silence `before` and `after` their `length` of audio."""
    moved = [Segment(s.viseme, s.scale, s.begin + before, s.end + before) for s in found]
    first = Segment("pause", 1.0, 0.0, before)
    last = Segment("pause", 1.0, before + length, before + length + after)
    return _merged([first, *moved, last])
