# SPDX-License-Identifier: Apache-2.0
"""Annotations and a step summary, as GitHub Actions reads them."""

from __future__ import annotations

from typing import Any


def workflow_commands(document: dict[str, Any], strict: bool) -> list[str]:
    """One workflow command for each gate that did not pass."""
    lines = []
    for gate in document["gates"]:
        if gate["outcome"] == "pass":
            continue
        level = "error" if gate["outcome"] == "fail" or strict else "warning"
        title = _property(f"bench: {gate['name']} {gate['outcome']}")
        lines.append(f"::{level} title={title}::{_message(gate['detail'])}")
    return lines


def step_summary(document: dict[str, Any]) -> str:
    """Markdown."""
    lines = [f"### bench: {_subject(document)}", ""]
    if "throughput" in document:
        speed, frame = document["throughput"], document["latency_ms"]["frame"]
        ranks = ", ".join(f"{name} {value:.2f}" for name, value in frame["percentiles"].items())
        lines += [
            f"{speed['frames_per_second']:.1f} FPS, {speed['real_time_factor']:.2f} times real "
            f"time; frame {ranks} ms; the run was {document['validity']['state']}",
            "",
        ]
    lines += ["| gate | outcome | |", "| --- | --- | --- |"]
    for gate in document["gates"]:
        lines.append(f"| {_cell(gate['name'])} | {gate['outcome']} | {_cell(gate['detail'])} |")
    lines += ["", f"Exit code {document['exit_code']}.", ""]
    return "\n".join(lines)


def _subject(document: dict[str, Any]) -> str:
    plan = document.get("environment", {}).get("plan")
    return str(plan or document["schema"])


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
