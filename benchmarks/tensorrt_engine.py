# SPDX-License-Identifier: Apache-2.0
"""bench --engine FILE for a serialized TensorRT engine: the figures of trtexec, by its definitions.

Latency is H2D + GPU compute + D2H of one query, not wall time; throughput is queries over the
host's wall time from the first enqueue to the last result. Queries follow each other on one stream,
without CUDA graphs, transfers from pinned memory included. Inputs are zeros at the first profile's
optimum."""

from __future__ import annotations

import importlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from talkrt import __version__
from talkrt.errors import BackendError, Error

from .cuda_driver import Cuda, open_cuda
from .outputs import Outputs, write_text
from .raw_engine import RawEngine
from .sampling import PERCENTILES, Summary, label, summarize
from .workload import Workload

SCHEMA = "talkrt.bench-engine/1"
_WARM_MS = 200.0  # as trtexec warms up


@dataclass(frozen=True, slots=True)
class Query:
    enqueue_ms: float  # of the host
    h2d_ms: float
    compute_ms: float
    d2h_ms: float

    @property
    def latency_ms(self) -> float:
        return self.h2d_ms + self.compute_ms + self.d2h_ms


@dataclass(frozen=True, slots=True)
class Figures:
    queries: int
    walltime_s: float
    throughput_qps: float
    gpu_compute_total_s: float
    summaries: dict[str, Summary]  # latency, enqueue, h2d, gpu compute, d2h; ms
    warnings: tuple[str, ...]


def figures(queries: Sequence[Query], walltime_s: float) -> Figures:
    summaries = {
        "latency": summarize([q.latency_ms for q in queries]),
        "enqueue": summarize([q.enqueue_ms for q in queries]),
        "h2d": summarize([q.h2d_ms for q in queries]),
        "gpu compute": summarize([q.compute_ms for q in queries]),
        "d2h": summarize([q.d2h_ms for q in queries]),
    }
    compute = summaries["gpu compute"]
    warnings = []
    if summaries["enqueue"].median > 0.8 * compute.median:
        warnings.append("enqueueing takes most of the time: the host holds the GPU back")
    for name in ("h2d", "d2h"):
        if summaries[name].median >= compute.median:
            warnings.append(f"{name} takes as long as computing: transfers hold the GPU back")
    if compute.variation > 0.025:
        warnings.append(f"GPU compute varies by {compute.variation:.1%}: lock the clocks")
    total = compute.mean * len(queries) / 1e3
    return Figures(
        len(queries), walltime_s, len(queries) / walltime_s, total, summaries, tuple(warnings)
    )


def bench_engine(raw: RawEngine, workload: Workload, outputs: Outputs) -> int:
    if workload.mode != "single":
        raise Error(f"{raw.path}: is a TensorRT engine, which --mode {workload.mode} cannot run")
    try:
        trt: Any = importlib.import_module("tensorrt")
    except ImportError:
        raise _missing(raw, f"pip install tensorrt=={raw.version[0]}.*") from None
    try:
        with open_cuda() as cuda:
            found = _measure(trt, cuda, raw, workload)
    except BackendError as error:
        if error.code == "TALKRT_ERROR_BACKEND_MISSING":
            raise _missing(raw, str(error)) from None
        raise
    document = {
        "schema": SCHEMA, "talkrt": __version__, "engine": raw.path,
        "built_by_tensorrt": raw.release, "tensorrt": trt.__version__,
        "transfers_included": True, "cuda_graphs": False, "figures": asdict(found),
    }  # fmt: skip
    if outputs.save is not None:
        write_text(outputs.save, json.dumps(document, indent=1))
    print(json.dumps(document, indent=2) if outputs.json_wanted else _table(raw, found))
    return 0


def _missing(raw: RawEngine, what: str) -> BackendError:
    return BackendError(
        f"{raw.path}: is an engine of TensorRT {raw.release}; running it needs an NVIDIA GPU with "
        f"its driver and the Python package tensorrt of that version: {what}",
        "TALKRT_ERROR_BACKEND_MISSING",
    )


def _measure(trt: Any, cuda: Cuda, raw: RawEngine, workload: Workload) -> Figures:
    runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
    engine = runtime.deserialize_cuda_engine(Path(raw.path).read_bytes())
    if engine is None:
        raise BackendError(
            f"{raw.path}: TensorRT {trt.__version__} refused it; it was built by {raw.release}",
            "TALKRT_ERROR_BACKEND_FAILED",
        )
    context = engine.create_execution_context()
    inputs: list[tuple[int, int, int]] = []  # device, host, bytes
    outputs: list[tuple[int, int, int]] = []
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    for name in names:
        if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            shape = tuple(engine.get_tensor_shape(name))
            if -1 in shape:
                context.set_input_shape(name, engine.get_tensor_profile_shape(name, 0)[1])
    for name in names:
        size = math.prod(context.get_tensor_shape(name)) * engine.get_tensor_dtype(name).itemsize
        device, host = cuda.device_memory(size), cuda.pinned_memory(size)
        context.set_tensor_address(name, device)
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        (inputs if is_input else outputs).append((device, host, size))
    events = [cuda.event() for _ in range(4)]

    def query() -> Query:
        cuda.record(events[0])
        for device, host, size in inputs:
            cuda.to_device(device, host, size)
        cuda.record(events[1])
        begin = time.perf_counter()
        if not context.execute_async_v3(cuda.stream):
            raise BackendError(f"{raw.path}: enqueue failed", "TALKRT_ERROR_BACKEND_FAILED")
        enqueue = 1e3 * (time.perf_counter() - begin)
        cuda.record(events[2])
        for device, host, size in outputs:
            cuda.to_host(host, device, size)
        cuda.record(events[3])
        cuda.synchronize()
        spent = [cuda.milliseconds(events[i], events[i + 1]) for i in range(3)]
        return Query(enqueue, *spent)

    warm = time.perf_counter()
    while time.perf_counter() - warm < (workload.warmup_ms or _WARM_MS) / 1e3:
        query()
    queries: list[Query] = []
    begin = time.perf_counter()
    while not workload.done(len(queries), time.perf_counter() - begin):
        queries.append(query())
    return figures(queries, time.perf_counter() - begin)


def _table(raw: RawEngine, found: Figures) -> str:
    head = ["min", "mean", *(label(p) for p in PERCENTILES), "max"]
    lines = [
        f"{raw.path}  TensorRT {raw.release}",
        f"throughput {found.throughput_qps:.2f} qps, {found.queries} queries in "
        f"{found.walltime_s:.2f} s; transfers included, no CUDA graph",
        "",
        f"{'ms':13}" + "".join(f"{name:>8}" for name in head),
    ]
    for name, s in found.summaries.items():
        ranks = [s.percentiles.get(label(p)) for p in PERCENTILES]
        cells = [f"{v:.3f}" if v is not None else "-" for v in (s.least, s.mean, *ranks, s.most)]
        lines.append(f"{name:13}" + "".join(f"{cell:>8}" for cell in cells))
    return "\n".join([*lines, *(f"warning: {text}" for text in found.warnings)])
