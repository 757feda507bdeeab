# SPDX-License-Identifier: Apache-2.0
"""Coefficient tracks from segments: Cohen and Massaro's dominance, then rules that always hold.

Blending lets strong neighbours pull a closure open, so lips, teeth and hisses are imposed after
it. Vowels open with their loudness and shrink when short: the network can hear both, unlike stress
marks, and both synthesizers tell them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lip_rules import (
    JAW,
    LOWER_DOWN,
    ROLL_LOWER,
    SHRUG_LOWER,
    TONGUE,
    UPPER_UP,
    close_lips,
)
from .timing import Segment
from .utterance import SAMPLE_RATE
from .visemes import REST_TARGETS, VISEMES

Array = NDArray[np.float64]

HOP = 80  # samples from one label to the next: 5 ms
RATE = SAMPLE_RATE // HOP  # labels per second
_REST_PULL = 0.03  # keeps the blend defined far from all sounds
_SHORT, _RELAXED = 0.120, 0.350  # s: pauses below hold the lips, above close them
_HISS_JAW = 0.07  # tooth rows 1 to 2 mm apart
_TEETH_JAW = 0.12
_INDEX = {name: index for index, name in enumerate(VISEMES)}


@dataclass(frozen=True, slots=True)
class Labels:
    coefficients: NDArray[np.float32]  # [T, 14], label k at sample k * HOP
    closure: NDArray[np.bool_]  # [T] lips closed by speech
    silence: NDArray[np.bool_]  # [T] inside a pause over 350 ms, away from its edges
    speech: NDArray[np.bool_]  # [T] outside every pause
    energy: NDArray[np.float32]  # [T] 0 to 1
    viseme: NDArray[np.uint8]  # [T] 0 in pauses, else 1 + index into VISEMES
    closures: NDArray[np.float32]  # [M, 2] begin and end of each closure, s


def make_labels(segments: list[Segment], audio: NDArray[np.int16]) -> Labels:
    """Labels for an utterance; `audio` [samples] is at SAMPLE_RATE and clean."""
    count = len(audio) // HOP + 1
    time = np.arange(count) / RATE
    sounds = [s for s in segments if s.viseme != "pause"]
    pauses = [s for s in segments if s.viseme == "pause"]
    level = _level_db(audio, count)
    blended = _blend(time, sounds, _targets(sounds, time, level))
    rest = _rest_weight(time, pauses, count)
    blended += rest[:, None] * (REST_TARGETS - blended)
    ruled = _impose(time, sounds, _smooth(blended))
    silence, speech = np.zeros(count, bool), np.ones(count, bool)
    for pause in pauses:
        speech[(time >= pause.begin) & (time < pause.end)] = False
        if pause.end - pause.begin > _RELAXED:
            late = 0.2 if pause.end < time[-1] - 0.05 else 0.0
            silence |= (time >= pause.begin + 0.25) & (time < pause.end - late)
    closures = np.array([[s.begin, s.end] for s in sounds if _is_lips(s)]).reshape(-1, 2)
    closed = np.zeros(count, bool)
    for begin, end in closures:
        closed |= (time >= begin) & (time < end)
    viseme = np.zeros(count, np.uint8)
    for sound in sounds:
        viseme[(time >= sound.begin) & (time < sound.end)] = 1 + _INDEX[sound.viseme]
    return Labels(
        coefficients=np.clip(ruled, 0, 1).astype(np.float32),
        closure=closed,
        silence=silence & ~closed,
        speech=speech,
        energy=_energy(level),
        viseme=viseme,
        closures=closures.astype(np.float32),
    )


def _is_lips(segment: Segment) -> bool:
    return VISEMES[segment.viseme].kind == "lips"


def _targets(sounds: list[Segment], time: Array, level: Array) -> Array:
    """Target of each sound [S, 14], vowels scaled by their loudness and length."""
    vowels = [VISEMES[s.viseme].kind == "vowel" for s in sounds]
    loudness = np.array(
        [np.interp(0.5 * (s.begin + s.end), time, level) for s in sounds], dtype=np.float64
    )
    mean = float(loudness[vowels].mean()) if any(vowels) else 0.0
    targets = np.zeros((len(sounds), len(REST_TARGETS)))
    for i, sound in enumerate(sounds):
        scale = np.full(len(REST_TARGETS), sound.scale)
        if vowels[i]:
            gain = np.clip(1 + 0.045 * (loudness[i] - mean), 0.7, 1.3)
            length = np.clip(((sound.end - sound.begin) / 0.09) ** 0.4, 0.65, 1.15)
            scale *= length * np.sqrt(gain)
            scale[JAW] *= np.sqrt(gain)
        targets[i] = VISEMES[sound.viseme].targets * scale
    return targets


def _blend(time: Array, sounds: list[Segment], targets: Array) -> Array:
    """Dominance-weighted mean of the targets: [T, 14]."""
    pulls = [VISEMES[s.viseme].pull for s in sounds]
    begin = np.array([s.begin for s in sounds])
    end = np.array([s.end for s in sounds])
    # Faster speech has narrower gestures.
    pace = np.clip(np.sqrt((end - begin) / 0.080), 0.6, 1.5)
    centre = 0.5 * (begin + end) + np.array([p.offset for p in pulls]) / 1000
    ahead = centre[None, :] - time[:, None]  # [T, S], positive while the sound is still to come
    before = np.array([p.before for p in pulls]) / 1000 * pace
    after = np.array([p.after for p in pulls]) / 1000 * pace
    width = np.where(ahead >= 0, before, after)
    log_half = np.log(2.0)
    lips = np.exp(-log_half * (np.abs(ahead) / width) ** 1.6) * [p.lips for p in pulls]
    jaw = np.exp(-log_half * (np.abs(ahead) / (1.2 * width)) ** 1.3) * [p.jaw for p in pulls]
    tongue = np.exp(-log_half * (np.abs(ahead) / width) ** 1.6)
    out = np.empty((len(time), len(REST_TARGETS)))
    for column in range(out.shape[1]):
        pull = {JAW: jaw, TONGUE: tongue}.get(column, lips)
        total = pull.sum(axis=1) + _REST_PULL
        out[:, column] = (pull @ targets[:, column] + _REST_PULL * REST_TARGETS[column]) / total
    return out


def _rest_weight(time: Array, pauses: list[Segment], count: int) -> Array:
    """How far the mouth has gone to rest: held in short pauses, halfway, closed in long ones."""
    weight = np.zeros(count)
    final = time[-1] - 0.05
    for pause in pauses:
        length = pause.end - pause.begin
        if length < _SHORT:
            continue
        peak = 1.0 if length > _RELAXED else 0.5
        rise = 0.0 if pause.begin <= 0.01 else 0.220
        fall = 0.0 if pause.end >= final else 0.120
        up = _ease((time - pause.begin - 0.02) / rise) if rise else (time >= 0).astype(float)
        down = _ease((pause.end - 0.02 - time) / fall) if fall else np.ones(count)
        weight = np.maximum(weight, peak * np.minimum(up, down))
    return weight


def _smooth(tracks: Array) -> Array:
    """Zero-phase low pass: lips 13 Hz, jaw 8 Hz."""
    from scipy.ndimage import gaussian_filter1d

    out = np.empty_like(tracks)
    for column in range(tracks.shape[1]):
        seconds = 0.0165 if column == JAW else 0.0102
        out[:, column] = gaussian_filter1d(tracks[:, column], seconds * RATE, mode="nearest")
    return out


def _impose(time: Array, sounds: list[Segment], tracks: Array) -> Array:
    """Hisses bring the teeth together, f and v touch the teeth, p b m close; in rising priority."""
    out = tracks.copy()
    strength = np.zeros(len(time))
    for sound in sounds:
        viseme = VISEMES[sound.viseme]
        if viseme.kind == "hiss":
            hold = _hold(time, sound, 0.035, inset=0.25)
            out[:, JAW] += hold * (np.minimum(out[:, JAW], _HISS_JAW) - out[:, JAW])
        elif viseme.kind == "teeth":
            hold = _hold(time, sound, 0.040, inset=0.2)
            for column in (ROLL_LOWER, UPPER_UP, SHRUG_LOWER, LOWER_DOWN):
                out[:, column] += hold * (viseme.targets[column] - out[:, column])
            out[:, JAW] += hold * (np.minimum(out[:, JAW], _TEETH_JAW) - out[:, JAW])
        elif viseme.kind == "lips":
            strength = np.maximum(strength, _hold(time, sound, 0.040, inset=0.0))
    return close_lips(out, strength)


def _hold(time: Array, sound: Segment, ramp: float, inset: float) -> Array:
    """1 within the sound (less `inset` of it at both ends), eased to 0 over `ramp` seconds."""
    trim = inset * (sound.end - sound.begin)
    begin, end = sound.begin + trim, sound.end - trim
    return _ease(1 - np.maximum(begin - time, time - end) / ramp)


def _ease(x: Array) -> Array:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _level_db(audio: NDArray[np.int16], count: int) -> Array:
    """Level over 20 ms around each label, dB below full scale."""
    power = np.concatenate([[0.0], np.cumsum((audio / 32768.0) ** 2)])
    middle = np.arange(count) * HOP
    low = np.clip(middle - 160, 0, len(audio))
    high = np.clip(middle + 160, 0, len(audio))
    return np.asarray(10 * np.log10((power[high] - power[low]) / 320 + 1e-8))


def _energy(level: Array) -> NDArray[np.float32]:
    """Slow loudness for head motion: 0 at 35 dB below the utterance's loud parts, 1 at them."""
    from scipy.ndimage import gaussian_filter1d

    top = np.percentile(level, 95)
    loudness = np.clip((level - top) / 35 + 1, 0, 1)
    return np.asarray(gaussian_filter1d(loudness, 0.06 * RATE), np.float32)
