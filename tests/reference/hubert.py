# SPDX-License-Identifier: Apache-2.0
"""HuBERT and wav2vec2 in float64 NumPy, from the arrays of a published state dict."""

from __future__ import annotations

import numpy as np

STRIDES = (5, 2, 2, 2, 2, 2, 2)
HEAD = 64


def hidden_vectors(samples, state, *, every_norm, norm_before, groups):
    """[samples] to [frames, width]."""
    w = {name: np.asarray(value, np.float64) for name, value in state.items()}
    x = np.asarray(samples, np.float64)[None]
    for i, stride in enumerate(STRIDES):
        at = f"feature_extractor.conv_layers.{i}"
        x = convolved(x, w[f"{at}.conv.weight"], stride, w.get(f"{at}.conv.bias"))
        if every_norm:
            x = normed(x.T, w, f"{at}.layer_norm").T
        elif i == 0:
            mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
            scale, shift = (w[f"{at}.layer_norm.{name}"][:, None] for name in ("weight", "bias"))
            x = (x - mean) / np.sqrt(variance + 1e-5) * scale + shift
        x = gelu(x)
    x = normed(x.T, w, "feature_projection.layer_norm")
    x = linear(x, w, "feature_projection.projection")
    x = x + positions(x, w, groups)
    if not norm_before:
        x = normed(x, w, "encoder.layer_norm")
    layer = 0
    while f"encoder.layers.{layer}.layer_norm.weight" in w:
        at = f"encoder.layers.{layer}"
        if norm_before:
            x = x + attended(normed(x, w, f"{at}.layer_norm"), w, f"{at}.attention")
            x = x + fed_forward(normed(x, w, f"{at}.final_layer_norm"), w, at)
        else:
            x = normed(x + attended(x, w, f"{at}.attention"), w, f"{at}.layer_norm")
            x = normed(x + fed_forward(x, w, at), w, f"{at}.final_layer_norm")
        layer += 1
    return normed(x, w, "encoder.layer_norm") if norm_before else x


def convolved(x, weight, stride, bias, groups=1):
    taps = weight.shape[2]
    count = (x.shape[1] - taps) // stride + 1
    out = np.empty((len(weight), count))
    inputs, outputs = len(x) // groups, len(weight) // groups
    for group in range(groups):
        mine, rows = x[group * inputs :][:inputs], slice(group * outputs, (group + 1) * outputs)
        windows = np.stack([mine[:, i * stride : i * stride + taps] for i in range(count)])
        out[rows] = np.einsum("oik,nik->on", weight[rows], windows)
    return out if bias is None else out + bias[:, None]


def positions(x, w, groups):
    at = "encoder.pos_conv_embed.conv"
    direction, length = w[f"{at}.weight_v"], w[f"{at}.weight_g"]
    weight = direction * length / np.sqrt((direction**2).sum(axis=(0, 1), keepdims=True))
    half = weight.shape[2] // 2
    padded = np.pad(x.T, ((0, 0), (half, half)))
    return gelu(convolved(padded, weight, 1, w[f"{at}.bias"], groups)[:, : len(x)]).T


def attended(x, w, at):
    heads = [linear(x, w, f"{at}.{name}_proj").reshape(len(x), -1, HEAD) for name in "qkv"]
    q, k, v = (head.swapaxes(0, 1) for head in heads)
    scores = q @ k.swapaxes(1, 2) / np.sqrt(HEAD)
    scores = np.exp(scores - scores.max(axis=2, keepdims=True))
    mixed = scores / scores.sum(axis=2, keepdims=True) @ v
    return linear(mixed.swapaxes(0, 1).reshape(len(x), -1), w, f"{at}.out_proj")


def fed_forward(x, w, at):
    inner = gelu(linear(x, w, f"{at}.feed_forward.intermediate_dense"))
    return linear(inner, w, f"{at}.feed_forward.output_dense")


def linear(x, w, at):
    return x @ w[f"{at}.weight"].T + w[f"{at}.bias"]


def normed(x, w, at):
    mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * w[f"{at}.weight"] + w[f"{at}.bias"]


def gelu(x):
    from scipy.special import erf

    return x * (1 + erf(x / np.sqrt(2))) / 2
