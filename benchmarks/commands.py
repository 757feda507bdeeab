# SPDX-License-Identifier: Apache-2.0
"""The words after `bench`."""

from __future__ import annotations

import typer

from .compare.command import compare


def register(app: typer.Typer) -> None:
    app.command()(compare)
