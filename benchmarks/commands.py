# SPDX-License-Identifier: Apache-2.0
"""The words after `bench`."""

from __future__ import annotations

import typer

from .compare.command import compare
from .counters.command import counters
from .history.command import app as history


def register(app: typer.Typer) -> None:
    app.command()(compare)
    app.command()(counters)
    app.add_typer(history, name="history")
