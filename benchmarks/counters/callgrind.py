# SPDX-License-Identifier: Apache-2.0
"""Instructions by library, from valgrind's callgrind. It shows programs a CPU with AVX2 and without
AVX-512, whatever the machine has, so that the same code is counted everywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from talkrt.errors import Error

FUNCTIONS = ("talkrt_counted_frame", "talkrt_counted_view")
_TIMEOUT_S = 1800
_NAME = re.compile(r"ob=\((\d+)\)(?: (.*))?")


@dataclass(frozen=True, slots=True)
class Callgrind:
    output: str  # of the program
    instructions: dict[str, int]  # by the file name of the library


def available() -> bool:
    return shutil.which("valgrind") is not None


def run(command: Sequence[str], folder: Path, late_start: bool) -> Callgrind:
    """`late_start`: the program itself says when to begin, which saves following its start."""
    out = folder / "callgrind.out"
    words = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}",
             f"--instr-atstart={'no' if late_start else 'yes'}"]  # fmt: skip
    words += [f"--toggle-collect={name}" for name in FUNCTIONS]
    done = subprocess.run([*words, *command], capture_output=True, text=True, check=False,
                          timeout=_TIMEOUT_S)  # fmt: skip
    if done.returncode or not out.exists():
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        raise Error(f"valgrind failed: {last[0]}", "TALKRT_ERROR_INTERNAL")
    return Callgrind(done.stdout, by_object(out.read_text()))


def by_object(text: str) -> dict[str, int]:
    """Own instructions of each object: lines of cost, but not those that follow `calls=`, which
    repeat what the callee's lines say."""
    names: dict[str, str] = {}
    counts: dict[str, int] = defaultdict(int)
    current, inclusive = "", False
    for line in text.splitlines():
        if line.startswith("ob="):
            match = _NAME.match(line)
            assert match is not None, line
            if match[2] is not None:
                names[match[1]] = Path(match[2]).name
            current = names[match[1]]
        elif line.startswith("cob="):
            match = _NAME.match(line[1:])
            if match is not None and match[2] is not None:
                names[match[1]] = Path(match[2]).name
        elif line.startswith("calls="):
            inclusive = True
        elif line[:1] in "+-*0123456789" and line:
            if not inclusive and len(fields := line.split()) > 1:
                counts[current] += int(fields[1])
            inclusive = False
    return dict(counts)
