# SPDX-License-Identifier: Apache-2.0
"""One step of the check: a program with a time limit, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["passed", "failed", "timed out", "skipped"]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    command: tuple[str, ...]
    limit_s: float
    needs: tuple[str, ...] = ()  # steps that must have passed
    missing: str = ""  # why it cannot run here: then it is skipped
    environment: Mapping[str, str] = field(default_factory=dict)
    says: str = ""  # when it passes, the last line of its output with this in it is told


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    status: Status
    seconds: float
    limit_s: float
    detail: str  # one line
