# SPDX-License-Identifier: Apache-2.0
"""Each rewrite equals the published form of the same weights."""

import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")
from talkrt.export.multiply_adds import multiply_adds  # noqa: E402
from talkrt.export.vasa1 import sampling, subpixel  # noqa: E402
from talkrt.export.vasa1.denoising_split import AudioRows, DenoisingStep, SpeechWindow  # noqa: E402
from talkrt.export.vasa1.depth_conv import SlicedConv3d, WideSum  # noqa: E402
from talkrt.export.vasa1.folding import with_norm, without_spectral_norm  # noqa: E402
from talkrt.export.vasa1.generator_split import FastGenerator  # noqa: E402
from talkrt.export.vasa1.warping import identity_grid  # noqa: E402
from talkrt.export.vasa1.warping_split import FrameWarp, PortraitWarp  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def close(found, expected, allow=1e-5):
    torch.testing.assert_close(found, expected, rtol=0, atol=allow)


def test_reading_a_moved_grid_is_three_products():
    volume, delta = noise(3, 4, 6, 5), 0.7 * noise(5, 3, seed=1)
    grid = identity_grid(volume.unsqueeze(0)) + delta[:, None, None, None]
    expected = functional.grid_sample(volume.expand(5, -1, -1, -1, -1), grid, align_corners=False)
    close(sampling.shifted(volume, delta), expected)


@pytest.mark.parametrize("spread", [0.5, 1.0, 3.0])
def test_gathered_rows_are_trilinear_reads_inside_at_the_border_and_outside(spread):
    volume, grid = noise(3, 4, 6, 5), spread * noise(4, 6, 5, 3, seed=1)
    grid[0, 0, 0] = torch.tensor([-1.0, 1.0, 0.0])
    grid[0, 0, 1] = torch.tensor([1.0, -1.0, 1.0])
    grid[0, 0, 2] = torch.tensor([0.8, -0.8, 0.0])  # the centre of the outer cell
    grid[0, 0, 3] = torch.tensor([1e6, -1e6, 1e6])
    expected = functional.grid_sample(volume[None], grid[None], align_corners=False)[0]
    close(sampling.read(sampling.rows(volume), grid), expected)


@pytest.mark.parametrize(("form", "repeat"), [("DoubledConv", 2), ("QuadrupledConv2d", 4)])
def test_sub_pixel_form_of_a_convolution_after_repeating(form, repeat):
    x, weight, bias = noise(1, 3, 5, 4), noise(6, 3, 3, 3, seed=1), noise(6, seed=2)
    repeated = functional.interpolate(x, scale_factor=float(repeat), mode="nearest")
    found = getattr(subpixel, form)(weight, bias)
    close(found(x), functional.conv2d(repeated, weight, bias, padding=1))
    before = 9 * 3 * 6 * (5 * repeat) * (4 * repeat)
    assert multiply_adds(found, [x.shape]) < before * (0.75 if repeat == 2 else 0.35)


def test_sub_pixel_form_with_depth():
    x, weight, bias = noise(1, 3, 4, 5, 4), noise(6, 3, 3, 3, 3, seed=1), noise(6, seed=2)
    repeated = functional.interpolate(x, scale_factor=(1.0, 2.0, 2.0), mode="nearest")
    expected = functional.conv3d(repeated, weight, bias, padding=1)
    close(subpixel.DoubledConv(weight, bias)(x), expected)


