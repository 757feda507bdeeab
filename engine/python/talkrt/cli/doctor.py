# SPDX-License-Identifier: Apache-2.0
"""talkrt doctor: what was found, what will be used and why, and what to install for more."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from talkrt import __version__, _core, probing
from talkrt.backends import VARIABLE, find_onnxruntime
from talkrt.engine import Engine
from talkrt.errors import Error
from talkrt.probing import Finding

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXPORT = "to export plans: pip install 'talkrt[export]'"


@dataclass(frozen=True, slots=True)
class Verdict:
    ready: bool
    uses: str
    why: str


@app.command()
def doctor(
    plan: Annotated[str | None, typer.Argument(help="Also load this plan.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Show what was found on this machine and what will be used. Exit code 1 when nothing runs."""
    machine = _machine()
    engine = Engine()
    description = engine.describe()
    backend: dict[str, Any] = next(iter(description["backends"]), {})
    problem = str(backend.get("missing", ""))
    findings = [
        _onnxruntime(backend),
        probing.package("av", "av", "to read audio and write video: pip install av"),
        probing.encoders(),
        *(probing.package(name, name, _EXPORT) for name in ("torch", "onnx", "onnxscript")),
        probing.nvidia_driver(),
        _nvml(description["memory"]["nvml"]),
        probing.tensorrt(),
        probing.tensorrt_module(),
    ]
    verdict = _verdict(problem, description["devices"])
    loaded = _load(engine, plan) if plan else None
    if as_json:
        print(
            json.dumps(
                {
                    "schema": "talkrt.doctor/1",
                    "machine": machine,
                    "build": json.loads(_core.build_info_json()),
                    "findings": [asdict(finding) for finding in findings],
                    "engine": description,
                    "verdict": asdict(verdict),
                    "plan": loaded,
                },
                indent=2,
            )
        )
    else:
        _print(machine, findings, description, verdict, loaded)
    if not verdict.ready or (loaded is not None and not loaded["ready"]):
        raise typer.Exit(1)


def _machine() -> dict[str, Any]:
    usable, present = probing.cores()
    available, total = probing.memory_bytes()
    return {
        "talkrt": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "cpu": probing.cpu_model(),
        "cores_usable": usable,
        "cores": present,
        "memory_available_bytes": available,
        "memory_bytes": total,
    }


def _onnxruntime(backend: dict[str, Any]) -> Finding:
    if "missing" in backend:
        advice = f"pip install onnxruntime, or set {VARIABLE} to its library"
        return Finding("ONNX Runtime", False, str(backend["missing"]), advice)
    found = find_onnxruntime()
    source = found.source if found else "the system's loader"
    return Finding("ONNX Runtime", True, f"{backend['version']}, by {source}: {backend['path']}")


def _nvml(nvml: dict[str, Any]) -> Finding:
    if "missing" in nvml:
        return Finding("NVML", False, str(nvml["missing"]))
    total, used, free = (nvml[f"{part}_bytes"] / 1e9 for part in ("total", "used", "free"))
    return Finding(
        "NVML",
        True,
        f"driver {nvml.get('driver', 'unknown')}; of {total:.1f} GB {used:.1f} are used, "
        f"{free:.1f} free",
    )


def _memory(memory: dict[str, Any]) -> Iterator[str]:
    """Our account, and the system's figures of this process beside it."""
    for where, process in (("host", "resident"), ("device", "by NVML")):
        if f"{where}_bytes" not in memory:
            continue
        ours = memory[f"{where}_bytes"] + (memory["pinned_bytes"] if where == "host" else 0)
        budget = memory[f"{where}_budget_bytes"]
        limit = f" of {budget / 1e6:.1f}" if budget else ""
        figure = memory[f"{where}_process_bytes"]
        if figure is None:
            why = memory["nvml"]["process_missing"] if where == "device" else "not known"
            yield f"{where:6}  {ours / 1e6:.1f}{limit} MB on the account; of the process: {why}"
            continue
        rest = memory[f"{where}_difference_bytes"] / 1e6
        yield (
            f"{where:6}  {ours / 1e6:.1f}{limit} MB on the account; the process has "
            f"{figure / 1e6:.1f} ({process}), {rest:+.1f} beside the account"
        )


