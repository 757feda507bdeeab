# SPDX-License-Identifier: Apache-2.0
"""Schedule, sampling, template, smoothing and composition against the published implementations."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.vasa1 import diffusion, keypoints, stitching, template  # noqa: E402
from talkrt.export.vasa1.composition import Composition, Driving, Source, compose  # noqa: E402


@pytest.mark.parametrize("steps", [5, 50])
def test_schedule(golden, steps):
    record = golden.load("joyvasa_schedule")
    schedule = diffusion.cosine(steps)
    golden.assert_close(record, f"betas_T{steps}", schedule.betas, 1e-5)
    golden.assert_close(record, f"alpha_bars_T{steps}", schedule.alpha_bars, 1e-5)
    taken = diffusion.reverse(schedule, diffusion.times(steps, steps), eta=1.0)
    assert [step.t for step in taken] == list(range(steps, 0, -1))
    recorded = record[f"out.sigmas_inflex_T{steps}"]
    np.testing.assert_allclose([step.noise for step in taken[:-1]], recorded[:1:-1], atol=1e-5)
    assert taken[-1] == diffusion.Step(1, 0.0, 1.0, 0.0)


@pytest.mark.parametrize("count", [1, 4, 7, 10, 50])
def test_fewer_steps_without_noise_keep_a_clean_signal_clean(count):
    """If the network always says x0, whatever the number of steps, x follows its forward path."""
    schedule, x0 = diffusion.cosine(50), 0.7
    x = x0 * np.sqrt(schedule.alpha_bars[50]) + 2.0 * np.sqrt(1 - schedule.alpha_bars[50])
    taken = diffusion.reverse(schedule, diffusion.times(50, count), eta=0.0)
    assert len(taken) == count and taken[0].t == 50
    for step, after in zip(taken, [*taken[1:], None], strict=True):
        x = step.keep * x + step.clean * x0
        bar = schedule.alpha_bars[after.t] if after else 1.0
        assert x == pytest.approx(x0 * np.sqrt(bar) + 2.0 * np.sqrt(1 - bar), abs=1e-9)


@pytest.mark.parametrize("count", [0, 51])
def test_a_number_of_steps_that_the_schedule_lacks_is_refused(count):
    with pytest.raises(ValueError, match=f"{count} denoising steps, expected 1 to 50"):
        diffusion.times(50, count)


@pytest.fixture(scope="module")
def recorded_template(golden):
    record = golden.load("joyvasa_template")

    def pose(kind):
        return np.concatenate([record[f"in.{kind}_{name}"] for name in template.POSE])

    return record, template.Template(
        record["in.mean_exp"], record["in.std_exp"], pose("min"), pose("max")
    )


def test_normalised_motion(golden, recorded_template):
    record, statistics = recorded_template
    angles = np.concatenate([record[f"in.raw_{name}"] for name in ("pitch", "yaw", "roll")], axis=1)
    raw = template.MotionTrack(
        record["in.raw_exp"].reshape(20, -1, 3), record["in.raw_scale"], record["in.raw_t"], angles
    )
    found = template.normalise(raw, statistics)
    golden.assert_close(record, "normalized_exp", found[:, :63], 5e-6)
    golden.assert_close(record, "normalized_pose", found[:, 63:], 5e-6)
    back = template.denormalise(found, statistics)
    np.testing.assert_allclose(back.exp, raw.exp, atol=1e-6)
    np.testing.assert_allclose(back.pose, raw.pose, atol=1e-4)


def test_denormalised_and_smoothed_motion(golden, recorded_template):
    record, statistics = recorded_template
    windows = [0.5 + golden.given(f"T:motion{i}", (1, 100, 73), 0.2)[0] for i in range(3)]
    values = np.concatenate(windows).astype(np.float32)[: int(record["out.n_frames"])]
    track = template.denormalise(values, statistics)
    golden.assert_close(record, "denormalized_exp", track.exp, 1e-7)
    smoothed = template.smooth(track)
    for kind, found in (("denormalized", track), ("smoothed", smoothed)):
        golden.assert_close(record, f"{kind}_scale", found.scale, 5e-5)
        golden.assert_close(record, f"{kind}_t", found.t, 5e-5)
        for index, name in enumerate(("pitch", "yaw", "roll")):
            golden.assert_close(record, f"{kind}_{name}", found.angles[:, index, None], 5e-5)
        R = keypoints.rotation(*torch.from_numpy(found.angles).split(1, dim=1))
        golden.assert_close(record, f"{kind}_R", R, 2e-6)
    assert smoothed.exp is track.exp


def test_composition_in_every_published_mode(golden):
    record = golden.load("joyvasa_composition")

    def given(name):
        return torch.from_numpy(record[f"in.{name}"])

    R = keypoints.rotation(given("source_pitch"), given("source_yaw"), given("source_roll"))
    kp, exp, scale, t = (given(f"source_{name}") for name in ("kp", "exp", "scale", "t"))
    source = Source(kp, exp, scale, t, R)
    exp, scale, t, angles = (
        given(f"motion_{name}") for name in ("exp", "scale", "t", "pitch_yaw_roll")
    )
    driving = Driving(exp, scale, t, angles)
    golden.assert_close(record, "x_s", source.x, 1e-5)
    stitch = golden.fill(stitching.KeypointMlp(stitching.STITCHING), "stitching.")
    cases = [name.removeprefix("out.") for name in record if name.startswith("out.x_d.")]
    assert len(cases) == 9
    for case in cases:
        _, stitched, relative, option, region = case.split(".")
        keep = relative == "relative1" and option == "expression-friendly"
        found = compose(
            source, driving, Composition(region, keep), stitch if stitched == "stitch1" else None
        )
        golden.assert_close(record, case, found, 1e-5)
