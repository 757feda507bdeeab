# SPDX-License-Identifier: Apache-2.0
"""HuBERT and wav2vec2, read from folders as Hugging Face's hub gives them, narrow and seeded."""

from __future__ import annotations

import importlib.util
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

torch = pytest.importorskip("torch", reason="the export extra is not installed")
from talkrt.export.encoders import hubert  # noqa: E402
from talkrt.export.encoders.build import build_encoder  # noqa: E402
from talkrt.export.encoders.folder import read_encoder  # noqa: E402
from talkrt.export.encoders.speech_window import LEAST_VARIANCE, LETTERS, speech_window  # noqa: E402
from talkrt.export.encoders.window import EncoderWindow, encoded_rows, rows_of  # noqa: E402

REFERENCE = Path(__file__).parents[2] / "reference/hubert.py"
spec = importlib.util.spec_from_file_location("hubert_reference", REFERENCE)
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

SIZE = {"conv_width": 16, "width": 128, "layers": 2, "feed_forward": 96}
BASE = hubert.HubertConfig(**SIZE, position_kernel=16, position_groups=4)
LARGE = hubert.HubertConfig(
    **SIZE, position_kernel=16, position_groups=4, conv_norm="every", conv_bias=True,
    norm_before=True,
)  # fmt: skip
SPEECH = np.random.default_rng(2).normal(0.01, 0.1, 30_000).astype(np.float32)


def published(config, prefix="hubert.", letters=44):
    """A state dict under the names of the hub's older files."""
    state = {}
    for name, value in hubert.Hubert(config).state_dict().items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        scale = 0.2 if value.ndim < 2 else (2 / value[0].numel()) ** 0.5
        middle = 1.0 if name.endswith("norm.weight") else 0.0
        array = (middle + scale * rng.standard_normal(tuple(value.shape))).astype(np.float32)
        for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
            name = name.replace(f"parametrizations.weight.{new}", old)
        state[prefix + name] = array
    if letters:
        rng = np.random.default_rng(letters)
        state["lm_head.weight"] = rng.normal(0, 0.1, (letters, config.width)).astype(np.float32)
        state["lm_head.bias"] = rng.normal(0, 0.1, letters).astype(np.float32)
    return state


def folder_of(path, state, **said):
    path.mkdir()
    save_file(state, path / "model.safetensors")
    (path / "config.json").write_text(json.dumps(said))
    return path


def bare(state, prefix="hubert."):
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


@pytest.mark.parametrize("config", [BASE, LARGE], ids=["base", "large"])
def test_hidden_vectors_are_those_of_the_reference(config, tmp_path):
    state = published(config)
    encoder = read_encoder(folder_of(tmp_path / "x", state, hidden_size=128, hidden_act="gelu"))
    assert encoder.net.config == config
    expected = reference.hidden_vectors(
        SPEECH[:8000], bare(state), every_norm=config.conv_norm == "every",
        norm_before=config.norm_before, groups=4,
    )  # fmt: skip
    found = encoder.net(torch.from_numpy(SPEECH[None, :8000]))[0].detach().numpy()
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_the_graph_of_a_window_is_the_network_with_its_samples_made_even(tmp_path):
    state = published(LARGE, "wav2vec2.")
    source = folder_of(tmp_path / "x", state)
    module, window = speech_window(read_encoder(source), 44, 16)
    assert window == LETTERS
    rows = encoded_rows(SPEECH, LETTERS, 16, lambda x: module(torch.from_numpy(x)).numpy())
    # As its program did: ten chunks of silence, then 28 at a time, of which vectors 10 to 17 count.
    padded = np.concatenate([np.zeros(3200), SPEECH, np.zeros(9000)])
    letters = []
    for at in range(0, len(SPEECH), 2560):
        x = padded[at : at + 8960]
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-7)
        hidden = reference.hidden_vectors(
            x, bare(state, "wav2vec2."), every_norm=True, norm_before=True, groups=4
        )
        letters.append(hidden[10:18] @ state["lm_head.weight"].T + state["lm_head.bias"])
    letters = np.concatenate(letters)[: -(-len(SPEECH) // 320)]
    pixels = torch.from_numpy(letters.T[None, :, :, None])
    unfolded = torch.nn.functional.unfold(pixels, (16, 1), padding=(8, 0), stride=(2, 1))
    expected = unfolded.reshape(44, 16, -1).permute(2, 1, 0).numpy()
    assert len(rows) == 47
    np.testing.assert_allclose(rows, expected[:47], atol=1e-4)


def test_silence_is_not_made_as_loud_as_speech(tmp_path):
    encoder = read_encoder(folder_of(tmp_path / "x", published(LARGE)))
    module, window = speech_window(encoder, 128, 2)
    quiet = torch.from_numpy(1e-3 * np.random.default_rng(1).standard_normal((1, window.samples)))
    heard = []
    module.front.register_forward_pre_hook(lambda _, given: heard.append(given[0].std().item()))
    module(quiet.float())
    assert heard[0] == pytest.approx(1e-3 / LEAST_VARIANCE**0.5, rel=0.05)


def test_rows_of_two_vectors_lie_side_by_side():
    vectors = np.arange(10, dtype=np.float32).reshape(5, 2)
    rows = rows_of(vectors, lead=0, row_width=2, rows=3)
    assert rows.reshape(3, 4).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 0]]
    assert EncoderWindow(3200, 640, 80, 0).look_ahead(2) == 720


def test_every_key_that_is_wrong_is_listed(tmp_path):
    state = published(LARGE)
    del state["hubert.encoder.layers.1.attention.q_proj.bias"]
    state["hubert.encoder.adapter"] = np.zeros(3, np.float32)
    state["hubert.feature_projection.projection.bias"] = np.zeros(3, np.float32)
    path = folder_of(tmp_path / "x", state)
    with pytest.raises(ValueError) as refused:
        read_encoder(path)
    assert str(refused.value).splitlines() == [
        f"{path}/model.safetensors: 3 problems",
        "  feature_projection.projection.bias: [3], expected [128]",
        "  encoder.layers.1.attention.q_proj.bias: missing, expected [128]",
        "  encoder.adapter: not expected, is [3]",
    ]


def test_what_config_json_says_against_the_weights_is_refused(tmp_path):
    path = folder_of(tmp_path / "x", published(BASE), feat_extract_norm="layer")
    with pytest.raises(ValueError, match=r"feat_extract_norm is 'layer', expected 'group'"):
        read_encoder(path)


def test_an_encoder_of_another_width_than_the_avatar_heard_is_refused(tmp_path):
    path = folder_of(tmp_path / "x", published(BASE, letters=32))
    said = "128 channels and 32 letters; the avatar was trained with features of 1024"
    with pytest.raises(ValueError, match=said):
        build_encoder(path, channels=1024, row_width=2)
