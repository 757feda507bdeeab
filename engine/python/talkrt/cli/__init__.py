# SPDX-License-Identifier: Apache-2.0
"""The command `talkrt`. Each subcommand's module is imported when it is called, so that `talkrt
inspect` does not pay for video and `talkrt render` not for PyTorch."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

# name: (module with `app`, what it does)
COMMANDS = {
    "render": ("talkrt.cli.render", "Speech to a talking video, or a scene along a camera's path."),
    "inspect": ("talkrt.cli.inspect", "What a plan holds: manifest, tensors, graphs, budget."),
    "verify": ("talkrt.cli.verify", "Replay a plan's check clip here and compare the pictures."),
    "doctor": ("talkrt.cli.doctor", "What was found on this machine, and what will be used."),
    "export": ("talkrt.export.cli", "Make a plan from a PyTorch model or a Gaussian scene."),
    "compile": (
        "talkrt.export.compile_command",
        "Add TensorRT engines for the GPU at hand to a plan.",
    ),
    "bench": ("talkrt.benchmarks.cli", "Measure throughput, latency and memory of a plan."),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if words else 1
    if words[0] in ("-V", "--version"):
        from talkrt import __version__

        print(f"talkrt {__version__}")
        return 0
    name = words[0]
    if name not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"talkrt: there is no command {name!r}; give one of: {known}", file=sys.stderr)
        return 1

    from talkrt.cli.run import run

    return run(lambda: importlib.import_module(COMMANDS[name][0]).app, f"talkrt {name}", words[1:])


def usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "TalkRT: speech in, video frames out.",
            "",
            "usage: talkrt COMMAND [options]      talkrt COMMAND --help",
            "",
            *lines,
            "",
            "talkrt --version prints the version. TALKRT_TRACEBACK=1 shows where an error arose.",
        ]
    )
