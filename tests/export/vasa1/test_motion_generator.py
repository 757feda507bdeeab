# SPDX-License-Identifier: Apache-2.0
"""The motion generator and the hearing behind it."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")
from talkrt.export.encoders import hubert  # noqa: E402
from talkrt.export.vasa1 import motion_generator  # noqa: E402
from talkrt.export.vasa1.motion_generator import MotionConfig, MotionGenerator  # noqa: E402
from torch import nn  # noqa: E402

TINY = hubert.HubertConfig(
    conv_width=16, width=128, layers=2, feed_forward=48, position_kernel=16, position_groups=4
)


@pytest.mark.parametrize("positions", ["constant", "per_token"])
def test_denoised_motion_under_either_position_encoding(golden, positions):
    record = golden.load(f"joyvasa_denoiser_{positions}")
    net = golden.fill(MotionGenerator(MotionConfig(positions=positions, hubert=None)))
    given = [
        torch.from_numpy(golden.given(f"JV:{name}", shape))
        for name, shape in (
            ("motion", (2, 100, 73)),
            ("audio", (2, 100, 256)),
            ("prev_motion", (2, 10, 73)),
            ("prev_audio", (2, 10, 256)),
        )
    ]
    found = net.denoising_net(*given, torch.from_numpy(record["in.step"]))
    golden.assert_close(record, "target", found, 2e-5)


def test_parameter_names_are_the_published_ones(golden):
    with torch.device("meta"):
        net = MotionGenerator()
    names = {key for key in net.state_dict() if not key.startswith(motion_generator.HUBERT)}
    recorded = golden.load("weights_check")["joyvasa_motion_generator.keys"]
    assert names == set(recorded)


def test_configuration_is_read_from_the_shapes_of_the_weights():
    config = MotionConfig(7, 12, 3, 32, 2, 40, 24, 9, "per_token", TINY)
    net = MotionGenerator(config)
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    assert MotionConfig.of(shapes, 12, 9, "per_token") == config


def test_position_and_step_tables(golden):
    record = golden.load("joyvasa_schedule")
    golden.assert_close(record, "pe_rows_0_128_3", motion_generator.sinusoids(128, 256)[::3], 1e-5)
    golden.assert_close(record, "te_rows_0_51_5", motion_generator.sinusoids(51, 256)[::5], 1e-5)
    np.testing.assert_array_equal(record["out.alignment_mask"], 1 - np.eye(110))


def test_hidden_vectors_are_aligned_to_frames(golden):
    record = golden.load("joyvasa_audio_alignment")
    hidden = torch.from_numpy(golden.given("H:hidden", (1, 200, 768)))
    golden.assert_close(record, "hidden_25fps", motion_generator.to_frames(hidden, 100), 2e-6)
    features = nn.Linear(768, 256)
    golden.fill(features, "audio_feature_map.")
    net = MotionGenerator(MotionConfig(hubert=replace(hubert.HubertConfig(), layers=0)))
    net.audio_feature_map = features
    golden.assert_close(record, "audio_feature", net.features_of(hidden), 2e-5)
    for outputs in (100, 120):
        given = torch.from_numpy(record["in.feat6x200"]).transpose(1, 2)
        fps = {100: 25, 120: 30}[outputs]
        found = motion_generator.to_frames(given, outputs).transpose(1, 2)
        golden.assert_close(record, f"interp.200_to_{outputs}_fps{fps}", found, 2e-6)


def test_two_hidden_vectors_a_frame_are_averaged():
    hidden = torch.randn(1, 40, 6, generator=torch.Generator().manual_seed(1))
    pairs = hidden.unflatten(1, (20, 2)).mean(dim=2)
    torch.testing.assert_close(motion_generator.to_frames(hidden, 20), pairs, rtol=0, atol=1e-6)


def test_hidden_vectors_per_window(golden):
    record = golden.load("joyvasa_audio_alignment")
    config = hubert.HubertConfig()
    found = [config.frames(int(n)) for n in record["in.conv_lengths_samples"]]
    assert found == record["out.conv_lengths_frames"].tolist()


@pytest.fixture(scope="module")
def heard():
    torch.manual_seed(3)
    net = hubert.Hubert(TINY).eval()
    for name, value in net.named_parameters():
        if name.endswith("bias") or "norm" in name or "original" in name:
            nn.init.normal_(value, 1.0 if "weight" in name and "norm" in name else 0.0, 0.5)
    return net


def test_a_transformer_layer_is_pytorchs_with_the_norm_behind(heard):
    ours = heard.encoder.layers[0]
    theirs = nn.TransformerEncoderLayer(
        TINY.width, TINY.width // 64, TINY.feed_forward, activation="gelu", batch_first=True
    ).eval()
    attention = ours.attention
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    parts = {
        "self_attn.in_proj_weight": torch.cat([p.weight for p in projections]),
        "self_attn.in_proj_bias": torch.cat([p.bias for p in projections]),
    }
    for name, module in (
        ("self_attn.out_proj", attention.out_proj),
        ("linear1", ours.feed_forward.intermediate_dense),
        ("linear2", ours.feed_forward.output_dense),
        ("norm1", ours.layer_norm),
        ("norm2", ours.final_layer_norm),
    ):
        parts |= {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
    theirs.load_state_dict(parts)
    x = torch.randn(2, 30, TINY.width, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_the_position_convolution_is_pytorchs_weight_norm_over_taps(heard):
    conv = nn.Conv1d(TINY.width, TINY.width, 16, padding=8, groups=4)
    normed = nn.utils.parametrizations.weight_norm(conv, dim=2)
    normed.load_state_dict(heard.encoder.pos_conv_embed.conv.state_dict())
    x = torch.randn(1, 30, TINY.width, generator=torch.Generator().manual_seed(1))
    expected = nn.functional.gelu(normed(x.transpose(1, 2))[:, :, :-1]).transpose(1, 2)
    torch.testing.assert_close(heard.encoder.pos_conv_embed(x), expected)


def test_the_front_end_is_the_published_stack_of_convolutions(heard):
    """Against NumPy, in float64, one output at a time."""
    from scipy.special import erf

    samples = np.random.default_rng(1).normal(size=800)
    x = samples[None]
    for index, layer in enumerate(heard.feature_extractor.conv_layers):
        weight = layer.conv.weight.numpy().astype(np.float64)
        stride, taps = hubert.STRIDES[index], weight.shape[2]
        count = (x.shape[1] - taps) // stride + 1
        windows = np.stack([x[:, i * stride : i * stride + taps] for i in range(count)])
        x = np.einsum("oik,nik->on", weight, windows)
        if index == 0:
            mean, deviation = x.mean(1, keepdims=True), np.sqrt(x.var(1, keepdims=True) + 1e-5)
            scale, shift = (p.numpy()[:, None] for p in layer.layer_norm.parameters())
            x = (x - mean) / deviation * scale + shift
        x = x * (1 + erf(x / np.sqrt(2))) / 2
    found = heard.feature_extractor(torch.from_numpy(samples[None].astype(np.float32)))
    assert found.shape == (1, heard.config.frames(800), 16)
    np.testing.assert_allclose(found[0].numpy(), x.T, atol=2e-5)
