# SPDX-License-Identifier: Apache-2.0
"""Flite as a source of English speech with phone times, through its C library.

Flite is a tool for making training data; nothing of it is shipped. Its voices are of two kinds: `kal16` joins
recorded diphones, `awb`, `rms` and `slt` are statistical models of human recordings. They are the nearest to a human
voice that this pipeline has.
"""

from __future__ import annotations

import ctypes as c
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .utterance import Phone, Utterance

VOICES = ("kal16", "awb", "rms", "slt")
_RELATION = b"Segment"


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


@dataclass(frozen=True, slots=True)
class FliteStyle:
    voice: str
    stretch: float = 1.0  # factor on every phone's duration
    pitch: float = 0.0  # mean of F0, Hz; 0 keeps the voice's own


class Flite:
    """Owns the loaded library and its voices; one per process, because Flite keeps global state."""

    def __init__(self) -> None:
        self._lib = _open("libflite.so.1")
        for name in ("libflite_usenglish.so.1", "libflite_cmulex.so.1"):
            _open(name)
        for name, result, arguments in _SIGNATURES:
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, arguments
        self._lib.flite_init()
        self._voices: dict[str, c.Array[_Voice] | c.POINTER(_Voice)] = {}  # type: ignore[valid-type]

    def speak(self, text: str, style: FliteStyle) -> Utterance:
        """Speaks `text`; phones carry Flite's own names, at the wave's sample rate."""
        voice = self._voice(style.voice)
        features = voice.contents.features
        self._lib.flite_feat_set_float(features, b"duration_stretch", style.stretch)
        default = self._pitch[style.voice]
        self._lib.flite_feat_set_float(features, b"int_f0_target_mean", style.pitch or default)
        utterance = self._lib.flite_synth_text(text.encode("ascii"), voice)
        if not utterance:
            raise RuntimeError(f"Flite voice {style.voice!r} could not speak {text!r}")
        try:
            wave = self._lib.utt_wave(utterance).contents
            samples: NDArray[np.int16] = np.ctypeslib.as_array(
                wave.samples, shape=(wave.num_samples,)
            ).copy()
            phones = self._phones(utterance, wave.sample_rate)
            rate = int(wave.sample_rate)
        finally:
            self._lib.delete_utterance(utterance)
        return Utterance("en", text, rate, samples, phones)

    def _phones(self, utterance: int, rate: int) -> tuple[Phone, ...]:
        phones = []
        begin = 0.0
        item = self._lib.relation_head(self._lib.utt_relation(utterance, _RELATION))
        while item:
            end = float(self._lib.item_feat_float(item, b"end"))
            name = self._lib.item_feat_string(item, b"name").decode()
            phones.append(Phone(name, round(begin * rate), round(end * rate)))
            begin = end
            item = self._lib.item_next(item)
        return tuple(phones)

    def _voice(self, name: str) -> c.POINTER(_Voice):  # type: ignore[valid-type]
        if name not in VOICES:
            raise ValueError(f"Flite has no voice {name!r}; known: {', '.join(VOICES)}")
        if name not in self._voices:
            library = _open(f"libflite_cmu_us_{name}.so.1")
            register = getattr(library, f"register_cmu_us_{name}")
            register.restype, register.argtypes = c.POINTER(_Voice), [c.c_char_p]
            self._voices[name] = register(None)
        return self._voices[name]
