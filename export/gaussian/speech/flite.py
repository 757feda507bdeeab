# SPDX-License-Identifier: Apache-2.0
"""Flite as a source of English speech with phone times, through its C library.

Flite is a tool for making training data; nothing of it is shipped. `kal16` joins recorded
diphones; `awb`, `rms` and `slt` are statistical models of human recordings, the nearest to a
human voice that this pipeline has.
"""

from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Any

import numpy as np

from .utterance import Phone, Utterance

PITCH = {"kal16": 95.0, "awb": 140.0, "rms": 110.0, "slt": 175.0}  # Hz, near each voice's own


class _Voice(c.Structure):
    _fields_ = [("name", c.c_char_p), ("features", c.c_void_p)]


class _Wave(c.Structure):
    _fields_ = [
        ("type", c.c_char_p),
        ("sample_rate", c.c_int),
        ("num_samples", c.c_int),
        ("num_channels", c.c_int),
        ("samples", c.POINTER(c.c_short)),
    ]


_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "flite_init": (c.c_int, []),
    "flite_feat_set_float": (None, [c.c_void_p, c.c_char_p, c.c_float]),
    "flite_synth_text": (c.c_void_p, [c.c_char_p, c.c_void_p]),
    "utt_wave": (c.POINTER(_Wave), [c.c_void_p]),
    "utt_relation": (c.c_void_p, [c.c_void_p, c.c_char_p]),
    "relation_head": (c.c_void_p, [c.c_void_p]),
    "item_next": (c.c_void_p, [c.c_void_p]),
    "item_feat_float": (c.c_float, [c.c_void_p, c.c_char_p]),
    "item_feat_string": (c.c_char_p, [c.c_void_p, c.c_char_p]),
    "delete_utterance": (None, [c.c_void_p]),
}


@dataclass(frozen=True, slots=True)
class FliteStyle:
    voice: str  # a key of PITCH
    pitch: float  # mean of F0, Hz
    stretch: float = 1.0  # factor on the duration of every phone


class Flite:
    """Owns the loaded library and its voices; one per process, because Flite's state is global."""

    def __init__(self) -> None:
        self._lib = _load("libflite.so.1")
        _load("libflite_usenglish.so.1")
        _load("libflite_cmulex.so.1")
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, arguments
        self._lib.flite_init()
        self._voices: dict[str, Any] = {}

    def speak(self, text: str, style: FliteStyle) -> Utterance:
        """Speaks `text`. The phones carry Flite's names and the wave's own sample rate."""
        voice = self._voice(style.voice)
        features = voice.contents.features
        self._lib.flite_feat_set_float(features, b"duration_stretch", style.stretch)
        self._lib.flite_feat_set_float(features, b"int_f0_target_mean", style.pitch)
        utterance = self._lib.flite_synth_text(text.encode("ascii"), voice)
        if not utterance:
            raise RuntimeError(f"Flite voice {style.voice!r} could not speak {text!r}")
        try:
            wave = self._lib.utt_wave(utterance).contents
            rate = int(wave.sample_rate)
            samples = np.ctypeslib.as_array(wave.samples, shape=(wave.num_samples,)).copy()
            phones = self._phones(utterance, rate)
        finally:
            self._lib.delete_utterance(utterance)
        return Utterance("en", text, rate, samples.astype(np.int16), phones)

    def _phones(self, utterance: int, rate: int) -> tuple[Phone, ...]:
        phones: list[Phone] = []
        begin = 0
        item = self._lib.relation_head(self._lib.utt_relation(utterance, b"Segment"))
        while item:
            end = round(float(self._lib.item_feat_float(item, b"end")) * rate)
            phones.append(Phone(self._lib.item_feat_string(item, b"name").decode(), begin, end))
            begin = end
            item = self._lib.item_next(item)
        return tuple(phones)

    def _voice(self, name: str) -> Any:
        if name not in PITCH:
            raise ValueError(f"Flite has no voice {name!r}; known: {', '.join(PITCH)}")
        if name not in self._voices:
            register = getattr(_load(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
            register.restype, register.argtypes = c.POINTER(_Voice), [c.c_char_p]
            self._voices[name] = register(None)
        return self._voices[name]


def _load(name: str) -> c.CDLL:
    # Global, because the voice libraries take their symbols from the ones loaded before them.
    try:
        return c.CDLL(name, mode=c.RTLD_GLOBAL)
    except OSError as error:
        raise RuntimeError(f"{name} not found: install Flite 2.2 (Debian: flite)") from error
