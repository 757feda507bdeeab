# SPDX-License-Identifier: Apache-2.0
"""The figures in Prometheus' text format, for a node exporter's textfile collector or a push."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_STATES = ("valid", "noisy", "throttled", "contended")

Metric = tuple[str, str, list[tuple[dict[str, str], float]]]  # name, help, values by label


def as_text(document: dict[str, Any]) -> str:
    environment = document["environment"]
    common = {
        "plan": environment["plan"],
        "plan_sha256": environment["plan_sha256"][:12],
        "mode": document["workload"]["mode"],
        "commit": environment["commit"] or "",
    }
    lines = []
    for name, words, values in _metrics(document):
        lines += [f"# HELP {name} {words}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels({**common, **own})} {value:.9g}" for own, value in values]
    return "\n".join(lines) + "\n"


def _metrics(document: dict[str, Any]) -> Iterator[Metric]:
    speed, start, memory = (document[k] for k in ("throughput", "start_ms", "memory_bytes"))
    yield "talkrt_bench_fps", "Frames per second.", [({}, speed["frames_per_second"])]
    yield ("talkrt_bench_real_time_factor", "Frames per second over the plan's rate.",
           [({}, speed["real_time_factor"])])  # fmt: skip
    ranks = [
        ({"stage": stage, "quantile": f"{float(rank[1:]) / 100:g}"}, value / 1e3)
        for stage, summary in document["latency_ms"].items()
        for rank, value in summary["percentiles"].items()
    ]
    yield "talkrt_bench_latency_seconds", "Latency of a frame and of its stages.", ranks
    yield ("talkrt_bench_first_frame_seconds", "Median time to first frame.",
           [({}, start["first_frame"]["median"] / 1e3)])  # fmt: skip
    yield "talkrt_bench_load_seconds", "Loading the plan.", [({}, start["load"] / 1e3)]
    yield ("talkrt_bench_cpu_seconds_per_frame", "CPU time of all threads.",
           [({}, speed["cpu_ms_per_frame"] / 1e3)])  # fmt: skip
    kinds = ("model", "session", "budget", "peak_resident", "device", "pinned")
    values = [
        ({"kind": kind}, float(memory[kind])) for kind in kinds if memory.get(kind) is not None
    ]
    yield "talkrt_bench_memory_bytes", "Memory by kind.", values
    misses = document["pacing"]["deadline_misses"]
    if misses is not None:
        yield "talkrt_bench_deadline_misses", "Frames that came too late.", [({}, misses)]
    yield (
        "talkrt_bench_validity", "1 for the state the run was in.",
        [({"state": state}, document["validity"]["state"] == state) for state in _STATES],
    )  # fmt: skip
    yield (
        "talkrt_bench_gate", "1 for the outcome of each gate.",
        [({"gate": gate["name"], "outcome": gate["outcome"]}, 1) for gate in document["gates"]],
    )  # fmt: skip


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
