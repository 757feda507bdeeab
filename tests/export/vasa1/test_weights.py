# SPDX-License-Identifier: Apache-2.0
"""Weights as people have them on disk: found, read whole, or refused with what is wrong."""

import os
import pickle
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")
from safetensors.torch import save_file  # noqa: E402
from talkrt.export.checkpoint import CheckpointError  # noqa: E402
from talkrt.export.vasa1.weights import read_weights  # noqa: E402


@pytest.fixture(scope="module")
def made(tiny):
    return tiny.renderer(), tiny.motion_generator()


@pytest.fixture(scope="module")
def published(made, layout, tmp_path_factory):
    """The published layout, in .pth."""
    folder = tmp_path_factory.mktemp("weights")
    layout.write(folder, *made)
    return folder


@pytest.fixture
def folder(published, tmp_path):
    return shutil.copytree(published, tmp_path / "weights")


def same(found, made):
    renderer, motion = made
    for field in renderer.__slots__:
        mine, theirs = getattr(renderer, field), getattr(found.renderer, field)
        for key, value in mine.state_dict().items():
            torch.testing.assert_close(theirs.state_dict()[key], value, rtol=0, atol=0, msg=key)
    for key, value in motion.state_dict().items():
        stored = found.motion_generator.state_dict()[key]
        torch.testing.assert_close(stored, value, rtol=0, atol=0, msg=key)
    assert found.motion_generator.config == motion.config


def test_the_published_folder(published, made, layout):
    found = read_weights(published)
    same(found, made)
    given = layout.template()
    np.testing.assert_array_equal(found.template.mean_exp, given["mean_exp"])
    assert found.template.min_pose[0] == given["min_scale"]
    np.testing.assert_array_equal(found.template.max_pose[1:4], given["max_t"])


def test_safetensors_in_one_folder_without_arguments_or_counters(tmp_path, made, layout):
    renderer, motion = made
    for field, stem in layout.BASE.items():
        state = getattr(renderer, field).state_dict()
        kept = {k: v.contiguous() for k, v in state.items() if not k.endswith("batches_tracked")}
        save_file(kept, tmp_path / f"{stem}.safetensors")
    flat = {
        f"{entry}.{key}": value
        for field, entry in layout.ENTRIES.items()
        for key, value in getattr(renderer, field).state_dict().items()
    }
    save_file(flat, tmp_path / "stitching_retargeting_module.safetensors")
    save_file(layout.motion_state(motion), tmp_path / "motion_generator_hubert_chinese.safetensors")
    statistics = {key: torch.tensor(value) for key, value in layout.template().items()}
    save_file(statistics, tmp_path / "motion_template.safetensors")
    same(read_weights(tmp_path), made)


def test_weight_norm_under_its_older_names(folder, made):
    path = next((folder / "JoyVASA" / "motion_generator").iterdir())
    checkpoint = torch.load(path, weights_only=False)
    conv = "audio_encoder.encoder.pos_conv_embed.conv."
    model = checkpoint["model"]
    model[conv + "weight_g"] = model.pop(conv + "parametrizations.weight.original0")
    model[conv + "weight_v"] = model.pop(conv + "parametrizations.weight.original1")
    torch.save(checkpoint, path)
    same(read_weights(folder), made)


def test_weights_for_animals_beside_are_left_alone(folder, made):
    shutil.copytree(folder / "liveportrait", folder / "liveportrait_animals")
    same(read_weights(folder), made)


def refused(folder, *texts):
    with pytest.raises(CheckpointError) as error:
        read_weights(folder)
    for text in texts:
        assert text in str(error.value), str(error.value)


def test_every_missing_file_is_named(folder):
    shutil.rmtree(folder / "JoyVASA" / "motion_template")
    (folder / "liveportrait" / "base_models" / "warping_module.pth").unlink()
    refused(folder, "missing warping_module.pth, motion_template/motion_template.pkl")


def test_a_folder_that_is_none_is_refused(tmp_path):
    refused(tmp_path / "nowhere", "no such folder")


def test_two_files_of_one_name_are_refused_with_both_named(folder):
    shutil.copytree(folder / "liveportrait", folder / "copy")
    name = "base_models/appearance_feature_extractor.pth"
    refused(folder, "2 times", f"copy/{name}", f"liveportrait/{name}")


