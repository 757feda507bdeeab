# SPDX-License-Identifier: Apache-2.0
"""A and B: two plans under this talkrt, or one plan under two builds of talkrt. A build is a
folder that `pip install --target` filled, a virtual environment, or a git revision, which is built
here."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from talkrt.errors import Error

REVISION = "rev:"


@dataclass(frozen=True, slots=True)
class Side:
    name: str  # A or B
    what: str  # as it was given
    plan: str
    command: tuple[str, ...]  # the interpreter
    environment: tuple[tuple[str, str], ...] = ()
    slowdown: float = 0.0  # planted, for trials


def side(name: str, spec: str, engine: str | None, build: Callable[[str], Path]) -> Side:
    """`build` makes the folder of a git revision."""
    if spec.startswith(REVISION):
        _needs_plan(name, spec, engine)
        return _folder(name, spec, build(spec.removeprefix(REVISION)), engine)
    path = Path(spec)
    if path.is_file():
        if engine is not None:
            raise Error(
                f"--{name.lower()} {spec}: is a plan, and so is --engine {engine}: "
                "leave --engine out, or give two builds"
            )
        return Side(name, spec, spec, (sys.executable,))
    if path.is_dir():
        _needs_plan(name, spec, engine)
        return _folder(name, spec, path, engine)
    raise Error(
        f"--{name.lower()} {spec}: no such plan or build; a git revision is given as rev:NAME",
        "TALKRT_ERROR_NOT_FOUND",
    )


def _folder(name: str, spec: str, path: Path, engine: str | None) -> Side:
    assert engine is not None
    python = path / "bin" / "python"
    if python.is_file():
        return Side(name, spec, engine, (str(python),))
    if not any((path / "talkrt").glob("_core*.so")):
        raise Error(
            f"--{name.lower()} {spec}: holds neither bin/python nor talkrt with its compiled core: "
            "fill it with pip install --target, or give a virtual environment"
        )
    # -S: nothing but what is named here is found, not even an editable talkrt of this environment.
    libraries = {sysconfig.get_paths()[key] for key in ("purelib", "platlib")}
    found = os.pathsep.join([str(path.resolve()), *sorted(libraries)])
    return Side(name, spec, engine, (sys.executable, "-S"), (("PYTHONPATH", found),))


def _needs_plan(name: str, spec: str, engine: str | None) -> None:
    if engine is None:
        raise Error(f"--{name.lower()} {spec}: is a build: say with --engine which plan it runs")
