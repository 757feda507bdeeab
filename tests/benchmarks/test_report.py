# SPDX-License-Identifier: Apache-2.0
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from talkrt.benchmarks import junit, prometheus
from talkrt.benchmarks.gates import Gate
from talkrt.benchmarks.github import step_summary, workflow_commands
from talkrt.benchmarks.html_report import as_html
from talkrt.benchmarks.measure import Fidelity, Measurement, Memory
from talkrt.benchmarks.modes.capacity import most_sessions
from talkrt.benchmarks.report import Report, as_json
from talkrt.benchmarks.soak import trend
from talkrt.benchmarks.table import as_table
from talkrt.benchmarks.tensorrt_engine import Query, figures
from talkrt.benchmarks.validity import Verdict
from talkrt.benchmarks.workload import Workload

Make = Callable[..., Measurement]
VALID = Verdict("valid", ())
GATES = (
    Gate("throughput", "pass", "100 FPS", 3),
    Gate("frame p99", "fail", "12 ms, 100% <more> than wanted", 3),
    Gate("baseline", "invalid", "the run was noisy", 2),
)


def report(m: Measurement, environment: dict[str, Any], **changes: Any) -> Report:
    return Report(m, environment, {"head": "moving", "speech": "a file"}, VALID, **changes)


def test_figures_follow_from_wall_time(
    measurement: Make, environment: dict[str, Any], validate: Callable[[dict[str, Any]], None]
) -> None:
    document = as_json(report(measurement([10.0] * 100), environment, gates=GATES))
    validate(document)
    speed = document["throughput"]
    assert speed["frames_per_second"] == pytest.approx(100.0)
    assert speed["interval"] == pytest.approx([100.0, 100.0])
    assert speed["real_time_factor"] == pytest.approx(4.0)
    assert speed["cpu_ms_per_frame"] == pytest.approx(20.0)
    assert speed["sessions_at_real_time"] == 1
    assert document["memory_bytes"]["headroom"] == 150_000_000
    assert document["latency_ms"]["frame"]["needs"]["p99.9"] == 10_000
    assert document["exit_code"] == 3


def test_pictures_that_are_identical_have_no_number_in_json(
    measurement: Make, environment: dict[str, Any], validate: Callable[[dict[str, Any]], None]
) -> None:
    same = measurement([10.0] * 20, fidelity=Fidelity("ab" * 32, math.inf, 40.0, 4))
    document = as_json(report(same, environment))
    validate(document)
    assert document["fidelity"]["check_identical"]
    assert document["fidelity"]["check_psnr_db"] is None
    assert "identical" in as_table(report(same, environment))


@pytest.mark.parametrize("mode", ["single", "paced", "server", "soak"])
def test_table_fits_80_columns(measurement: Make, environment: dict[str, Any], mode: Any) -> None:
    m = measurement([9.5 + 0.01 * (i % 90) for i in range(10_000)], workload=Workload(mode=mode),
                    skew_ms=(1.0, 2.0), misses=7)  # fmt: skip
    long = {**environment, "cpu": "A CPU with a very long name " * 4}
    table = as_table(report(m, long, gates=GATES))
    assert max(map(len, table.splitlines())) <= 80
    assert "p99.9" in table


def test_a_percentile_without_samples_is_not_told(
    measurement: Make, environment: dict[str, Any]
) -> None:
    table = as_table(report(measurement([10.0] * 150), environment))
    assert "frames needed for p95 200, p99 1000, p99.9 10000; there are 150" in table


def test_html_is_one_well_formed_file_that_loads_nothing(
    measurement: Make, environment: dict[str, Any]
) -> None:
    m = measurement([9.0 + 0.01 * (i % 300) for i in range(1000)])
    page = as_html(as_json(report(m, {**environment, "cpu": "<CPU>"}, gates=GATES)))

    class Reader(HTMLParser):
        open: list[str] = []  # noqa: RUF012
        plots = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag != "meta":
                self.open.append(tag)
            self.plots += tag == "svg"
            assert not {"src", "href"} & {name for name, _ in attrs}

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag in ("circle", "rect", "line", "polyline")

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert reader.plots == 5
    assert "&lt;CPU&gt;" in page and "<CPU>" not in page
    assert "nan" not in re.findall(r'points="[^"]*"', page)[0]


