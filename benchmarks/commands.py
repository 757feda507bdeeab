# SPDX-License-Identifier: Apache-2.0
"""The words after `bench`. Each one's module is imported when it is called."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    pass
