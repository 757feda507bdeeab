# SPDX-License-Identifier: Apache-2.0
"""`talkrt export gaussian --talkinggaussian`: the plan says what the golden data say."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.gaussian.talkinggaussian.checkpoint import read_talkinggaussian  # noqa: E402
from talkrt.export.gaussian.trained.deform import evaluate  # noqa: E402
from talkrt.export.plan import read_plan  # noqa: E402

DATA = Path(__file__).parents[2] / "data"
GOLDEN = DATA / "golden" / "gaussian"
FACE = np.load(GOLDEN / "talkinggaussian" / "face_network.npz")
MOUTH = np.load(GOLDEN / "talkinggaussian" / "mouth_network.npz")
BOUNDS = {"means": 2e-7, "quats": 1e-5, "scales": 1e-6}
AUDIO_ONLY = 600_000  # multiply-adds of the audio side of a frame, at most


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any, Any]]:
    """What the export said, the manifest and the tensors."""
    spec = importlib.util.spec_from_file_location("golden_avatars", DATA / "golden_avatars.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    path = tmp_path_factory.mktemp("plan") / "avatar.plan"
    result = script.talkinggaussian(path)
    yield result, *read_plan(path)


def test_every_stage_equals_the_original(exported: Any) -> None:
    stages = [row.graph for row in exported[0].parity]
    outputs = {"face": 3, "mouth": 1}
    assert stages == [
        f"{part}, {stage}"
        for part, count in outputs.items()
        for stage in ("baked", "ONNX Runtime", "kernel tensors")
        for _ in range(count)
    ]
    assert all(row.holds for row in exported[0].parity)


@pytest.mark.parametrize(
    ("part", "before", "after"), [("face", 12566, 7168), ("mouth", 3440, 1024 + 96)]
)
def test_a_frame_costs_what_the_design_says(
    exported: Any, part: str, before: int, after: int
) -> None:
    counted, n = exported[0].multiply_adds[part], exported[0].moved[part]
    assert before * n <= counted[0] <= before * n + AUDIO_ONLY
    assert after * n <= counted[1] <= after * n + AUDIO_ONLY


def test_graphs_and_kernel_tensors_give_the_golden_gaussians(exported: Any) -> None:
    _, manifest, tensors = exported
    face, mouth = manifest["avatar"]["deform"]
    assert face["count"] < 500  # some lie outside of every plane, and never move
    for frame in range(3):
        inputs = {
            "window": FACE["auds"][frame],
            "action_units": FACE["au_exp"][frame : frame + 1],
        }
        for entry, golden in ((face, FACE), (mouth, MOUTH)):
            at = order(tensors, entry, golden)
            mix = run(tensors, f"{entry['graph']}_mix", inputs)["mix"]
            by_graph = run(tensors, entry["graph"], {"mix": mix})
            by_kernel = evaluate(entry, tensors, mix)
            assert by_graph.keys() == by_kernel.keys()
            for name, value in by_graph.items():
                expected = golden[name][frame][at]
                np.testing.assert_allclose(value, expected, rtol=0, atol=BOUNDS[name])
                # float16 is in the file because the pictures bear it; the numbers show it.
                np.testing.assert_allclose(by_kernel[name], expected, rtol=0, atol=2e-3)


def test_what_no_network_moves_stands_where_the_golden_gaussians_stand(exported: Any) -> None:
    _, manifest, tensors = exported
    start = manifest["avatar"]["deform"][0]["count"]
    still = {"first": start, "count": int((tensors["gaussian/layers"] == 0).sum()) - start}
    seen = tensors["gaussian/opacities"][start : start + still["count"]] > 0
    still["count"] = int(seen.sum())
    assert still["count"] > 10 and seen[: still["count"]].all()
    at = order(tensors, still, FACE)
    for frame in range(3):
        for name in ("means", "quats", "scales"):
            found = tensors[f"gaussian/{name}"][start : start + still["count"]]
            np.testing.assert_allclose(found, FACE[name][frame][at], rtol=0, atol=BOUNDS[name])


def test_the_track_is_the_recordings_and_ends_where_the_head_rests(exported: Any) -> None:
    _, manifest, tensors = exported
    cameras = np.load(GOLDEN / "talkinggaussian" / "cameras.npz")
    known = np.concatenate([cameras["train_viewmat"], cameras["val_viewmat"]])
    units = np.concatenate([cameras["train_au_exp"], cameras["val_au_exp"]])
    viewmats = tensors["gaussian/track/viewmats"]
    first = int(np.abs(known - viewmats[0]).max(axis=(1, 2)).argmin())
    frames = manifest["avatar"]["track"]["frames"]
    assert len(viewmats) == frames >= 8
    np.testing.assert_allclose(viewmats, known[first : first + frames], rtol=0, atol=1e-6)
    played = tensors["gaussian/track/action_units"]
    np.testing.assert_allclose(played, units[first : first + frames], rtol=0, atol=1e-6)


def test_the_committed_plan_is_this_one(exported: Any) -> None:
    """Engines are tested with it. Numbers may differ in the last place on another processor."""
    _, manifest, tensors = exported
    committed, kept = read_plan(DATA / "golden_talkinggaussian.plan")
    for entry in (manifest, committed):
        del entry["created_by"], entry["budget"], entry["gaussian"]["view"]
        del entry["avatar"]["orbit_degrees"]
    assert manifest == committed
    assert tensors.keys() == kept.keys()
    for name, tensor in tensors.items():
        if not name.startswith(("graph/", "check/frame/")):  # releases of libraries
            np.testing.assert_allclose(tensor, kept[name], rtol=1e-3, atol=1e-6, err_msg=name)


def order(tensors: Any, entry: Any, golden: Any) -> Any:
    """Where the plan's Gaussians are in the golden data: by their places at rest."""
    trained = read_talkinggaussian(GOLDEN / "talkinggaussian")
    raw = trained.face if golden is FACE else trained.mouth
    numbers = {place.tobytes(): i for i, place in enumerate(raw.xyz)}
    assert len(numbers) == 500
    rest = tensors["gaussian/means"][entry["first"] : entry["first"] + entry["count"]]
    return [numbers[place.tobytes()] for place in rest]


def run(tensors: Any, graph: str, inputs: dict[str, Any]) -> dict[str, Any]:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    prefix = f"weight/{graph}/"
    weights = {name: value for name, value in tensors.items() if name.startswith(prefix)}
    options.add_external_initializers(
        [name.removeprefix(prefix) for name in weights],
        [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()],
    )
    session = onnxruntime.InferenceSession(
        tensors[f"graph/{graph}"].tobytes(), options, providers=["CPUExecutionProvider"]
    )
    named = {port.name: inputs[port.name] for port in session.get_inputs()}
    names = [port.name for port in session.get_outputs()]
    return dict(zip(names, session.run(names, named), strict=True))
