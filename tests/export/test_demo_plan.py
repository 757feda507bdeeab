# SPDX-License-Identifier: Apache-2.0
"""The committed demo plan is what the exporter makes from the sources in this repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.checking import replay
from talkrt.engine import Engine
from talkrt.export.gaussian import check_clip, convert
from talkrt.export.plan import read_plan, write_plan
from talkrt.export.report import Exported, Steps
from talkrt.plan_file import read_plan as open_plan

DEMO = Path(__file__).resolve().parents[2] / "examples" / "data" / "demo.plan"


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    output = tmp_path_factory.mktemp("export") / "demo.plan"
    with Steps(quiet=True) as steps:
        return convert.export_head(output, seed=7, count=50_000, name="demo", steps=steps)


def test_every_graph_equals_pytorch(again: Exported) -> None:
    assert again.parity and all(row.holds for row in again.parity)


def test_the_export_has_the_manifest_and_network_of_the_committed_plan(again: Exported) -> None:
    manifest, tensors = read_plan(again.path)
    committed, expected = read_plan(DEMO)
    assert manifest == committed
    network = [name for name in expected if name.startswith(("graph/", "weight/", "state/"))]
    assert network
    for name in network:
        np.testing.assert_array_equal(tensors[name], expected[name], err_msg=name)


def test_the_exported_head_draws_the_committed_check_frames(
    again: Exported, tmp_path: Path
) -> None:
    # Compared as pictures: a last bit of some library's solver may move a Gaussian by a nanometre.
    manifest, tensors = read_plan(again.path)
    committed = read_plan(DEMO)[1]
    frames = {name: array for name, array in committed.items() if name.startswith("check/")}
    mixed = tmp_path / "mixed.plan"
    write_plan(mixed, manifest, tensors | frames)
    assert replay(open_plan(mixed), Engine()).passed


def test_the_demo_plan_is_small_enough_to_commit() -> None:
    assert DEMO.stat().st_size < 12e6


def test_a_stretched_background_keeps_its_corners_and_stays_between_its_values() -> None:
    picture = np.array([[[0, 0, 0], [100, 50, 200]], [[10, 20, 30], [40, 60, 80]]], np.uint8)
    grown = check_clip.stretched(picture, 8, 8)
    np.testing.assert_array_equal(grown[[0, 0, -1, -1], [0, -1, 0, -1]], picture.reshape(4, 3))
    assert grown.min() >= 0 and grown.max() <= 200
