# SPDX-License-Identifier: Apache-2.0
"""Counters against those of an earlier commit. Nothing here is a time, so nothing is noise: more is
a regression. What another compiler or ONNX Runtime would change is only compared under the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from talkrt.errors import Error

from ..gates import REGRESSION, Gate, Outcome

INSTRUCTIONS = 0.01  # more than before that is allowed: code moves
BYTES = 0.01
LIBRARY = 0.05  # inside ONNX Runtime, which was seen to take one of two ways, 1.3 % apart


_NEEDED = (
    "plan_sha256", "frames", "compiler", "onnxruntime", "allocations_per_frame", "model_bytes",
    "session_bytes", "instructions_per_frame", "output_hash",
)  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except OSError as error:
        raise Error(f"{path}: {error.strerror}; give what bench counters --save wrote") from None
    except ValueError as error:
        raise Error(f"{path}: is not JSON ({error})") from None
    found = document.get("schema") if isinstance(document, dict) else None
    if found != "talkrt.counters/1":
        raise Error(f"{path}: its schema is {found!r}, expected 'talkrt.counters/1'")
    for key in _NEEDED:
        if key not in document:
            raise Error(f"{path}: is damaged: it has no {key!r}; count again")
    return document


def gates(path: Path, old: dict[str, Any], new: dict[str, Any]) -> list[Gate]:
    for key in ("plan_sha256", "frames"):
        if old[key] != new[key]:
            what = {"plan_sha256": "another plan"}.get(key, "another number of frames")
            before, now = (str(d[key])[: 12 if key == "plan_sha256" else None] for d in (old, new))
            raise Error(f"{path}: is of {what}: {before}, this is {now}")
    compiler = _difference(old, new, "compiler")
    library = _difference(old, new, "onnxruntime")
    return [
        _more("allocations", old, new, ("allocations_per_frame", "talkrt"), 0.0, None),
        _more("allocations of ONNX Runtime", old, new, ("allocations_per_frame", "onnxruntime"),
              LIBRARY, library),
        _more("bytes of the model", old, new, ("model_bytes",), BYTES, None),
        _more("bytes of a session", old, new, ("session_bytes",), BYTES, None),
        _more("instructions", old, new, ("instructions_per_frame", "talkrt"), INSTRUCTIONS,
              compiler),
        _more("instructions of ONNX Runtime", old, new, ("instructions_per_frame", "onnxruntime"),
              LIBRARY, library),
        _hash(old, new, compiler or library),
    ]  # fmt: skip


def _difference(old: dict[str, Any], new: dict[str, Any], key: str) -> str | None:
    if old[key] == new[key]:
        return None
    return f"not compared: {key} was {old[key]}, is {new[key]}"


def _more(
    name: str, old: dict[str, Any], new: dict[str, Any], keys: tuple[str, ...], allowed: float,
    incomparable: str | None,
) -> Gate:  # fmt: skip
    before, now = _value(old, keys), _value(new, keys)
    if incomparable is not None:
        return Gate(name, "pass", incomparable, REGRESSION)
    if before is None or now is None:
        where = "now: is valgrind installed?" if now is None else "in the baseline"
        return Gate(name, "inconclusive", f"not counted {where}", REGRESSION)
    change = now / before - 1.0 if before else (1.0 if now else 0.0)
    outcome: Outcome = "fail" if now > before * (1.0 + allowed) else "pass"
    words = f"{now:,.10g}, was {before:,.10g}"
    if before != now:
        words += f" ({change:+.2%}, {allowed:.0%} more is allowed)"
    return Gate(name, outcome, words, REGRESSION)


def _hash(old: dict[str, Any], new: dict[str, Any], incomparable: str | None) -> Gate:
    before, now = old["output_hash"], new["output_hash"]
    if incomparable is not None:
        return Gate("pictures", "pass", incomparable, REGRESSION)
    if before is None or now is None:
        return Gate("pictures", "inconclusive", "not hashed: is valgrind installed?", REGRESSION)
    if before == now:
        return Gate("pictures", "pass", f"the same ({now})", REGRESSION)
    return Gate("pictures", "fail", f"differ: {now}, were {before}", REGRESSION)


def _value(document: dict[str, Any], keys: tuple[str, ...]) -> float | None:
    value: Any = document
    for key in keys:
        if value is None:
            return None
        value = value[key]
    return None if value is None else float(value)
