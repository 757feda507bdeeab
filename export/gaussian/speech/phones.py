# SPDX-License-Identifier: Apache-2.0
"""From the phone names of eSpeak NG (per language) and Flite to visemes.

An entry is "names = parts": each name maps to the parts in turn, a part being a viseme and,
after "*", a factor on its targets. Two parts share a phone's time 60 to 40 (a glide), but in
affricates 50 to 50. The same mnemonic means different sounds in different languages.
"""

from __future__ import annotations

from dataclasses import dataclass

from .visemes import VISEMES

PAUSES = frozenset({"_:", "_", "pau", "ssil", "brth"})
# Marks without a shape of their own, and h, which takes the shape of its neighbours.
SHAPELESS = frozenset({"_|", "_!", ";", "?", "h", "X", "hh", "hv"})


@dataclass(frozen=True, slots=True)
class Part:
    viseme: str
    scale: float
    share: float  # of the phone's duration


@dataclass(frozen=True, slots=True)
class PhoneRule:
    parts: tuple[Part, ...]
    silent_before: bool  # eSpeak NG puts the event at the release and the closure before it


_CONSONANTS = """
p ph p2 = P
b b2 = B
m m- = M
f v = FF
T D = TH
t d n n- t2 th t[ d[ t# ** = DD
l l- @L l# = LL
k g N kh x Q x2 g- = KK
s z ts tsh s2 z2 = SS
S Z tS dZ tSh = CH
r r- r/ = RR
w w# w2 = WW
j = YY
"""

_ENGLISH = """
A: A@ = aa
0 = oo
a aa = ae
V VR = ah
@ @2 a# I# @5 @- e# = ax
3 = axr
E = eh
I I2 i2 = ih
i: i IR = iy
O: O2 O@ o@ = ao
U = uh
u: u = uw
3: = er
eI = eh ih
aI aI2 = aa*.95 ih
OI = ao ih
oU = oh uw
aU = aa*.95 uh
i@ i@3 = ih ax
e@ = eh ax
U@ = uh ax
aI@ aI3 = aa*.95 ax
"""

_GERMAN = """
r R = KK
pF = P FF
C = ich
y: = y
y = y.
Y: = oe
W = oe.
A: = aa
a A = ah*1.2
E: E2 E = eh*.9
e: e = iy*1.05
o: o = o:
O = ao*.9
u: u = uw
U UR = uh
i: i = iy
I = ih
3 = axr*.9
@ @- = ax
OY = ao y.
aI = aa*.95 ih
aU = aa*.95 uh
"""

_FRENCH = """
r R = KK
n^ = YY
y y- = y
Y = oe
W = oe.
@- @ = @-
u = uw
a a- A = aa*.9
E = eh
e e- = eh*.8
i = iy
o = o:
O = ao
A~ = A~
O~ = O~
E~ = E~
W~ = W~
"""

_SPANISH = """
B = beta
R2 r ** * = DD
@- = ax
l^ J^ n^ J = YY
a = aa*.85
e = eh*.8
E = eh*.9
i = iy*.9
o = o
u = uw*.9
O = ao
oI = o ih
aI = aa*.85 ih
eI = eh*.8 ih
aU = aa*.85 uh
"""

_MANDARIN = """
tS; tS;h S; = ji
ts. ts.h s. z. = zh
i[ = zi
i. = zhi
@r = er
A a = aa
ai = aa*.95 ih
Au = aa*.95 uh
ua = uw aa
uai = uw ih
iA ia = ih aa
o = ao*.7
uo = uw ao*.7
ou = ao*.7 uw
iou = ih uw
o- @ = ax
ong = ao*.7
u@ = uw ax
ei = eh*.8 ih
uei = uw ih
iE = ih eh*.8
E = eh*.8
i = iy
u = uw
y = y
yE = y eh*.8
y& = y ae*.8
y@ = y ax
yu = y uw
i@ = ih ax
@ = ax
"""

_FLITE = """
p = P
b = B
m em = M
f v = FF
th dh = TH
t d n en nx dx = DD
l el = LL
k g ng = KK
s z = SS
sh zh ch jh = CH
r = RR
w = WW
y = YY
aa = aa
ae = ae
ah = ah
ax = ax
axr = axr
eh = eh
ih ix = ih
iy = iy
ao = ao
uh = uh
uw = uw
er = er
ey = eh ih
ay = aa*.95 ih
oy = ao ih
ow = oh uw
aw = aa*.95 uh
"""

_AFFRICATES = frozenset({"pF"})
_SILENT_BEFORE = frozenset(
    {"p", "ph", "p2", "t", "t2", "t[", "th", "k", "kh", "pF"}
    | {"tS", "tSh", "ts", "tsh", "tS;", "tS;h", "ts.", "ts.h"}
)


def _parse(text: str) -> dict[str, PhoneRule]:
    rules: dict[str, PhoneRule] = {}
    for line in filter(None, text.split("\n")):
        names, _, parts = line.partition(" = ")
        for name in names.split():
            rules[name] = _rule(name, parts.split())
    return rules


def _rule(name: str, parts: list[str]) -> PhoneRule:
    shares = {1: (1.0,), 2: (0.5, 0.5) if name in _AFFRICATES else (0.6, 0.4)}[len(parts)]
    made = []
    for part, share in zip(parts, shares, strict=True):
        viseme, _, scale = part.partition("*")
        if viseme not in VISEMES:
            raise ValueError(f"phone {name!r}: no viseme {viseme!r}")
        made.append(Part(viseme, float(scale or 1), share))
    return PhoneRule(tuple(made), name in _SILENT_BEFORE)


ESPEAK = {
    "en": _parse(_CONSONANTS + _ENGLISH),
    "en-us": _parse(_CONSONANTS + _ENGLISH + "0 = aa\n"),
    "de": _parse(_CONSONANTS + _GERMAN),
    "fr": _parse(_CONSONANTS + _FRENCH),
    "es": _parse(_CONSONANTS + _SPANISH),
    "cmn": _parse(_CONSONANTS + _MANDARIN),
}
FLITE = {name: PhoneRule(rule.parts, False) for name, rule in _parse(_FLITE).items()}


def rule(engine: str, language: str, phone: str) -> PhoneRule:
    """The rule of one phone; `engine` is "espeak" or "flite"."""
    table = FLITE if engine == "flite" else ESPEAK[language]
    found = table.get(phone)
    if found is None:
        raise KeyError(
            f"{engine} phone {phone!r} of {language!r} has no viseme: add it to phones.py"
        )
    return found
