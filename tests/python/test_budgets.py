# SPDX-License-Identifier: Apache-2.0
"""Budgets of engines and loads, eviction and its veto, and the system's figures beside ours."""

from __future__ import annotations

import gc
import json
import math
import shutil
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import talkrt
from talkrt.cli.options import parse_bytes


@pytest.fixture()
def plans(tiny_plan: Path, tmp_path: Path) -> list[str]:
    return [str(shutil.copy(tiny_plan, tmp_path / f"{name}.plan")) for name in "abc"]


def _engine(room: float, plan: str, **options: Any) -> talkrt.Engine:
    """With room for so many models of the plan."""
    each = talkrt.Engine(threads=1).load(plan).host_bytes
    return talkrt.Engine(threads=1, host_budget_bytes=int(room * each), **options)


def _loaded(engine: talkrt.Engine) -> list[str]:
    return [Path(model["path"]).stem for model in engine.describe()["memory"]["models"]]


def test_the_host_keeps_an_idle_model_and_another_goes(plans: list[str]) -> None:
    asked: list[str] = []

    def may_evict(path: str) -> bool:
        asked.append(path)
        return not path.endswith("a.plan")

    engine = _engine(2.5, plans[0], may_evict=may_evict)
    for plan in plans[:2]:
        engine.load(plan)  # and idle at once
    model = engine.load(plans[2])
    assert asked == plans[:2]
    assert _loaded(engine) == ["a", "c"]
    assert model.host_bytes > 0 == model.device_bytes


def test_an_exception_in_may_evict_keeps_the_model_and_is_reported(
    plans: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)

    def may_evict(path: str) -> bool:
        return bool(engine.load(path))

    engine: talkrt.Engine = _engine(1.5, plans[0], may_evict=may_evict)
    engine.load(plans[0])
    with pytest.raises(talkrt.BudgetError, match=r"kept because the host wants them: .*a\.plan"):
        engine.load(plans[1])
    assert "may_evict called its engine" in str(lost[0].exc_value)
    assert _loaded(engine) == ["a"]


def test_an_engine_whose_may_evict_refers_to_it_is_collected(tiny_plan: Path) -> None:
    class Host:
        def __init__(self) -> None:
            self.engine = talkrt.Engine(threads=1, may_evict=self.may_evict)

        def may_evict(self, path: str) -> bool:
            return self.engine is not None

    host = Host()
    host.engine.load(tiny_plan)
    gone = weakref.ref(host)
    del host
    gc.collect()
    assert gone() is None


def test_a_load_replaces_the_plans_budgets(plans: list[str]) -> None:
    engine = talkrt.Engine(threads=1)
    with pytest.raises(talkrt.BudgetError, match=r"a\.plan: memory budget exceeded"):
        engine.load(plans[0], host_budget=1000)
    model = engine.load(plans[0], host_budget=10 << 20, device_budget=1 << 30)
    assert (model.host_budget_bytes, model.device_budget_bytes) == (10 << 20, 1 << 30)
    assert engine.load(plans[0], host_budget=math.inf).host_budget_bytes == 0
    for wrong in (0, -5, 1.5, math.nan, 2**64):
        with pytest.raises(talkrt.Error, match="host_budget is"):
            engine.load(plans[0], host_budget=wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8GB", 8e9), ("1.5GiB", 1.5 * 2**30), ("512 mib", 2**29), ("1000", 1000), ("2k", 2000),
     ("7B", 7), ("None", math.inf), (None, None)],
)  # fmt: skip
def test_sizes_as_people_write_them(text: str | None, expected: float | None) -> None:
    assert parse_bytes(text, "--device-budget") == expected


@pytest.mark.parametrize("text", ["", "0", "-1GB", "8 gigs", "GB", "1e9", "0.1B", "9999999TB"])
def test_other_sizes_are_refused_by_name(text: str) -> None:
    with pytest.raises(talkrt.Error, match=r"--device-budget is .* expected a size above 0"):
        parse_bytes(text, "--device-budget")


def test_doctor_shows_the_account_beside_the_process(
    talkrt_command: Callable[..., Any], tiny_plan: Path
) -> None:
    missing = {"TALKRT_NVML": "/nowhere/libnvidia-ml.so.1"}
    shown = talkrt_command("doctor", tiny_plan, **missing).stdout
    assert "no NVML: /nowhere/libnvidia-ml.so.1" in shown
    assert "MB on the account; the process has" in shown
    report = json.loads(talkrt_command("doctor", tiny_plan, "--json", **missing).stdout)
    memory = report["plan"]["memory"]
    assert memory["host_process_bytes"] - memory["host_bytes"] == memory["host_difference_bytes"]
    assert "/nowhere" in memory["nvml"]["process_missing"]


def test_verify_keeps_a_budget_that_the_command_line_gives(
    talkrt_command: Callable[..., Any], tiny_plan: Path
) -> None:
    done = talkrt_command("verify", tiny_plan, "--host-budget", "1kB")
    assert done.returncode == 1
    assert "memory budget exceeded" in done.stderr
    done = talkrt_command("verify", tiny_plan, "--device-budget", "much")
    assert "--device-budget is 'much'" in done.stderr
