# SPDX-License-Identifier: Apache-2.0
"""Where a report goes. Files are written aside and renamed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talkrt.output import aside, check_writable

from . import junit, prometheus
from .github import step_summary, workflow_commands
from .html_report import as_html
from .report import Report, as_json
from .table import as_table


@dataclass(frozen=True, slots=True)
class Outputs:
    json_wanted: bool = False  # on standard output, in place of the table
    save: Path | None = None
    html: Path | None = None
    junit: Path | None = None
    prometheus: Path | None = None
    github: bool = False

    def check(self) -> None:
        """Raises Error for what could not be written, before anyone measures."""
        check_files(self.save, self.html, self.junit, self.prometheus)

    def write(self, report: Report) -> None:
        document = as_json(report)
        if self.save is not None:
            write_text(self.save, json.dumps(document, indent=1))
            partial(self.save).unlink(missing_ok=True)
        if self.html is not None:
            write_text(self.html, as_html(document))
        if self.junit is not None:
            write_text(self.junit, junit.as_xml(document, report.strict))
        if self.prometheus is not None:
            write_text(self.prometheus, prometheus.as_text(document))
        if self.github:
            tell_github(document, report.strict)
        print(json.dumps(document, indent=2) if self.json_wanted else as_table(report))


def check_files(*paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            check_writable(path)


def tell_github(document: dict[str, Any], strict: bool) -> None:
    # Standard output may be JSON for another program: GitHub reads both.
    for line in workflow_commands(document, strict):
        print(line, file=sys.stderr)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as file:
            file.write(step_summary(document))


def partial(save: Path) -> Path:
    """Where the figures so far are kept while a run goes on: what a kill leaves behind."""
    return save.with_name(f"{save.name}.partial")


def write_text(path: Path, text: str) -> None:
    beside = aside(path)
    try:
        beside.write_text(text if text.endswith("\n") else text + "\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
