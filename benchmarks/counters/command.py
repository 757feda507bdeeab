# SPDX-License-Identifier: Apache-2.0
"""bench counters."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from talkrt.errors import Error
from talkrt.plan_file import read_plan

from .. import junit
from ..gates import exit_code
from ..outputs import check_files, tell_github, write_text
from ..validity import Verdict
from . import gate
from .count import count, frames_for


def counters(
    engine: Annotated[str, typer.Option(help="The plan to count.")],
    audio: Annotated[str | None, typer.Option(help="Speech; else the plan's check audio.")] = None,
    portrait: Annotated[
        str | None, typer.Option(help="A face to animate; else the plan's check portrait.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Under callgrind.")] = 6,
    device: Annotated[
        str, typer.Option(help="cpu, or cuda: then nothing is counted under callgrind.")
    ] = "cpu",
    baseline: Annotated[
        Path | None, typer.Option(help="Exit with 2 when more than in this file of --save.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="JUnit and annotations fail what was not counted.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Write the counters.")] = None,
    junit_: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Annotations and a step summary.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What is the same in every run: allocations and bytes a frame, instructions on the AVX2 path
    (under valgrind, where it is installed), a hash of the pictures. A gate without any clock.

    Exit codes: 0 not more than the baseline; 1 error; 2 more, or other pictures; 5 something could
    not be counted.
    """
    if device not in ("cpu", "cuda"):
        raise Error(f"--device is {device!r}, expected cpu or cuda")
    check_files(save, junit_)
    old = gate.read(baseline) if baseline is not None else None
    if sys.stderr.isatty() and not as_json:
        print("counting, some frames under valgrind", file=sys.stderr)
    plan = read_plan(engine)
    document = count(plan, audio, frames_for(plan, frames), portrait, device)
    found = [] if old is None or baseline is None else gate.gates(baseline, old, document)
    document["gates"] = [asdict(one) for one in found]
    document["exit_code"] = exit_code(found, Verdict("valid", ()), strict)
    if save is not None:
        write_text(save, json.dumps(document, indent=1))
    if junit_ is not None:
        write_text(junit_, junit.as_xml(document, strict))
    if github:
        tell_github(document, strict)
    print(json.dumps(document, indent=2) if as_json else as_table(document))
    if document["exit_code"]:
        raise typer.Exit(document["exit_code"])


def as_table(document: dict[str, Any]) -> str:
    lines = [f"{document['plan']}  sha256 {document['plan_sha256'][:12]}"]
    rows = (
        ("allocations a frame", document["allocations_per_frame"]),
        ("bytes of them", document["allocated_bytes_per_frame"]),
        ("instructions a frame", document["instructions_per_frame"]),
    )
    for name, parts in rows:
        told = "not counted: valgrind is not installed" if name.startswith("instr") else "-"
        if parts is not None:
            told = ", ".join(f"{part} {value:,.10g}" for part, value in parts.items())
        lines.append(f"{name:22}{told}")
    lines += [
        f"{'model, session':22}{document['model_bytes']:,} and {document['session_bytes']:,} bytes",
        f"{'pictures':22}{document['output_hash'] or '-'} on path {document['cpu_path'] or '-'}",
        f"one thread; {document['compiler']}, ONNX Runtime {document['onnxruntime']}",
        *(f"{g['name']}: {g['outcome']}: {g['detail']}" for g in document["gates"]),
    ]
    return "\n".join(line[:80] for line in lines)