@pytest.mark.parametrize("size", [3, 7])
def test_slice_by_slice_form_of_a_3d_convolution(size):
    x = noise(5, 3, 6, 7)
    weight, bias = noise(4, 3, size, size, size, seed=1), noise(4, seed=2)
    expected = functional.conv3d(x.transpose(0, 1)[None], weight, bias, padding=size // 2)
    close(SlicedConv3d(weight, bias)(x), expected[0].transpose(0, 1), 5e-5)


def test_a_wide_convolution_to_one_channel_as_a_sum_of_shifted_maps():
    x, weight, bias = noise(1, 6, 9, 8), noise(1, 6, 7, 7, seed=1), noise(1, seed=2)
    close(WideSum(weight, bias)(x), functional.conv2d(x, weight, bias, padding=3), 5e-5)


def test_folded_norm(tiny):
    block = tiny.warping().third
    x = noise(1, 32, 6, 6)
    expected = block.norm(block.conv(x))
    close(functional.conv2d(x, *with_norm(block.conv, block.norm), padding=1), expected)


def test_folded_spectral_norm(tiny):
    conv = tiny.generator().up_0.conv_0
    x = noise(1, 16, 6, 6)
    close(without_spectral_norm(conv)(x), conv(x), 2e-6)


@pytest.mark.parametrize("motion", [0.05, 0.6])
def test_warp_in_two_graphs(tiny, motion):
    original = tiny.warping()
    feature, kp_s = noise(1, 8, 4, 16, 16), 0.3 * noise(1, tiny.KEYPOINTS, 3, seed=1)
    kp_d = kp_s + motion * noise(1, tiny.KEYPOINTS, 3, seed=2)
    expected = original(feature, kp_d, kp_s)
    frame = FrameWarp(original, 16)
    static = PortraitWarp(original)(feature, kp_s)
    close(frame(*static, kp_s, kp_d), expected.feature, 5e-5)
    assert expected.feature.std() > 0.1 and expected.deformation.std() > 0.1


def test_warp_at_full_width_equals_the_published_one(golden):
    from talkrt.export.vasa1.warping import Warping

    record = golden.load("warping_module_large")
    kp_s, kp_d = (torch.from_numpy(record[f"in.kp_{name}"]) for name in ("source", "driving"))
    feature = torch.from_numpy(golden.given("W:feature_3d", (1, 32, 16, 64, 64)))
    original = golden.fill(Warping())
    found = FrameWarp(original, 64)(*PortraitWarp(original)(feature, kp_s), kp_s, kp_d)
    golden.assert_close(record, "out", found, 3e-4)
    golden.assert_statistics(record, "out", found[0].flatten(1), 3e-4)


def test_generator_in_its_fast_form(tiny):
    original = tiny.generator()
    feature = noise(1, 24, 16, 16)
    expected = original(feature)
    fast = FastGenerator(original)
    close(fast(feature), expected, 5e-6)
    assert expected.std() > 0.05
    before, after = (multiply_adds(net, [feature.shape]) for net in (original, fast))
    assert after < 0.9 * before


@pytest.mark.parametrize("positions", ["constant", "per_token"])
def test_denoising_with_hearing_hoisted(tiny, positions):
    net = tiny.motion_generator(positions)
    motion, audio = noise(1, 20, 73), noise(1, 20, 32, seed=1)
    prev = noise(1, 4, 73, seed=2), noise(1, 4, 32, seed=3)
    rows = AudioRows(net)(audio, prev[1])
    step = DenoisingStep(net)
    for t, guidance in ((1, 1.0), (4, 2.8), (10, 0.0)):
        expected = net.guided(motion, audio, prev, t, guidance)
        found = step(motion, prev[0], rows, torch.tensor([float(t)]), torch.tensor([guidance]))
        close(found, expected)


def test_a_window_of_speech_to_rows(tiny):
    net = tiny.motion_generator()
    samples, prev_audio = 0.1 * noise(1, 20 * 640 + 80), noise(1, 4, 32, seed=1)
    audio = net.audio_features(samples)
    assert audio.shape == (1, 20, 32)
    rows, following = SpeechWindow(net)(samples, prev_audio)
    close(rows, AudioRows(net)(audio, prev_audio))
    close(following, audio[:, -4:])


def test_batch_norm_without_statistics_cannot_be_folded():
    with pytest.raises(ValueError, match="without running statistics"):
        with_norm(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1, track_running_stats=False))
