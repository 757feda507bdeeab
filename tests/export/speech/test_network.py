# SPDX-License-Identifier: Apache-2.0
"""The network's two forms agree with each other and with an independent NumPy version."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the PyTorch form needs torch")

from safetensors.numpy import load_file  # noqa: E402
from talkrt.export.gaussian.speech import log_mel, module, steps  # noqa: E402
from talkrt.export.gaussian.speech.network import SpeechNet, normalise_sequence  # noqa: E402

REFERENCE = Path(__file__).parents[2] / "reference"


def reference(name):
    spec = importlib.util.spec_from_file_location(name, REFERENCE / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def mel():
    rng = np.random.default_rng(0)
    envelope = np.repeat(rng.uniform(-9, 1, 20), 10)[:, None]
    return (envelope + rng.normal(-2, 2, (200, 80))).astype(np.float32)


@pytest.fixture(scope="module")
def net():
    return module.load_net()


def whole(net, mel):
    with torch.no_grad():
        grouped = torch.from_numpy(mel).reshape(1, -1, 2, 80)
        features, _, _ = normalise_sequence(grouped, net.initial_mean[None], net.initial_peak[None])
        return torch.cat(net.outputs(net(features)[0]), dim=2)[0].numpy()


def test_streaming_equals_the_whole_sequence(net, mel):
    graph = module.speech_graph()
    states = [
        torch.zeros(state.shape) if state.init is None else torch.from_numpy(state.init.copy())
        for state in graph.states
    ]
    rows = []
    with torch.no_grad():
        for step in torch.from_numpy(mel).reshape(-1, 1, 2, 80):
            coefficients, closure, energy, *states = graph.module(step, *states)
            rows.append(torch.cat([coefficients, closure, energy], dim=1)[0].numpy())
    assert [tuple(state.shape) for state in states] == [state.shape for state in graph.states]
    np.testing.assert_allclose(np.array(rows), whole(net, mel), atol=1e-5)


def test_the_numpy_reference_agrees(net, mel):
    expected = reference("speech_net").run(load_file(module.WEIGHTS), mel.astype(np.float64))
    np.testing.assert_allclose(whole(net, mel), expected, atol=1e-5)


def test_later_audio_never_changes_earlier_steps(net, mel):
    changed = mel.copy()
    changed[120:] = 0
    np.testing.assert_allclose(whole(net, mel)[:60], whole(net, changed)[:60], atol=1e-5)
    assert np.abs(whole(net, mel)[60:] - whole(net, changed)[60:]).max() > 1e-3


def test_features_equal_the_reference():
    audio = np.random.default_rng(1).normal(0, 0.1, 8000).astype(np.float32)
    ours = log_mel.log_mel(torch.from_numpy(audio)).numpy()
    expected = reference("log_mel").log_mel(audio.astype(np.float64))
    assert ours.shape == expected.shape == (48, 80)
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_a_gain_of_6_db_changes_little(net):
    rng = np.random.default_rng(2)
    swell = np.repeat(rng.uniform(0.01, 0.2, 60), 800)
    audio = (rng.normal(0, 1, 48000) * swell).astype(np.float32)
    quiet, loud = (
        whole(net, log_mel.log_mel(torch.from_numpy(audio * gain)).numpy()[:296])
        for gain in (0.5, 1.0)
    )
    assert np.abs(quiet[50:, :14] - loud[50:, :14]).mean() < 0.02


def test_size_look_ahead_and_ports_are_what_the_plan_format_allows():
    graph = module.speech_graph()
    assert module.WEIGHTS.stat().st_size < 4_000_000
    parameters = sum(p.numel() for p in SpeechNet().parameters())
    assert 150_000 <= parameters <= 1_000_000
    assert steps.LOOK_AHEAD <= 0.120 * 16000
    assert [port.name for port in graph.outputs] == ["coefficients", "closure", "energy"]
    section = module.motion_section()
    assert section["step_samples"] == 160 * section["frames_per_step"]
    driven = [channel for row in section["coefficients"] for channel in row["channels"]]
    assert len(driven) == len(set(driven)) == 19
