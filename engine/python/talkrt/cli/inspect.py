# SPDX-License-Identifier: Apache-2.0
"""talkrt inspect: what a plan holds. Reads the file's header only; nothing is run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from talkrt.errors import PlanError
from talkrt.plan_file import PlanFile, TensorInfo, read_plan

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def inspect(
    plan: Annotated[str, typer.Argument(help="The plan file.", show_default=False)],
    tensors: Annotated[int, typer.Option(min=0, help="How many of the largest to list.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Manifest and all tensors.")] = False,
) -> None:
    """Show a plan's manifest, graphs, largest tensors, look-ahead and memory budget."""
    file = read_plan(plan)
    if as_json:
        print(json.dumps(_as_json(file), indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    try:
        facts = [f"{label:13} {value}" for label, value in _facts(file)]
        graphs = _graphs(file.manifest.get("graphs", []))
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise PlanError(
            f"{plan}: its manifest lacks or distorts {error}; see the format's specification, and "
            "export the plan again"
        ) from None
    console.print("\n".join(facts), markup=False)
    if graphs.rows:
        console.print(graphs)
    console.print(_tensors(file, tensors))


def _facts(file: PlanFile) -> Iterator[tuple[str, str]]:
    manifest = file.manifest
    video = manifest["video"]
    yield "plan", f"{file.path}, {_size(file.file_bytes)}, {len(file.tensors)} tensors"
    yield "model", f"{manifest['model']}, named {manifest['name']!r}"
    made_by = manifest.get("created_by", "unknown")
    yield "licence", f"{manifest.get('licence', 'not stated')}; made by {made_by}"
    numerator, denominator = video["fps"]
    fps = numerator / denominator
    yield "video", f"{video['width']}x{video['height']} at {fps:g} frames per second"
    if manifest["model"] != "scene":
        look_ahead = file.network_look_ahead_ms()
        yield (
            "audio",
            f"{manifest['audio']['sample_rate']} Hz mono"
            + ("" if look_ahead is None else f", the network looks {look_ahead:.1f} ms ahead"),
        )
    if vasa1 := manifest.get("vasa1"):
        yield from _portraits(vasa1, manifest)
    if untrained := manifest.get("untrained"):
        yield "UNTRAINED", f"weights are random numbers of seed {untrained['seed']}: for tests only"
    budget = manifest.get("budget", {})
    for kind in ("host", "device"):
        if amount := budget.get(f"{kind}_bytes"):
            yield f"{kind} budget", _size(amount)
    if gaussian := manifest.get("gaussian"):
        yield from _gaussian(gaussian)
    if manifest["model"] == "avatar":
        yield from _avatar(manifest)
    for engine in manifest.get("engines", []):
        release = ".".join(map(str, engine["tensorrt"]))
        weights = ", without weights" if engine.get("refit") else ""
        how = f"TensorRT {release}, {engine['precision']}{weights}"
        yield "engine", f"{engine['graph']} for {engine['gpu']}: {how}"
    if motion := manifest.get("motion"):
        yield "emotions", ", ".join(emotion["name"] for emotion in motion["emotions"])
    if check := manifest.get("check"):
        pictures = len(check.get("cameras") or check["frames"])
        yield "check clip", f"{pictures} frames, at least {check['min_psnr_db']:g} dB"


def _portraits(vasa1: dict[str, Any], manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    frames, steps = vasa1["window"]["frames"], vasa1["diffusion"]
    yield (
        "motion",
        f"windows of {frames} frames, {steps['default_steps']} of {steps['steps']} denoising "
        f"steps, guidance {steps['guidance']:g}, {vasa1['precision']}",
    )
    # A frame hears speech up to 80 ms before its own end; the first of a hop waits for the last.
    whole, short = (hop * 40 - 80 for hop in (frames, min(frames, 12)))
    yield (
        "look-ahead",
        f"{whole} ms in whole windows, as published; with a hop of h frames 40 h - 80 ms, "
        f"{short} ms for h = {min(frames, 12)}",
    )
    yield "portrait", "given to a session; crop {width}x{height}".format(**manifest["video"])


def _gaussian(gaussian: dict[str, Any]) -> Iterator[tuple[str, str]]:
    drawn = f", drawn as {gaussian.get('convention', 'gsplat')} does"
    if gaussian["antialias"]:
        drawn += ", with anti-aliasing"
    yield "Gaussians", f"{gaussian['count']}, SH degree {gaussian['sh_degree']}{drawn}"
    if "channels" in gaussian:
        shapes, joints = len(gaussian["shapes"]), len(gaussian["joints"])
        yield "rig", f"{shapes} shapes, {joints} joints, {len(gaussian['channels'])} channels"
    if view := gaussian.get("view"):
        eye = _eye(gaussian["camera"]["viewmat"])
        yield "camera", f"at {_point(eye)}, about {_point(view['target'])}, up {_point(view['up'])}"


def _encoder_ahead(encoder: dict[str, Any], row_width: int) -> float:
    """Seconds beyond its own that a row may have to wait for: FORMAT.md, section 8.5."""
    step, last = encoder["step"], (row_width - 1 - encoder["lead"]) * 320
    ends = (((at + last) // step + 1) * step - at for at in range(0, step, 640))
    return float((max(ends) + encoder["after"]) / 16_000)


def _avatar(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    avatar, features = manifest["avatar"], manifest["features"]
    size = f"{features['row_width']} x {features['channels']}"
    ahead = (features["after"] - 1) / (manifest["video"]["fps"][0] / manifest["video"]["fps"][1])
    made = "rows that the host pushes"
    if "encoder" in features:
        made = f"rows that the plan makes, {features['encoder']['step'] / 16:.0f} ms at a time"
        ahead += _encoder_ahead(features["encoder"], features["row_width"])
    yield "features", f"{features['extractor']} {size}, {made}; {1000 * ahead:.0f} ms ahead"
    for entry in avatar["deform"]:
        how = _network(entry["network"]) if "network" in entry else "the graph alone"
        yield "moved", f"{entry['count']} Gaussians by {entry['graph']} ({how})"
    track = avatar["track"]
    seconds = track["frames"] * manifest["video"]["fps"][1] / manifest["video"]["fps"][0]
    drawn = avatar["composite"]["kind"] + (", dilated" if avatar["composite"].get("dilate") else "")
    yield "track", f"{seconds:.1f} s, forwards and backwards; {drawn}"
    yield "trained by", avatar.get("origin", "not stated")


def _network(network: dict[str, Any]) -> str:
    if network.get("kind", "layers") == "layers":
        return " > ".join(str(width) for width in network["widths"])
    layers, attended = network["layers"], network["heads"] * network["tokens"]
    outputs = ", ".join(f"{name} {width}" for name, width in network["outputs"].items())
    return f"{layers} x attention to {attended}, {network['width']} wide; {outputs}"


def _eye(viewmat: list[float]) -> list[float]:
    """Where a camera stands: minus the transposed rotation times the translation."""
    return [-sum(viewmat[4 * r + c] * viewmat[4 * r + 3] for r in range(3)) for c in range(3)]


def _point(values: list[float]) -> str:
    return f"({', '.join(f'{value + 0.0:.4g}' for value in values)})"


def _graphs(graphs: list[dict[str, Any]]) -> Table:
    table = Table("graph", "runs per", "inputs", "outputs", "states", title="Graphs", expand=False)
    for graph in graphs:
        table.add_row(
            graph["name"],
            graph["runs"],
            _ports(graph["inputs"]),
            _ports(graph["outputs"]),
            str(len(graph.get("states", []))),
        )
    return table


def _ports(ports: list[dict[str, Any]]) -> str:
    return "\n".join(f"{port['name']} {port['dtype']} {port['shape']}" for port in ports)


def _tensors(file: PlanFile, count: int) -> Table:
    largest = sorted(file.tensors, key=lambda info: -info.bytes)
    title = f"{min(count, len(largest))} largest of {len(largest)} tensors"
    table = Table("tensor", "dtype", "shape", "size", title=title, expand=False)
    for info in largest[:count]:
        table.add_row(info.name, info.dtype, str(list(info.shape)), _size(info.bytes))
    return table


def _as_json(file: PlanFile) -> dict[str, Any]:
    def entry(info: TensorInfo) -> dict[str, Any]:
        return {"dtype": info.dtype, "shape": info.shape, "bytes": info.bytes}

    return {
        "schema": "talkrt.inspect/1",
        "path": file.path,
        "file_bytes": file.file_bytes,
        "network_look_ahead_ms": file.network_look_ahead_ms(),
        "manifest": file.manifest,
        "tensors": {info.name: entry(info) for info in file.tensors},
    }


def _size(amount: int) -> str:
    if amount < 10_000:
        return f"{amount} bytes"
    return f"{amount / 1e6:.2f} MB"
