# SPDX-License-Identifier: Apache-2.0
"""Runs one typer application as a command: whatever fails becomes one line on stderr."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

import typer

from talkrt.errors import Error

USAGE_OR_RUN_ERROR = 1
# typer brings click along under its own name in some versions: take the class from what it exports.
_ClickException = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def run(load: Callable[[], typer.Typer], name: str, arguments: Sequence[str]) -> int:
    """Loads the application, runs it, and returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.unraisablehook = _stop_again
    try:
        result = load()(args=list(arguments), prog_name=name, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except Stopped as stopped:
        if stopped.number == signal.SIGINT:
            print(f"{name}: interrupted; nothing was written", file=sys.stderr)
        return 128 + stopped.number  # as shells count
    except BrokenPipeError:
        # The reader of our output has gone; the interpreter must not try to flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USAGE_OR_RUN_ERROR
    except Exception as error:
        if os.environ.get("TALKRT_TRACEBACK") == "1":
            raise
        print(f"{name}: {_line(error, name)}", file=sys.stderr)
        return USAGE_OR_RUN_ERROR


def _line(error: Exception, name: str) -> str:
    if isinstance(error, Error):
        text = str(error)
    elif isinstance(error, _ClickException):
        # A parameter's error says which one only in its formatted form; no words, no message.
        problem = getattr(error, "format_message", error.__str__)() or "give a command."
        text = f"{problem} See {name} --help"
    elif isinstance(error, ImportError):
        text = _missing(error)
    else:
        text = f"internal error: {type(error).__name__}: {error}; TALKRT_TRACEBACK=1 shows where"
    return " ".join(text.split())


def _missing(error: ImportError) -> str:
    module = (error.name or "").partition(".")[0]
    if error.name == "talkrt._core":
        return "talkrt's compiled core is missing; install the package: pip install ."
    if error.name and error.name.startswith("talkrt.export"):
        return f"this installation has no {error.name}; install all of TalkRT: pip install ."
    if module in ("torch", "onnx", "onnxscript", "scipy", "onnx_ir"):
        return f"exporting needs {module}; install it: pip install 'talkrt[export]'"
    return f"{error}; install it: pip install {module or 'talkrt'}"


class Stopped(BaseException):
    """Ctrl-C or SIGTERM. Not a KeyboardInterrupt, which some versions of typer turn into output."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """Unwinds like an exception, so that half-written files go; a second signal cannot stop it."""
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, signal.SIG_IGN)
    raise Stopped(number)


def _stop_again(lost: sys.UnraisableHookArgs) -> None:
    """Python loses what is raised in a finalizer. A signal that came in one comes again."""
    if not isinstance(lost.exc_value, Stopped):
        sys.__unraisablehook__(lost)
        return
    number = lost.exc_value.number
    signal.signal(signal.SIGALRM, lambda *_: _stop(number, None))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
