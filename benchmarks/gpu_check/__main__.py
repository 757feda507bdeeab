# SPDX-License-Identifier: Apache-2.0
"""The GPU check; gpu_check.sh starts it. python -m talkrt.benchmarks.gpu_check --help"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import steps
from .device import Gpu, find_gpu
from .document import as_document, write
from .runner import Runner
from .step import Outcome
from .surroundings import surroundings

NO_GPU = 4  # as an exit code
_HEADS = ("head-50k.bin", "head-50k-sh3.bin", "head-100k.bin")
_OTHERS = ("splats-of-every-size.bin", "antialiased.bin", "inria.bin", "before-a-picture.bin",
           "nothing-behind.bin")  # fmt: skip


class Check:
    """One run; its documents are on disk after every step."""

    def __init__(self, out: Path, places: steps.Places, gpu: Gpu | None, seconds: float) -> None:
        self._out, self._places, self._gpu = out, places, gpu
        self._begin = time.monotonic()
        self._results: dict[str, Any] = {}
        self._environment = surroundings(places.root, gpu, rehearsal=gpu is None)
        log = out / "gpu_check.log"
        log.write_text("")
        environment = programs_environment(places) if gpu is not None else {}
        self.runner = Runner(places.work, log, self._begin + seconds, environment, self._told)

    def _told(self, outcome: Outcome) -> None:
        said = f": {outcome.detail}" if outcome.detail else ""
        print(f"{outcome.seconds:7.1f} s  {outcome.name}: {outcome.status}{said}", flush=True)
        with suppress(OSError, ValueError):
            found = json.loads(steps.document(self._places, outcome.name).read_text())
            self._results[outcome.name] = found
        self.write(complete=False)

    def write(self, complete: bool) -> None:
        outcomes = list(self.runner.outcomes.values())
        seconds = time.monotonic() - self._begin
        document = as_document(self._environment, outcomes, self._results, seconds, complete)
        write(self._out, document)

    def on_gpu(self) -> None:
        places, runner, gpu = self._places, self.runner, self._gpu
        assert gpu is not None
        peers = runner.start(steps.build_peers(places, gpu.capability))
        for step in steps.build(places, gpu.capability):
            runner.run(step)
        runner.run(steps.scenes(places))
        runner.run(steps.tests(places))
        for step in steps.sanitizer(places):
            runner.run(step)
        if peers is not None:  # compilers would be measured too
            runner.finish(peers)
        runner.run(steps.kernels(places, (*_HEADS, *_OTHERS)))
        runner.run(steps.crowded_kernels(places, ("head-2k.bin", *_OTHERS)))
        plans = (
            ("plan, one session", ("--seconds", "5")),
            ("plan, frames ahead", ("--seconds", "5", "--frames-ahead", "2")),
            ("plan, 16 sessions", ("--seconds", "5", "--mode", "offline", "--sessions", "16")),
        )
        for name, options in plans:
            runner.run(steps.plan(places, name, *options))
        runner.run(steps.frames(places))
        runner.run(steps.side_by_side(places, gpu.capability, _HEADS))
        runner.run(steps.allocations(places))
        paced = ("--mode", "paced", "--most-sessions", "--seconds", "4")
        runner.run(steps.plan(places, "plan, most sessions", *paced, limit_s=100))

    def rehearse(self, program: str, module: str) -> None:
        """What can be tried without a GPU."""
        self.runner.run(steps.rehearsed_scenes(self._places))
        self.runner.run(steps.rehearsed_kernels(self._places, program))
        self.runner.run(steps.rehearsed_plan(self._places, module))


def programs_environment(places: steps.Places) -> dict[str, str]:
    """The package as it is built here, and ONNX Runtime for programs that are not in Python."""
    paths = [str(places.site), os.environ.get("PYTHONPATH", "")]
    found = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    runtime = find_spec("onnxruntime")
    if runtime is not None and runtime.origin is not None:
        libraries = sorted(Path(runtime.origin).parent.glob("capi/libonnxruntime.so.*"))
        found.update({"TALKRT_ONNXRUNTIME": str(libraries[0])} if libraries else {})
    return found


def main() -> int:
    words = _parser().parse_args()
    root = Path(__file__).resolve().parents[2]
    out = Path(words.out).resolve()
    gpu = None
    if words.rehearse is None:
        found = find_gpu()
        if isinstance(found, str):
            print(f"gpu_check: nothing was checked: {found}", file=sys.stderr)
            return NO_GPU
        gpu = found
    build = Path(words.rehearse or root / "build/gpu_check").resolve()
    work = out / "work" if words.rehearse else build / "work"
    places = steps.Places(root, build, build / "site", work)
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    for old in work.iterdir():
        old.unlink()
    check = Check(out, places, gpu, words.seconds)
    try:
        if gpu is None:
            check.rehearse(places.program("bench_cuda_rasterizer_emulated"),
                           places.program("libtalkrt_cuda_emulated.so"))  # fmt: skip
        else:
            check.on_gpu()
    except KeyboardInterrupt:
        print("gpu_check: interrupted; the steps until then are in the report", file=sys.stderr)
        return 130
    check.write(complete=True)
    print((out / "gpu_check.md").read_text())
    failed = [o.name for o in check.runner.outcomes.values() if o.status in ("failed", "timed out")]
    if failed:
        print(f"gpu_check: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpu_check.sh", description=__doc__)
    parser.add_argument("out", help="folder for gpu_check.json, gpu_check.md and gpu_check.log")
    parser.add_argument("--seconds", type=float, default=520.0, help="for all steps together")
    parser.add_argument("--rehearse", metavar="BUILD", help="without a GPU: the programs of this "
                        "build that emulate one, to see that the check itself works")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
