# SPDX-License-Identifier: Apache-2.0
"""Reports of `bench --save` in one SQLite file. The whole document is kept, so that a figure which
nobody thought of today can be drawn tomorrow."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talkrt.errors import Error

_VERSION = 1
_TABLE = """
CREATE TABLE runs (
  digest TEXT PRIMARY KEY,  -- of the document: a report is kept once
  taken_at TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  series TEXT NOT NULL,     -- what may be compared: machine, plan, mode, size
  state TEXT NOT NULL,      -- valid, noisy, throttled, contended, or partial
  document TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Point:
    taken_at: str
    commit: str
    value: float


@contextmanager
def open_store(path: Path, create: bool) -> Iterator[sqlite3.Connection]:
    if not create and not path.is_file():
        raise Error(f"{path}: no such file; bench history add makes it", "TALKRT_ERROR_NOT_FOUND")
    connection = sqlite3.connect(path)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and tables == 0:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise Error(f"{path}: is not a history of bench (version {version}, not {_VERSION})")
        yield connection
        connection.commit()
    except sqlite3.DatabaseError as error:
        raise Error(f"{path}: is not a history of bench ({error})", "TALKRT_ERROR_IO") from None
    finally:
        connection.close()


def add(connection: sqlite3.Connection, path: Path) -> bool:
    """False when it was there already."""
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Error(f"{path}: is no report of bench --save ({error})") from None
    if not isinstance(document, dict) or document.get("schema") != "talkrt.bench/2":
        raise Error(f"{path}: is no report of bench --save, of schema talkrt.bench/2")
    text = json.dumps(document, sort_keys=True)
    try:
        environment = document["environment"]
        row = (
            hashlib.sha256(text.encode()).hexdigest(),
            environment["taken_at"],
            environment["commit"] or environment["talkrt"],
            series_of(document),
            document["validity"]["state"] if document["complete"] else "partial",
            text,
        )
    except (KeyError, TypeError) as error:
        raise Error(f"{path}: is damaged: it lacks {error}") from None
    done = connection.execute("INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)
    return done.rowcount == 1


def series_of(document: dict[str, Any]) -> str:
    e, w = document["environment"], document["workload"]
    return (
        f"{Path(e['plan']).name} {e['plan_sha256'][:8]}, {w['mode']} x{w['sessions']}, "
        f"{w['width']}x{w['height']}, {e['gpu'] or e['cpu']}, {e['cores_usable']} cores, "
        f"{e['threads']} threads, {e['cpu_path']}"
    )


def all_series(connection: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """Name, valid runs, all runs."""
    rows = connection.execute(
        "SELECT series, sum(state = 'valid'), count(*) FROM runs GROUP BY series ORDER BY series"
    )
    return [(str(name), int(valid), int(count)) for name, valid, count in rows]


def points(connection: sqlite3.Connection, series: str, figure: str) -> list[Point]:
    """Of the valid runs, by time. `figure` is a path into the document: throughput.seconds."""
    rows = connection.execute(
        "SELECT taken_at, commit_id, json_extract(document, ?) FROM runs "
        "WHERE series = ? AND state = 'valid' ORDER BY taken_at, digest",
        (f"$.{figure}", series),
    )
    return [
        Point(str(at), str(commit), float(value))
        for at, commit, value in rows
        if isinstance(value, int | float)
    ]
