# SPDX-License-Identifier: Apache-2.0
"""Builds a git revision of TalkRT below build/compare, in a folder named after its commit, which is
kept: a second comparison with it starts at once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from talkrt.errors import Error

_STEP = re.compile(r"\[(\d+)/(\d+)\]")  # as ninja tells how far it is
_EVERY_S = 0.5


def build_revision(name: str, root: Path) -> Path:
    """The folder that holds its package."""
    sha = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not sha:
        raise Error(f"rev:{name}: git knows no such revision in {root}", "TALKRT_ERROR_NOT_FOUND")
    folder = root / "build" / "compare" / sha[:12]
    site = folder / "site"
    if any(site.glob("talkrt/_core*.so")):
        return site
    tree, new, log = folder / "tree", folder / "site.new", folder / "build.log"
    folder.mkdir(parents=True, exist_ok=True)
    what = f"{name} ({sha[:12]})"
    print(f"bench compare: building {what}; this takes minutes", file=sys.stderr)
    _remove(root, tree)  # of a run that was killed
    shutil.rmtree(new, ignore_errors=True)
    try:
        _git(root, "worktree", "add", "--detach", "--force", str(tree), sha)
        if not (tree / "pyproject.toml").is_file():
            raise Error(f"rev:{name}: git makes no worktree of it at {tree}", "TALKRT_ERROR_IO")
        _install(what, tree, folder / "build", new, log)
        new.replace(site)  # whole, or not there
    finally:
        _remove(root, tree)
        shutil.rmtree(new, ignore_errors=True)
    return site


def checkout() -> Path:
    """The git checkout that this file runs from."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        raise Error("rev: needs a checkout of TalkRT; this one is installed without its history")
    return root


def _install(what: str, tree: Path, build: Path, site: Path, log: Path) -> None:
    command = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--verbose",
        "--no-deps", "--no-build-isolation", f"-Cbuild-dir={build}", "--target", str(site),
        str(tree),
    ]  # fmt: skip
    shown, last = sys.stderr.isatty(), 0.0
    # A session of its own, so that nothing of it outlives an interruption.
    with (
        log.open("w") as kept,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         errors="replace", start_new_session=True) as running,
    ):  # fmt: skip
        assert running.stdout is not None
        try:
            for line in running.stdout:
                kept.write(line)
                step = _STEP.search(line)
                if shown and step and time.monotonic() - last > _EVERY_S:
                    last = time.monotonic()
                    print(f"\r{what}: step {step[1]} of {step[2]} ", end="", file=sys.stderr)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            raise
    if shown and last:
        print("\r" + " " * 78 + "\r", end="", file=sys.stderr)
    if running.returncode:
        said = [line.strip() for line in log.read_text().splitlines() if "error" in line.lower()]
        raise Error(
            f"{what}: its build failed: {said[0] if said else 'no error was named'}; all of it is "
            f"in {log}",
            "TALKRT_ERROR_IO",
        )


def _remove(root: Path, tree: Path) -> None:
    if tree.exists():
        _git(root, "worktree", "remove", "--force", str(tree))
        shutil.rmtree(tree, ignore_errors=True)
        _git(root, "worktree", "prune")


def _git(root: Path, *words: str) -> str:
    """What it says; nothing when it fails."""
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""
