# SPDX-License-Identifier: Apache-2.0
"""Training repeats bit for bit, and its loss sees what a viewer sees. Needs torch only."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from rich.console import Console  # noqa: E402
from talkrt.export.gaussian.speech.batches import Batch  # noqa: E402
from talkrt.export.gaussian.speech.calibrate import SHIFTS, settle  # noqa: E402
from talkrt.export.gaussian.speech.dataset import Stream  # noqa: E402
from talkrt.export.gaussian.speech.labels import make_labels  # noqa: E402
from talkrt.export.gaussian.speech.lip_rules import (  # noqa: E402
    close_lips,
    closure_strength,
    lip_gap,
)
from talkrt.export.gaussian.speech.loss import loss, shown_gap  # noqa: E402
from talkrt.export.gaussian.speech.network import (  # noqa: E402
    CLOSURE,
    COEFFICIENTS,
    PAUSE,
    SpeechNet,
)
from talkrt.export.gaussian.speech.timing import Segment  # noqa: E402
from talkrt.export.gaussian.speech.train import Settings, trained  # noqa: E402


def stream(seed):
    """Six seconds of syllables: noise that swells for a vowel and fades for a p."""
    rng = np.random.default_rng(seed)
    segments, loud, time = [Segment("pause", 1.0, 0.0, 0.4)], np.zeros(6 * 16000), 0.4
    while time < 5.2:
        closed, end = time + rng.uniform(0.06, 0.1), time + rng.uniform(0.2, 0.3)
        segments += [Segment("P", 1.0, time, closed), Segment("aa", 1.0, closed, end)]
        loud[int(closed * 16000) : int(end * 16000)] = rng.uniform(1000, 4000)
        time = end
    segments.append(Segment("pause", 1.0, time, 6.0))
    audio = (loud * rng.standard_normal(len(loud))).astype(np.int16)
    labels = make_labels(segments, audio)
    tracks = {
        field.name: getattr(labels, field.name)[: len(audio) // 80]
        for field in dataclasses.fields(labels)
        if field.name != "closures"
    }
    return Stream(audio, dataclasses.replace(labels, **tracks))


@pytest.fixture(scope="module")
def streams():
    return [stream(seed) for seed in range(3)]


def weights(streams, seed):
    torch.set_num_threads(1)
    settings = Settings(steps=6, batch=3, seed=seed)
    net = trained(settings, streams, np.ones(len(streams)), Console(quiet=True))
    return net.state_dict()


@pytest.fixture(scope="module")
def first(streams):
    return weights(streams, 5)


def test_equal_seeds_train_equal_weights_bit_for_bit(streams, first):
    second = weights(streams, 5)
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def test_another_seed_trains_other_weights(streams, first):
    second = weights(streams, 6)
    assert not torch.equal(first["head.weight"], second["head.weight"])


@pytest.mark.parametrize(("bias", "expected"), [(5.0, SHIFTS[0]), (-9.0, SHIFTS[-1])])
def test_calibration_shifts_the_biases_of_pause_and_closure_and_no_further_than_needed(
    streams, bias, expected
):
    torch.manual_seed(0)
    net = SpeechNet().eval()
    with torch.no_grad():
        net.head.bias[CLOSURE] = bias  # lips that are always closed, or never
        net.head.bias[:COEFFICIENTS] = 0.0  # lips ajar
        net.head.bias[PAUSE] = -9.0  # never a pause
    before = net.head.bias.detach().clone()
    shifts = settle(net, streams, Console(quiet=True))
    assert (shifts.pause, shifts.closure) == (expected, expected)
    moved = net.head.bias.detach() - before
    assert float(moved[PAUSE]) == pytest.approx(shifts.pause)
    assert float(moved[CLOSURE]) == pytest.approx(shifts.closure)
    assert np.count_nonzero(moved.numpy()) == 2


def test_the_gap_in_the_loss_is_the_gap_behind_the_rule():
    rng = np.random.default_rng(0)
    coefficients, closure = rng.uniform(0, 0.4, (500, 14)), rng.uniform(0, 1, 500)
    expected = lip_gap(close_lips(coefficients, closure_strength(closure)))
    gap = shown_gap(torch.from_numpy(coefficients), torch.from_numpy(closure)).clamp(min=0)
    np.testing.assert_allclose(gap.numpy(), expected, atol=1e-9)
    assert 50 < np.count_nonzero(expected > 0) < 450


@pytest.mark.parametrize("closed", [False, True])
def test_the_loss_asks_lips_to_open_between_closures_and_to_close_in_them(closed):
    """The closure output alone is free: its gradient must point to what the labels say."""
    shape = (1, 30)
    track = torch.full((*shape, 14), 0.1)
    track[..., 1] = 0.0
    flags = torch.full(shape, float(closed))
    none = torch.zeros(shape)
    batch = Batch(torch.zeros(*shape, 2, 80), track, flags, none, none, none.long())
    raw = torch.cat([torch.logit(track), torch.zeros(*shape, 3)], dim=2).requires_grad_()
    gradients = []
    for false_weight in (0.0, 5.0):
        raw.grad = None
        loss(raw, torch.zeros(*shape, 48), batch, false_weight).backward()
        gradients.append(float(raw.grad[..., 14].sum()))
    assert (gradients[0] < 0) == closed  # descent raises the probability where lips are closed
    assert (gradients[1] > gradients[0]) == (not closed)
