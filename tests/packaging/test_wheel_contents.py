# SPDX-License-Identifier: Apache-2.0
"""What `pip install .` brings into site-packages, and what an outside program can link."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    build = ["--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, *build, "-w", str(out), str(ROOT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = out.glob("talkrt-*.whl")
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def test_the_wheel_holds_talkrt_and_nothing_else(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert "talkrt" in tops
    assert all(top == "talkrt" or top.endswith(".dist-info") for top in tops), sorted(tops)


def test_the_wheel_holds_the_extension_its_stub_and_the_type_marker(wheel: list[str]) -> None:
    assert any(name.startswith("talkrt/_core") and name.endswith(".so") for name in wheel)
    assert {"talkrt/_core.pyi", "talkrt/py.typed", "talkrt/export/plan.py"} <= set(wheel)


def test_the_wheel_holds_no_sources_headers_or_results(wheel: list[str]) -> None:
    unwanted = (".cpp", ".hpp", ".h", ".cu", ".md", ".o", ".a", "CMakeLists.txt", ".json")
    assert [name for name in wheel if name.endswith(unwanted) and "/weights/" not in name] == []
