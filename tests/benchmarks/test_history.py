# SPDX-License-Identifier: Apache-2.0
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from talkrt.benchmarks.history.changes import changes
from talkrt.benchmarks.history.command import add_reports, show
from talkrt.benchmarks.history.store import open_store
from talkrt.benchmarks.report import Report, as_json
from talkrt.benchmarks.validity import Verdict
from talkrt.errors import Error


def test_a_step_is_found_where_it_is_and_noise_and_outliers_are_none() -> None:
    pytest.importorskip("ruptures", reason="the optional extra history")
    rng = np.random.default_rng(1)
    found = wrong = 0
    for _ in range(30):
        noise = 100 * np.exp(0.01 * rng.normal(size=40))
        noise[rng.integers(40)] *= 1.5
        wrong += len(changes(noise.tolist()))
        stepped = noise.copy()
        stepped[25:] *= 0.9
        at = changes(stepped.tolist())
        found += any(abs(c.index - 25) <= 1 and 0.88 < c.ratio < 0.92 for c in at)
    assert found >= 29
    assert wrong <= 3
    assert changes([1.0, 2.0]) == []


def test_valid_reports_become_series_with_plots(
    tmp_path: Path, environment: dict[str, Any], measurement: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pytest.importorskip("ruptures", reason="the optional extra history")
    paths = []
    for day in range(12):
        speed = 10.0 if day < 6 else 8.0
        where = {**environment, "commit": f"c{day}", "taken_at": f"2026-01-{day + 1:02}T00:00:00Z"}
        state: Any = "noisy" if day == 3 else "valid"
        m = measurement([speed + 0.01 * (i + day) % 0.05 for i in range(60)])
        document = as_json(Report(m, where, {}, Verdict(state, ())))
        paths.append(tmp_path / f"{day}.json")
        paths[-1].write_text(json.dumps(document))
    db, page = tmp_path / "h.sqlite", tmp_path / "h.html"
    add_reports(paths, db)
    add_reports(paths[:2], db)
    assert "0 added, 2 were there already" in capsys.readouterr().out
    show(db, None, None, page, True)
    (series,) = json.loads(capsys.readouterr().out)
    assert (series["valid_runs"], series["left_out"]) == (11, 1)
    speeds = series["figures"][0]
    assert [c["commit"] for c in speeds["changes"]] == ["c6"]
    assert speeds["changes"][0]["ratio"] == pytest.approx(1.25, rel=0.01)
    assert page.read_text().count("<svg") == 5
    with pytest.raises(Error, match="no series has 'elsewhere'"):
        show(db, "elsewhere", None, None, False)


def test_what_is_no_history_or_no_report_is_refused(
    tmp_path: Path, environment: dict[str, Any]
) -> None:
    other = tmp_path / "x.sqlite"
    other.write_text("not a database, but long enough to be looked at by SQLite" * 20)
    with pytest.raises(Error, match="is not a history"), open_store(other, create=False):
        pass
    with pytest.raises(Error, match="no such file"), open_store(tmp_path / "n", create=False):
        pass
    report = tmp_path / "r.json"
    report.write_text(json.dumps(copy.deepcopy({"schema": "talkrt.bench/1"})))
    with pytest.raises(Error, match="no report of bench --save"):
        add_reports([report], tmp_path / "h.sqlite")
