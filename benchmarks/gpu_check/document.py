# SPDX-License-Identifier: Apache-2.0
"""What the check leaves: schema/gpu-check-1.schema.json says what the JSON holds. Both files are
written again after every step, aside and then renamed, so that a run that is cut off leaves what it
had."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .markdown import as_markdown
from .step import Outcome
from .targets import figures

SCHEMA = "talkrt.gpu-check/1"


def as_document(
    environment: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    results: Mapping[str, Any],
    seconds: float,
    complete: bool,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "complete": complete,
        "seconds": round(seconds, 1),
        "environment": dict(environment),
        "steps": [asdict(outcome) for outcome in outcomes],
        "figures": [{**asdict(f), "verdict": f.verdict} for f in figures(results)],
        "results": {name: _trimmed(result) for name, result in results.items()},
    }


def write(folder: Path, document: Mapping[str, Any]) -> None:
    _write(folder / "gpu_check.json", json.dumps(document, indent=1) + "\n")
    _write(folder / "gpu_check.md", as_markdown(document))


def _trimmed(result: Any) -> Any:
    """Without the samples of single frames, which are most of a bench report."""
    if isinstance(result, dict):
        return {key: value for key, value in result.items() if key != "samples"}
    return result


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
