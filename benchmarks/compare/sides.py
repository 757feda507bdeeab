# SPDX-License-Identifier: Apache-2.0
"""A and B: two plans under this talkrt, or one plan under two builds of talkrt. A build is a
folder that `pip install --target` filled, a virtual environment, or a git revision, which is built
here."""

from __future__ import annotations

import os
import subprocess
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


def build_revision(name: str, root: Path) -> Path:
    """Below build/compare, kept: a folder named after the commit."""
    sha = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not sha:
        raise Error(f"rev:{name}: git knows no such revision in {root}", "TALKRT_ERROR_NOT_FOUND")
    folder = root / "build" / "compare" / sha[:12]
    site = folder / "site"
    if any(site.glob("talkrt/_core*.so")):
        return site
    tree = folder / "tree"
    print(f"bench compare: building {name} ({sha[:12]}); this takes minutes", file=sys.stderr)
    if not tree.exists():
        _run(["git", "-C", str(root), "worktree", "add", "--detach", "--force", str(tree), sha])
    try:
        _run([
            sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet",
            "--no-deps", "--no-build-isolation", f"-Cbuild-dir={folder / 'build'}",
            "--target", str(site), str(tree),
        ])  # fmt: skip
    finally:
        _git(root, "worktree", "remove", "--force", str(tree))
    return site


def checkout() -> Path:
    """The git checkout that this file runs from."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        raise Error("rev: needs a checkout of TalkRT; this one is installed without its history")
    return root


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


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Error(f"{' '.join(command[:4])} ... failed: {''.join(last)}", "TALKRT_ERROR_IO")