def test_every_key_missing_unexpected_or_of_another_shape_is_listed(folder):
    path = folder / "liveportrait" / "base_models" / "warping_module.pth"
    state = torch.load(path)
    del state["third.conv.bias"]
    state["extra.weight"] = torch.zeros(3)
    state["fourth.bias"] = torch.zeros(5)
    torch.save(state, path)
    refused(
        folder,
        "warping_module.pth",
        "third.conv.bias: missing, expected [24]",
        "extra.weight: not expected, is [3]",
        "fourth.bias: [5], expected [24]",
    )


def test_another_network_under_the_name_is_refused_with_its_keys_listed(folder):
    base = folder / "liveportrait" / "base_models"
    shutil.copy(base / "motion_extractor.pth", base / "spade_generator.pth")
    missing = "fc.weight: missing", "up_1.norm_s.mlp_beta.bias: missing"
    refused(folder, "spade_generator.pth", *missing, "detector.fc_exp.bias: not expected, is [63]")


def test_a_half_downloaded_file_is_refused(folder):
    path = folder / "liveportrait" / "base_models" / "spade_generator.pth"
    path.write_bytes(path.read_bytes()[:5000])
    refused(folder, "spade_generator.pth")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("n_motions", 21, "alignment"),
        ("n_prev_motions", 5, "args.n_prev_motions is 5, but the weights are made for 4"),
        ("n_diff_steps", 9, "diffusion_sched.betas is (11,), expected (10,)"),
        ("n_diff_steps", "50", "args.n_diff_steps is 50, expected 1 to 10000"),
        ("fps", 30, "args.fps is 30, expected 25"),
    ],
)
def test_arguments_that_contradict_the_weights_are_refused(folder, made, name, value, text, layout):
    path = next((folder / "JoyVASA" / "motion_generator").iterdir())
    motion = made[1]
    changed = layout.arguments(motion, **{name: value})
    torch.save({"args": changed, "model": layout.motion_state(motion)}, path)
    refused(folder, "iter_0020000.pt", text)


@pytest.mark.parametrize("key", ["null_audio_feat", "start_motion_feat", "audio_encoder.encoder"])
def test_a_motion_generator_without_a_shape_to_go_by_is_refused(folder, made, key, layout):
    path = next((folder / "JoyVASA" / "motion_generator").iterdir())
    state = {k: v for k, v in layout.motion_state(made[1]).items() if not k.startswith(key)}
    if key == "null_audio_feat":
        state[key] = torch.zeros(1, 1, 33)
    torch.save({"args": layout.arguments(made[1]), "model": state}, path)
    refused(folder, "iter_0020000.pt: model", "problems")


def test_another_noise_schedule_is_refused(folder, made, layout):
    path = next((folder / "JoyVASA" / "motion_generator").iterdir())
    state = layout.motion_state(made[1])
    state["diffusion_sched.betas"] = torch.linspace(0, 0.02, 11)
    torch.save({"args": layout.arguments(made[1]), "model": state}, path)
    refused(folder, "expected the cosine schedule")


class Ran:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_a_template_that_would_run_code_is_refused_and_runs_nothing(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = folder / "JoyVASA" / "motion_template" / "motion_template.pkl"
    path.write_bytes(pickle.dumps({"mean_exp": Ran()}))
    refused(folder, "motion_template.pkl", "mkdir")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("min_yaw", None, "min_yaw is missing"),
        ("std_exp", np.zeros(5), "std_exp is float64 (5,), expected 63 numbers"),
        ("max_t", np.array([0, np.nan, 1]), "max_t has NaN or infinity"),
        ("mean_exp", np.zeros(4), "mean_exp has 4 numbers, expected 3 a keypoint"),
    ],
)
def test_a_template_that_lacks_something_is_refused(folder, name, value, text, layout):
    path = folder / "JoyVASA" / "motion_template" / "motion_template.pkl"
    changed = layout.template() | {name: value}
    if value is None:
        del changed[name]
    path.write_bytes(pickle.dumps(changed))
    refused(folder, "motion_template.pkl", text)
