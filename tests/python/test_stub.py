# SPDX-License-Identifier: Apache-2.0
import ast
import subprocess
import sys
from pathlib import Path

import pytest

CHECKED_IN = Path(__file__).resolve().parents[2] / "engine/python/talkrt/_core.pyi"


def test_checked_in_stub_says_what_the_compiled_module_offers(tmp_path: Path) -> None:
    pytest.importorskip("nanobind", reason="stubgen comes with nanobind")
    made = tmp_path / "_core.pyi"
    command = [
        sys.executable,
        "-m",
        "nanobind.stubgen",
        "-q",
        "-m",
        "talkrt._core",
        "-o",
        str(made),
    ]
    subprocess.run(command, check=True)
    # As trees: formatting and comments are ours.
    expected, found = (
        ast.dump(ast.parse(path.read_text()), indent=1) for path in (made, CHECKED_IN)
    )
    assert found == expected, f"run stubgen again for {CHECKED_IN.name}"