def test_junit_skips_what_was_not_judged_and_fails_it_when_strict(
    measurement: Make, environment: dict[str, Any]
) -> None:
    document = as_json(report(measurement([10.0] * 50), environment, gates=GATES))
    for strict, failures, skipped in ((False, "1", "1"), (True, "2", "0")):
        suite = ElementTree.fromstring(junit.as_xml(document, strict))
        assert suite.attrib["tests"] == "3"
        assert (suite.attrib["failures"], suite.attrib["skipped"]) == (failures, skipped)
        assert len(suite.findall("testcase/failure")) == int(failures)


def test_github_reads_one_command_a_line_for_what_did_not_pass(
    measurement: Make, environment: dict[str, Any]
) -> None:
    document = as_json(report(measurement([10.0] * 50), environment, gates=GATES))
    failed, unsure = workflow_commands(document, strict=False)
    assert failed == ("::error title=bench%3A frame p99 fail::12 ms, 100%25 <more> than wanted")
    assert unsure.startswith("::warning ")
    assert workflow_commands(document, strict=True)[1].startswith("::error ")
    summary = step_summary(document)
    assert "| frame p99 | fail |" in summary
    assert "Exit code 3." in summary


def test_prometheus_text_names_each_metric_once_and_escapes_labels(
    measurement: Make, environment: dict[str, Any]
) -> None:
    named = {**environment, "plan": 'a "plan"\\x'}
    text = prometheus.as_text(as_json(report(measurement([10.0] * 200), named, gates=GATES)))
    types = re.findall(r"^# TYPE (\S+) gauge$", text, re.M)
    assert len(types) == len(set(types)) > 8
    line = re.compile(r'^[a-z_]+\{([a-z0-9_]+="(\\.|[^"\\])*",?)+\} \S+$')
    values = [row for row in text.splitlines() if not row.startswith("#")]
    assert all(line.match(row) for row in values)
    assert any('quantile="0.95"' in row and "0.01" in row for row in values)


@pytest.mark.parametrize("truth", [0, 1, 2, 3, 7, 8, 100])
def test_the_most_sessions_are_found_in_few_tries(truth: int) -> None:
    tried: list[int] = []

    def holds(count: int) -> bool:
        tried.append(count)
        return count <= truth

    assert most_sessions(holds, 64) == min(truth, 64)
    assert max(tried) <= 64
    assert len(tried) <= 12


def test_a_leak_is_found_and_a_warm_up_is_not_one(measurement: Make) -> None:
    seconds = [float(s) for s in range(0, 7200, 30)]
    flat = [3e8 + 1e5 * (i % 7) for i in range(len(seconds))]
    settling = [v + (5e7 * s / 600 if s < 600 else 5e7) for v, s in zip(flat, seconds, strict=True)]
    leaking = [v + 20e6 * s / 3600 for v, s in zip(flat, seconds, strict=True)]
    limit = 8 << 20
    assert not trend("m", "bytes", seconds, flat, limit).found
    assert not trend("m", "bytes", seconds, settling, limit).found
    leak = trend("m", "bytes", seconds, leaking, limit)
    assert leak.found
    assert leak.per_hour == pytest.approx(20e6, rel=0.05)
    assert trend("m", "bytes", seconds[:5], flat[:5], limit).per_hour is None


def test_a_soak_reports_memory_and_latency(
    measurement: Make, environment: dict[str, Any], validate: Callable[[dict[str, Any]], None]
) -> None:
    resident = tuple((60.0 * i, 300_000_000 + 1_000_000 * i) for i in range(60))
    memory = Memory({}, 1, 1, 0, 1, resident)
    m = measurement([10.0] * 1000, workload=Workload(mode="soak"), memory=memory)
    document = as_json(report(m, environment))
    validate(document)
    leak, drift = document["trends"]
    assert leak["found"] and not drift["found"]


def test_an_engines_figures_follow_trtexecs_definitions() -> None:
    queries = [Query(0.1, 0.5, 2.0 + 0.001 * (i % 5), 0.25) for i in range(200)]
    found = figures(queries, walltime_s=0.8)
    assert found.throughput_qps == pytest.approx(250.0)
    assert found.summaries["latency"].median == pytest.approx(2.752)
    assert found.gpu_compute_total_s == pytest.approx(0.4004)
    assert found.warnings == ()
    slow = figures([Query(1.9, 2.5, 2.0, 0.25)] * 20, 1.0)
    assert len(slow.warnings) == 2
