# SPDX-License-Identifier: Apache-2.0
"""eSpeak NG as a source of speech with phone times, through its C library.

eSpeak NG is GPL: a tool for making training data, never linked into the product. Its generator
keeps state from one utterance to the next, so the same text spoken twice differs; a fresh process
that speaks the same list in the same order is byte-identical. Hence one process per shard.
"""

from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Any

import numpy as np

from .utterance import Phone, Utterance

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 0x1  # with mnemonics: IPA names collapse phones that the table keeps apart
_DONT_EXIT = 0x8000
_UTF8, _END_PAUSE = 0x1, 0x1000
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_LIST_END, _PHONEME = 0, 7


class _Id(c.Union):
    _fields_ = [("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8)]


class _Event(c.Structure):
    _fields_ = [
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", _Id),
    ]


class _Voice(c.Structure):
    _fields_ = [("name", c.c_char_p), ("languages", c.c_char_p), ("identifier", c.c_char_p)]


_CALLBACK = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class EspeakStyle:
    voice: str  # "en-us", "fr-be", ...
    variant: str  # "f2", "klatt", ... or "" for the plain voice
    rate: int  # words per minute
    pitch: int  # 0 to 100
    range: int  # 0 to 100; 0 is monotone


class Espeak:
    """Owns the library's one global engine; make one per process."""

    def __init__(self) -> None:
        try:
            self._lib = c.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise RuntimeError(
                "libespeak-ng.so.1 not found: install eSpeak NG 1.51 (Debian: espeak-ng)"
            ) from error
        self._lib.espeak_GetCurrentVoice.restype = c.POINTER(_Voice)
        self._rate = int(
            self._lib.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS | _DONT_EXIT)
        )
        if self._rate <= 0:
            raise RuntimeError("eSpeak NG found no voice data: install espeak-ng-data")
        self._chunks: list[np.ndarray] = []
        self._events: list[tuple[str, int]] = []
        self._callback = _CALLBACK(self._receive)  # the library keeps only a pointer to it
        self._lib.espeak_SetSynthCallback(self._callback)

    def speak(self, language: str, text: str, style: EspeakStyle) -> Utterance:
        """Speaks `text`. Phones carry espeak's mnemonics; a phone ends where the next begins."""
        self._set_voice(style)
        for parameter, value in (
            (_RATE, style.rate),
            (_VOLUME, 70),  # some variants clip at 100
            (_PITCH, style.pitch),
            (_RANGE, style.range),
        ):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._chunks.clear()
        self._events.clear()
        data = text.encode()
        status = self._lib.espeak_Synth(
            data, len(data) + 1, 0, 1, 0, _UTF8 | _END_PAUSE, None, None
        )
        if status != 0 or not self._chunks:
            raise RuntimeError(f"eSpeak NG voice {style.voice!r} could not speak {text!r}")
        samples = np.concatenate(self._chunks)
        ends = [begin for _, begin in self._events[1:]] + [len(samples)]
        phones = tuple(
            Phone(name, begin, end)
            for (name, begin), end in zip(self._events, ends, strict=True)
            if end > begin
        )
        return Utterance(language, text, self._rate, samples, phones)

    def _set_voice(self, style: EspeakStyle) -> None:
        # A refused voice silently leaves the one before, and an unknown variant the plain voice.
        name = f"{style.voice}+{style.variant}" if style.variant else style.voice
        status = self._lib.espeak_SetVoiceByName(name.encode())
        found = self._lib.espeak_GetCurrentVoice().contents.identifier.decode()
        if status != 0 or (style.variant and not found.endswith("+" + style.variant)):
            raise ValueError(f"eSpeak NG has no voice {name!r} (it would speak as {found!r})")

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        i = 0
        while events[i].type != _LIST_END:
            if events[i].type == _PHONEME:
                name = events[i].id.string.decode("utf-8", "replace")
                self._events.append((name, int(events[i].sample)))
            i += 1
        return 0
