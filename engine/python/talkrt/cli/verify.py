# SPDX-License-Identifier: Apache-2.0
"""talkrt verify: does this machine make the pictures that the exporter promised?"""

from __future__ import annotations

import json
import math
from typing import Annotated

import typer

from talkrt.checking import Check, replay
from talkrt.cli.options import Device, DeviceBudget, HostBudget, parse_budgets
from talkrt.engine import Engine
from talkrt.plan_file import read_plan

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def verify(
    plan: Annotated[str, typer.Argument(help="The plan file.", show_default=False)],
    threads: Annotated[int, typer.Option(min=0, help="0: one per core.")] = 0,
    device: Device = "auto",
    host_budget: HostBudget = None,
    device_budget: DeviceBudget = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Replay a plan's check clip and compare the pictures. Exit code 1 when one differs."""
    file, engine = read_plan(plan), Engine(threads=threads, device=device)
    model = engine.load(plan, **parse_budgets(host_budget, device_budget))  # who keeps its budgets
    check = replay(file, engine)
    del model
    print(_as_json(plan, check) if as_json else _report(plan, check))
    if not check.passed:
        raise typer.Exit(1)


def _report(plan: str, check: Check) -> str:
    lines = [
        f"frame {frame.index:5}  "
        + ("identical" if math.isinf(frame.psnr_db) else f"{frame.psnr_db:6.2f} dB")
        + f"  largest difference {frame.largest_difference} of 255"
        + ("" if frame.passed else "  FAILED")
        for frame in check.frames
    ]
    verdict = (
        "passed" if check.passed else "FAILED: this machine does not make the exported pictures"
    )
    return "\n".join([*lines, f"{plan}: {verdict} (at least {check.min_psnr_db:g} dB wanted)"])


def _as_json(plan: str, check: Check) -> str:
    frames = [
        {
            "index": frame.index,
            "psnr_db": None if math.isinf(frame.psnr_db) else frame.psnr_db,  # null: identical
            "largest_difference": frame.largest_difference,
            "passed": frame.passed,
        }
        for frame in check.frames
    ]
    result = {
        "schema": "talkrt.verify/1",
        "plan": plan,
        "min_psnr_db": check.min_psnr_db,
        "passed": check.passed,
        "frames": frames,
    }
    return json.dumps(result, indent=2)
