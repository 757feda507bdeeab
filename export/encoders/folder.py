# SPDX-License-Identifier: Apache-2.0
"""HuBERT and wav2vec2 as people have them: the folder that Hugging Face's hub gives, or the file of
weights alone. Every key is accounted for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..checkpoint import CheckpointError, read_checkpoint
from ..state_dict import load_state
from .hubert import HEAD_WIDTH, STRIDES, Hubert, HubertConfig

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
PREFIXES = ("hubert.", "wav2vec2.")
HEAD = "lm_head."
MASK = "masked_spec_embed"  # used in training alone; some converters drop it
# A weight norm's parts as older versions of PyTorch name them.
WEIGHT_NORM = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
}
MAX_TEXT = 1 << 20  # bytes of a JSON file
# What config.json may say, and what our network does.
FIXED = {"hidden_act": "gelu", "feat_extract_activation": "gelu", "layer_norm_eps": 1e-5}


@dataclass(frozen=True, slots=True)
class SpeechEncoder:
    path: Path  # of the weights
    net: Hubert
    letters: nn.Linear | None  # hidden vector to one number a letter, where the file has it
    normalizes: bool  # samples to mean 0 and variance 1


def read_encoder(path: Path) -> SpeechEncoder:
    """`path`: a folder, or a .safetensors, .bin or .pt file."""
    folder = path if path.is_dir() else path.parent
    weights = _weights_file(path)
    said = _json(folder / CONFIG)
    state = _flat(weights, read_checkpoint(weights))
    head = {k.removeprefix(HEAD): state.pop(k) for k in list(state) if k.startswith(HEAD)}
    config = _config(folder / CONFIG, said, state)
    net = Hubert(config)
    state.setdefault(MASK, np.zeros(config.width, np.float32))
    load_state(net, str(weights), state)
    letters = None
    if head:
        first = head.get("weight")
        count = len(first) if isinstance(first, np.ndarray) and first.ndim == 2 else 32
        letters = nn.Linear(config.width, count)
        load_state(letters, f"{weights}: {HEAD.rstrip('.')}", head)
    normalizes = _json(folder / PREPROCESSOR).get("do_normalize", config.conv_norm == "every")
    if not isinstance(normalizes, bool):
        raise CheckpointError(
            f"{folder / PREPROCESSOR}: do_normalize is {normalizes!r}, expected true or false"
        )
    return SpeechEncoder(weights, net, letters, normalizes)


def _weights_file(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such file or folder, expected an audio encoder")
    for name in WEIGHTS:
        if (path / name).is_file():
            return path / name
    raise CheckpointError(f"{path}: neither {' nor '.join(WEIGHTS)} is in this folder")


def _json(path: Path) -> dict[str, Any]:
    """Nothing where there is no such file."""
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_TEXT:
        raise CheckpointError(f"{path}: {path.stat().st_size} bytes, expected at most {MAX_TEXT}")
    try:
        found = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: a {type(found).__name__}, expected an object")
    return found


def _flat(path: Path, value: Any) -> dict[str, Any]:
    """Keys without the name of the whole, weight norms under their newer names."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise CheckpointError(f"{path}: a {type(value).__name__}, expected a state dict")
    state: dict[str, Any] = {}
    for key, array in value.items():
        name = key
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        before, _, leaf = name.rpartition(".")
        if before.endswith("pos_conv_embed.conv") and leaf in WEIGHT_NORM:
            name = f"{before}.{WEIGHT_NORM[leaf]}"
        if name in state:
            raise CheckpointError(f"{path}: {name} is there twice")
        state[name] = array
    return state


def _config(path: Path, said: Mapping[str, Any], state: Mapping[str, Any]) -> HubertConfig:
    """From the shapes; what they do not show and what config.json says of them must agree."""
    shapes = {k: tuple(v.shape) for k, v in state.items() if isinstance(v, np.ndarray)}
    try:
        config = HubertConfig.of(shapes)
    except (KeyError, IndexError, ValueError, ZeroDivisionError):
        # Too broken to tell: the published network, so that all that is wrong can be listed.
        every = said.get("feat_extract_norm") == "layer"
        config = replace(LARGE, conv_bias=every) if every else HubertConfig()
    if "do_stable_layer_norm" in said:
        config = replace(config, norm_before=said["do_stable_layer_norm"] is True)
    expected = FIXED | {
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "intermediate_size": config.feed_forward,
        "num_attention_heads": config.width // config.head_width,
        "conv_stride": list(STRIDES),
        "conv_kernel": list(config.kernels),
        "feat_extract_norm": "layer" if config.conv_norm == "every" else "group",
        "add_adapter": False,
    }
    for name, wanted in expected.items():
        if said.get(name, wanted) != wanted:
            raise CheckpointError(f"{path}: {name} is {said[name]!r}, expected {wanted!r}")
    return config


LARGE = HubertConfig(
    width=16 * HEAD_WIDTH,
    layers=24,
    feed_forward=4096,
    conv_norm="every",
    conv_bias=True,
    norm_before=True,
)