def _verdict(problem: str, devices: list[dict[str, Any]]) -> Verdict:
    if problem:
        return Verdict(False, "nothing", problem)
    gpu = next(device for device in devices if device["name"] == "cuda")
    if gpu["used"]:
        uses = f"GPU {gpu['index']} ({gpu['gpu']}) for pictures of rigged heads and scenes"
        return Verdict(True, f"{uses}, the CPU for the rest", "there is one, and its driver works")
    why = gpu.get("missing", "the engine could not open it; its log says why")
    return Verdict(
        True,
        "the CPU: ONNX Runtime for graphs, TalkRT's own kernels for pictures",
        f"no GPU can be used: {why}",
    )


def _load(engine: Engine, plan: str) -> dict[str, Any]:
    try:
        model = engine.load(plan)
        session = model.session()
    except Error as error:
        return {"path": plan, "ready": False, "problem": str(error)}
    return {
        "path": plan,
        "ready": True,
        "model": model.kind,
        "load_ms": model.load_ms,
        "host_bytes": model.host_bytes + session.stats.host_bytes,
        "host_budget_bytes": model.host_budget_bytes,
        "pinned_bytes": model.pinned_bytes + session.stats.pinned_bytes,
        "device_bytes": model.device_bytes + session.stats.device_bytes,
        "device_budget_bytes": model.device_budget_bytes,
        "memory": engine.describe()["memory"],
    }


def _print(
    machine: dict[str, Any],
    findings: list[Finding],
    description: dict[str, Any],
    verdict: Verdict,
    loaded: dict[str, Any] | None,
) -> None:
    usable, present = machine["cores_usable"], machine["cores"]
    available, total = machine["memory_available_bytes"], machine["memory_bytes"]
    print(f"talkrt {machine['talkrt']}, Python {machine['python']}, {machine['system']}")
    print(f"CPU     {machine['cpu']}, {usable} of {present} cores usable")
    print(f"memory  {available / 1e9:.1f} of {total / 1e9:.1f} GB available")
    print("\nfound")
    for finding in findings:
        mark = "yes" if finding.found else "no "
        print(f"  {mark}  {finding.name:15} {finding.detail}")
    print("\nengine")
    for device in description["devices"]:
        told = verdict.why.endswith(device.get("missing", "\n"))  # below
        shown = {key: value for key, value in device.items() if key != "missing" or not told}
        print(f"  device    {_short(shown)}")
    for backend in description["backends"]:
        print(f"  back end  {_short(backend)}")
    print("\nmemory")
    for line in _memory(loaded["memory"] if loaded and loaded["ready"] else description["memory"]):
        print(f"  {line}")
    print(f"\nwill use {verdict.uses}")
    print(f"because  {verdict.why}")
    if loaded is not None:
        print(f"\n{loaded['path']}: {_plan_line(loaded)}")
    advice = dict.fromkeys(f.advice for f in findings if not f.found and f.advice)
    if advice:
        print("\nfor more")
        for line in advice:
            print(f"  {line}")


def _plan_line(loaded: dict[str, Any]) -> str:
    if not loaded["ready"]:
        return f"cannot run here: {loaded['problem']}"
    held = [f"{loaded['model']}, loaded in {loaded['load_ms']:.0f} ms"]
    for where, name in (("host", "MB"), ("device", "MB of the GPU")):
        used, budget = loaded[f"{where}_bytes"] / 1e6, loaded[f"{where}_budget_bytes"] / 1e6
        if where == "host":
            used += loaded["pinned_bytes"] / 1e6
        limit = f" of {budget:.1f}" if budget else ""
        if used:
            held.append(f"{used:.1f}{limit} {name}")
    return ", ".join(held)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(part)}" for key, part in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(_short(part) for part in value) + "]"
    return str(value)
