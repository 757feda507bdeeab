# SPDX-License-Identifier: Apache-2.0
"""The renderer's networks give what the published implementations gave on the same weights."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.vasa1 import keypoints, stitching  # noqa: E402
from talkrt.export.vasa1.appearance import AppearanceConfig, AppearanceExtractor  # noqa: E402
from talkrt.export.vasa1.generator import Generator, GeneratorConfig  # noqa: E402
from talkrt.export.vasa1.motion_extractor import (  # noqa: E402
    MotionExtractor,
    MotionExtractorConfig,
)
from talkrt.export.vasa1.warping import Warping, WarpingConfig  # noqa: E402


def shapes(module):
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def inputs(record, *names):
    return [torch.from_numpy(record[f"in.{name}"]) for name in names]


@pytest.mark.parametrize(
    ("network", "module", "prefix"),
    [
        ("appearance_feature_extractor", AppearanceExtractor, ""),
        ("motion_extractor", MotionExtractor, ""),
        ("warping_module", Warping, ""),
        ("spade_generator", Generator, ""),
        ("stitching_retargeting.stitching", lambda: stitching.KeypointMlp(stitching.STITCHING), ""),
        ("stitching_retargeting.eye", lambda: stitching.KeypointMlp(stitching.EYES), ""),
        ("stitching_retargeting.lip", lambda: stitching.KeypointMlp(stitching.LIPS), ""),
    ],
)
def test_parameter_names_are_the_published_ones(golden, network, module, prefix):
    with torch.device("meta"):
        found = {key for key in shapes(module()) if not key.endswith("num_batches_tracked")}
    assert found == set(golden.load("weights_check")[f"{network}.keys"])


def test_the_weight_rule_gives_the_recorded_weights(golden):
    with torch.device("meta"):
        known = shapes(AppearanceExtractor())
    record = golden.load("weights_check")
    values = golden.weights(known)
    for key, row in zip(
        record["appearance_feature_extractor.keys"],
        record["appearance_feature_extractor.first_mean_l2"],
        strict=True,
    ):
        value = values[key].astype(np.float64).ravel()
        found = [value[0], value.mean(), np.sqrt((value**2).sum())]
        np.testing.assert_allclose(found, row, rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.parametrize(
    ("config", "module"),
    [
        (AppearanceConfig((8, 12, 20), 4, 6, 2), AppearanceExtractor),
        (MotionExtractorConfig((8, 12, 16), (1, 2, 1), 7, 10), MotionExtractor),
        (WarpingConfig(4, 6, 7, 2, (8, 10), (9, 5), 3, 12), Warping),
        (GeneratorConfig(12, 16, 2, (10, 6), 5, 3), Generator),
    ],
)
def test_configuration_is_read_from_the_shapes_of_the_weights(config, module):
    assert type(config).of(shapes(module(config))) == config


def test_appearance_volume(golden):
    record = golden.load("appearance_feature_extractor")
    net = golden.fill(AppearanceExtractor())
    found = net(torch.from_numpy(golden.image("F:image"))).numpy()
    golden.assert_close(record, "feature_3d", found, 2e-5)
    golden.assert_statistics(record, "feature_3d", found.reshape(32, -1), 2e-5)


def test_motion_of_a_portrait(golden):
    record = golden.load("motion_extractor")
    pictures = np.concatenate([golden.image("M:image0"), golden.image("M:image1")])
    found = golden.fill(MotionExtractor())(torch.from_numpy(pictures))
    for name in found._fields:
        golden.assert_close(record, name, getattr(found, name), 5e-5)
    for name in ("pitch", "yaw", "roll"):
        angle = keypoints.degrees(getattr(found, name))[:, 0]
        golden.assert_close(record, f"degrees_{name}", angle, 1e-4)


def test_warped_features(golden):
    record = golden.load("warping_module")
    kp_source, kp_driving = inputs(record, "kp_source", "kp_driving")
    feature = torch.from_numpy(golden.given("W:feature_3d", (1, 32, 16, 64, 64)))
    found = golden.fill(Warping())(feature, kp_driving, kp_source)
    golden.assert_close(record, "deformation", found.deformation, 1e-5)
    golden.assert_close(record, "occlusion_map", found.occlusion, 1e-5)
    golden.assert_close(record, "out", found.feature, 3e-4)
    golden.assert_statistics(record, "out", found.feature[0].flatten(1), 3e-4)
    golden.assert_statistics(record, "deformation", found.deformation[0].reshape(-1, 3).T, 1e-5)


def test_generated_picture(golden):
    record = golden.load("spade_generator")
    net = golden.fill(Generator())
    for key in (key for key in record if key.startswith("sigma.")):
        sigma = net.get_submodule(key.removeprefix("sigma.")).sigma()
        np.testing.assert_allclose(float(sigma), record[key], rtol=1e-5)
    found = net(torch.from_numpy(golden.given("G:feature", (1, 256, 64, 64)))).numpy()
    golden.assert_close(record, "image", found, 1e-5)
    parities = found[0].reshape(3, 256, 2, 256, 2).transpose(0, 2, 4, 1, 3).reshape(12, -1)
    golden.assert_statistics(record, "image", parities, 1e-5)


def test_stitching_and_retargeting(golden):
    record = golden.load("stitching_retargeting")
    nets = {
        name: golden.fill(stitching.KeypointMlp(widths), f"{name}.")
        for name, widths in (
            ("stitching", stitching.STITCHING),
            ("eye", stitching.EYES),
            ("lip", stitching.LIPS),
        )
    }
    x_s, x_d, eyes, lips, landmarks = inputs(
        record, "kp_source", "kp_driving", "eye_ratio", "lip_ratio", "landmarks_203"
    )
    found = {
        "stitched": stitching.stitch(nets["stitching"], x_s, x_d),
        "eye_delta": stitching.retarget(nets["eye"], x_s, eyes),
        "lip_delta": stitching.retarget(nets["lip"], x_s, lips),
        "eye_close_ratio": stitching.eye_ratios(landmarks),
        "lip_close_ratio": stitching.lip_ratio(landmarks),
    }
    for name, value in found.items():
        golden.assert_close(record, name, value, 1e-6)


def test_keypoint_mathematics(golden):
    record = golden.load("keypoint_transform")
    logits = inputs(record, "pitch", "yaw", "roll")
    angles = [keypoints.degrees(value) for value in logits]
    for name, value in zip(("pitch", "yaw", "roll"), angles, strict=True):
        golden.assert_close(record, f"degrees_{name}", value[:, 0], 1e-4)
    (peaks,) = inputs(record, "peak_logits")
    golden.assert_close(record, "peak_degrees", keypoints.degrees(peaks)[:, 0], 1e-4)
    kp, exp, t, scale = inputs(record, "kp", "exp", "t", "scale")
    R = keypoints.rotation(*angles)
    golden.assert_close(record, "rotation", R, 2e-6)
    golden.assert_close(record, "x", keypoints.transform(kp, R, exp, scale, t), 2e-6)
    (many,) = inputs(record, "angles_pitch_yaw_roll")
    golden.assert_close(record, "angles_rotation", keypoints.rotation(*many.split(1, 1)), 2e-6)
    (given,) = inputs(record, "degrees_pitch_yaw_roll")
    x = keypoints.transform(kp, keypoints.rotation(*given.split(1, 1)), exp, scale, t)
    golden.assert_close(record, "x_from_degrees", x, 2e-6)
