# SPDX-License-Identifier: Apache-2.0
"""The GPU check's kernel benchmark, in emulation: all but its times means what it will on a GPU."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from talkrt.benchmarks.scenes import talking_head, write_scene

ROOT = Path(__file__).resolve().parents[2]


def bench() -> Path | None:
    built = [p for p in ROOT.glob("build/*/**/bench_cuda_rasterizer_emulated") if p.is_file()]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


TOOL = bench()
needs_tool = pytest.mark.skipif(
    TOOL is None, reason="bench_cuda_rasterizer_emulated is not built; build the C++ tests"
)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    assert TOOL is not None
    command = [str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@needs_tool
def test_one_document_with_fidelity_and_every_batch(tmp_path: Path) -> None:
    scene, out = tmp_path / "head.bin", tmp_path / "out.json"
    write_scene(talking_head(300, 0, 48), scene)
    done = run(scene, "--draws", 3, "--views", "1,3", "--json", out)
    assert done.returncode == 0, done.stderr
    document = json.loads(out.read_text())
    assert document["schema"] == "talkrt.bench-cuda-kernels/1"
    found = document["scenes"][0]
    assert (found["scene"], found["count"], found["width"]) == ("head.bin", 300, 48)
    assert found["psnr_db"] > 80
    assert found["same_every_time"]
    assert [batch["views"] for batch in found["batches"]] == [1, 3]
    assert all(batch["device_fps"] > 0 < batch["fps_with_copies"] for batch in found["batches"])
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


@needs_tool
@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["none.bin"], 1, "cannot open none.bin"),
        ([], 2, "no scene"),
        (["x.bin", "--views", "0"], 2, '--views is "0", expected 1 to 4096'),
        (["x.bin", "--speed", "9"], 2, "unknown option --speed"),
    ],
    ids=["no_such_scene", "no_scene", "no_views", "unknown_option"],
)
def test_bad_input_is_one_line(arguments: list[str], code: int, why: str) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert done.stderr.splitlines()[0].startswith("bench_cuda_rasterizer: ")
    assert why in done.stderr
