# SPDX-License-Identifier: Apache-2.0
"""The restated inference against the published one: windows, sampling, frames, and paste-back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")
from scipy import ndimage  # noqa: E402
from talkrt.export.vasa1 import crop, diffusion, noise, reference, speech_windows  # noqa: E402
from talkrt.export.vasa1.appearance import AppearanceExtractor  # noqa: E402
from talkrt.export.vasa1.composition import Composition, Source  # noqa: E402
from talkrt.export.vasa1.denoising_split import AudioRows, DenoisingStep  # noqa: E402
from talkrt.export.vasa1.generator import Generator  # noqa: E402
from talkrt.export.vasa1.generator_split import FastGenerator  # noqa: E402
from talkrt.export.vasa1.motion_generator import MotionConfig, MotionGenerator  # noqa: E402
from talkrt.export.vasa1.stitching import STITCHING, KeypointMlp, stitch  # noqa: E402
from talkrt.export.vasa1.template import MotionTrack  # noqa: E402
from talkrt.export.vasa1.warping import Warping  # noqa: E402
from talkrt.export.vasa1.warping_split import FrameWarp, PortraitWarp  # noqa: E402


def test_lengths_windows_and_frames(golden):
    for samples, windows, frames in golden.load("joyvasa_template")["out.length_windows_frames"]:
        assert speech_windows.frames_of(int(samples)) == frames
        assert len(speech_windows.windows(np.zeros(samples, np.float32), 100)) == windows


def test_windows_of_a_clip(golden):
    record = golden.load("joyvasa_template")
    found = speech_windows.windows(golden.given("T:audio", (150_000,), 0.1), 100)
    assert len(found) == record["out.n_windows"]
    for index, window in enumerate(found):
        assert len(window) == 64_000
        np.testing.assert_array_equal(window[:2000], record[f"out.window{index}_audio_head"])
        np.testing.assert_array_equal(window[-2000:], record[f"out.window{index}_audio_tail"])
        golden.assert_statistics(record, f"window{index}_audio", window[None], 1e-6)


@pytest.mark.parametrize("samples", [64000, 63999, 63900, 16000, 16123, 32321])
def test_mirrored_ends(golden, samples):
    record = golden.load("joyvasa_audio_alignment")
    window = golden.given(f"H:audio{samples}", (1, samples))[0]
    found = speech_windows.extended(window)
    assert len(found) == record[f"pad_len.{samples}"]
    np.testing.assert_array_equal(found[:96], record[f"out.pad_head.{samples}"])
    np.testing.assert_array_equal(found[-96:], record[f"out.pad_tail.{samples}"])


@pytest.mark.parametrize("positions", ["constant", "per_token"])
def test_two_windows_of_motion(golden, positions):
    record, case, frames = golden.load("joyvasa_sample_short"), "JVS20T5", 20
    config = MotionConfig(frames=frames, steps=5, positions=positions, hubert=None)
    net = golden.fill(MotionGenerator(config))
    shape = (1, frames, 73)

    def draw(window, step):
        name = f"w{window}:z{step}" if step else "x_T"
        return golden.given(f"{case}:{name}", shape)[0]

    heard = iter(
        torch.from_numpy(golden.given(f"{case}:audio{window}", (1, frames, 256)))
        for window in (0, 1)
    )
    denoise = reference.denoiser(net, reference.Sampling(count=5), draw)
    clip = np.zeros(2 * frames * 640 - 1920, np.float32)
    found = reference.generated(net, clip, denoise, lambda _: next(heard))
    for window in (0, 1):
        motion = found[None, window * frames : (window + 1) * frames]
        golden.assert_close(record, f"{positions}.w{window}", motion, 1e-4)


def test_fifty_steps_in_the_form_that_ships(golden):
    """Hearing hoisted to once per window, and each step one call with both branches."""
    record, case, shape = golden.load("joyvasa_sample_50"), "JVS100T50", (1, 100, 73)
    net = golden.fill(MotionGenerator(MotionConfig(hubert=None)))
    rows_of, step_of = AudioRows(net), DenoisingStep(net)
    steps = diffusion.reverse(diffusion.cosine(50), diffusion.times(50, 50), eta=1.0)
    start = torch.from_numpy(golden.given(f"{case}:x_T", shape))
    audio = torch.from_numpy(golden.given(f"{case}:audio0", (1, 100, 256)))
    rows, x = rows_of(audio, net.start_audio_feat), start
    for step in steps:
        t, guidance = torch.tensor([float(step.t)]), torch.tensor([2.8])
        clean = step_of(x, net.start_motion_feat, rows, t, guidance)
        x = step.keep * x + step.clean * clean
        if step.t > 1:
            z = golden.given(f"{case}:w0:z{step.t}", shape)
            x = x + step.noise * torch.from_numpy(z)
        if f"out.constant.w0_x{step.t - 1}" in record:
            golden.assert_close(record, f"constant.w0_x{step.t - 1}", x, 1e-4)
    golden.assert_close(record, "constant.w0", x, 1e-4)


def test_equal_seeds_give_equal_motion_and_others_do_not(tiny):
    net = tiny.motion_generator()
    speech = np.random.default_rng(1).normal(0, 0.1, 20_000).astype(np.float32)

    def run(seed, sampling):
        denoise = reference.denoiser(net, sampling, reference.seeded(net, seed))
        return reference.generated(net, speech, denoise)

    sampling = reference.Sampling(count=4, eta=0.0)
    first = run(1, sampling)
    assert first.shape == (speech_windows.frames_of(20_000), 73)
    np.testing.assert_array_equal(first, run(1, sampling))
    assert np.abs(first - run(2, sampling)).max() > 1e-3
    assert np.isfinite(run(1, reference.Sampling(count=10))).all()


def test_noise_is_normal_and_each_stream_is_its_own():
    streams = [noise.normal(7, window, step, 50_000) for window in (0, 1) for step in (0, 3, 50)]
    for values in streams:
        assert abs(values.mean()) < 0.02 and abs(values.std() - 1) < 0.02
        assert abs((values**4).mean() - 3) < 0.15
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.02
    joined = np.corrcoef(np.stack(streams))
    assert np.abs(joined - np.eye(len(streams))).max() < 0.03
    np.testing.assert_array_equal(noise.normal(7, 0, 3, 10), streams[1][:10])
    assert not np.array_equal(noise.normal(8, 0, 3, 10), streams[1][:10])


def test_a_frame_from_portrait_to_pixels_in_the_form_that_ships(golden):
    """Composition, stitching, warp and picture, the latter two as rewritten."""
    record = golden.load("frames_end_to_end")

    def recorded(name):
        return torch.from_numpy(record[name])

    parts = {n: recorded(f"out.source_{n}") for n in ("kp", "exp", "scale", "t")}
    angles = [recorded(f"out.source_{n}") for n in ("pitch", "yaw", "roll")]
    source = Source(**parts, R=reference.rotation(*angles))
    golden.assert_close(record, "x_s", source.x, 1e-5)
    track = MotionTrack(
        *(record[f"in.motion_{n}"] for n in ("exp", "scale", "t", "pitch_yaw_roll"))
    )
    stitching = golden.fill(KeypointMlp(STITCHING), "stitching.")
    driving = reference.compose(
        source,
        reference.Driving(*map(torch.from_numpy, (track.exp, track.scale, track.t, track.angles))),
        Composition(),
        stitching,
    )
    golden.assert_close(record, "x_d", driving, 1e-5)
    feature = golden.fill(AppearanceExtractor())(torch.from_numpy(golden.image("E:image")))
    warping = golden.fill(Warping())
    static = PortraitWarp(warping)(feature, source.x)
    warped = FrameWarp(warping, 64)(*static, source.x, driving[:1])
    golden.assert_close(record, "warped0", warped, 3e-4)
    rgb = FastGenerator(golden.fill(Generator()))(warped)
    golden.assert_close(record, "frame0", rgb, 1e-4)
    wanted, found = golden.strided(record, "frame0_u8", reference.eight_bit(rgb))
    assert np.abs(wanted.astype(int) - found).max() <= 1


def test_the_narrow_model_speaks(tiny):
    renderer, net = tiny.renderer(), tiny.motion_generator()
    image = np.random.default_rng(1).uniform(size=(1, 3, 64, 64)).astype(np.float32)
    portrait = reference.portrait_of(renderer, image)
    speech = np.random.default_rng(2).normal(0, 0.1, 3_000).astype(np.float32)
    denoise = reference.denoiser(
        net, reference.Sampling(count=4, eta=0.0), reference.seeded(net, 1)
    )
    values = reference.generated(net, speech, denoise)
    statistics = reference.Template(
        np.zeros(63, np.float32),
        np.full(63, 0.02, np.float32),
        np.array([1, 0, 0, 0, -10, -10, -10], np.float32),
        np.array([1.2, 0.1, 0.1, 0.1, 10, 10, 10], np.float32),
    )
    track = reference.motion_of(values, statistics)
    driving = reference.driving_keypoints(renderer, portrait.source, track)
    x_s = portrait.source.x
    frames = list(reference.pictures(renderer, portrait.feature, x_s, driving[:2]))
    assert len(track) == speech_windows.frames_of(3_000)
    assert [frame.shape for frame in frames] == [(128, 128, 3)] * 2
    assert np.any(frames[0] != frames[1])
    unmoved = stitch(renderer.stitching, x_s, x_s)
    assert driving.shape == (len(track), *unmoved.shape[1:])


def faces():
    return [
        crop.Face((60.0, 50.0), 64.0),
        crop.Face((60.0, 50.0), 48.0, 0.4),
        crop.Face((5.0, 90.0), 80.0, -1.2),  # cut by the border
    ]


@pytest.mark.parametrize("face", faces())
def test_a_cut_is_the_mean_of_scipys_samples(face):
    picture = np.random.default_rng(1).integers(0, 256, (100, 120, 3), np.uint8)
    smooth = ndimage.gaussian_filter(picture.astype(float), (3, 3, 0)).astype(np.uint8)
    back = np.linalg.inv(face.to_crop(32))
    flipped = back[:2, :2][::-1, ::-1]  # scipy counts rows first
    n = int(face.side // 32)  # pixels of the picture for one of the crop
    steps = (np.arange(n) + 0.5) / n - 0.5
    for channel in range(3):
        samples = [
            ndimage.affine_transform(
                smooth[..., channel].astype(float),
                flipped,
                back[:2, 2][::-1] + flipped @ (row, column),
                (32, 32),
                order=1,
                mode="grid-constant",
            )
            for row in steps
            for column in steps
        ]
        found = crop.cut(smooth, face, 32)[..., channel]
        np.testing.assert_allclose(found, np.mean(samples, axis=0), atol=0.51)


def test_a_face_in_landmarks_is_cut_upright_whatever_its_turn_and_size():
    random = np.random.default_rng(1)
    upright = random.uniform([-40, -50], [40, 60], (106, 2))
    for eye, x in zip(crop.EYES, (-20, 20), strict=True):
        upright[list(eye)] = [x, -20]
    upright[list(crop.LIPS)] = [0, 30]
    straight = crop.face_of_landmarks(upright)
    assert straight.angle == pytest.approx(0)
    span = np.ptp(upright, axis=0).max()
    assert straight.side == pytest.approx(2.3 * span)
    middle = (upright.min(axis=0) + upright.max(axis=0)) / 2
    assert straight.centre == pytest.approx((middle[0], middle[1] - 0.125 * straight.side))
    angle, size = 0.7, 3.0
    c, s = np.cos(angle), np.sin(angle)
    turned = size * upright @ np.array([[c, s], [-s, c]]) + [300, 200]
    found = crop.face_of_landmarks(turned)
    assert found.angle == pytest.approx(angle)
    homogeneous = np.column_stack([turned, np.ones(106)])
    in_crop = (homogeneous @ found.to_crop().T)[:, :2]
    expected = np.column_stack([upright, np.ones(106)]) @ straight.to_crop().T
    np.testing.assert_allclose(in_crop, expected[:, :2], atol=1e-6)


@pytest.mark.parametrize("face", faces())
def test_pasting_what_was_cut_changes_little_and_nothing_outside(face):
    x, y = np.meshgrid(np.arange(120), np.arange(100))
    picture = np.stack([x, y, 200 - x], axis=-1).astype(np.uint8)
    pasted = crop.paste(picture, crop.cut(picture, face), face)
    at = np.stack([x, y, np.ones_like(x)], axis=-1) @ face.to_crop().T
    inside = np.all((at[..., :2] > 1) & (at[..., :2] < 510), axis=-1)
    difference = np.abs(pasted.astype(int) - picture)
    assert difference[~inside].max() <= 2
    assert np.median(difference[inside]) <= 1


def test_the_middle_of_a_frame_replaces_the_picture_and_its_border_fades():
    face = crop.Face((64.0, 64.0), 64.0)
    black, white = np.zeros((128, 128, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    pasted = crop.paste(black, white, face)
    assert pasted[64, 64, 0] >= 254 and pasted[20, 20, 0] == 0
    row = pasted[64, 28:40, 0].astype(int)
    assert np.all(np.diff(row) >= 0) and 0 < row[5] < 255


@pytest.mark.parametrize("box", [(10, 10, 10, 30), (30, 10, 10, 30)])
def test_an_empty_face_box_is_refused(box):
    with pytest.raises(ValueError, match="face box"):
        crop.face_of_box(*box)


def test_halving_is_the_mean_of_four_pixels():
    crop512 = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    found = crop.halved(crop512)
    assert found.shape == (1, 3, 1, 2)
    assert found[0, 0, 0, 0] == pytest.approx(np.rint(np.mean([0, 3, 12, 15])) / 255)
