# SPDX-License-Identifier: Apache-2.0
"""The speech_to_motion network in float64 NumPy, from its weights file alone, one step at a time.

It shares no code with the PyTorch module, so that a mistake in one shows against the other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DILATIONS = (1, 1, 2, 4, 8, 16, 32)  # of the stem, then of the blocks


def run(weights: Mapping[str, NDArray[np.float32]], mel: Array) -> Array:
    """Log-mel [frames, 80] -> [steps, 16]: 14 coefficients, closure, energy.

    The head's last output is the probability of a long pause: from 0.06 to 0.15 of it the
    coefficients go to rest.
    """
    w = {name: np.asarray(value, np.float64) for name, value in weights.items()}
    steps = len(mel) // 2
    features = _features(w, mel[: 2 * steps].reshape(steps, 2, -1))
    hidden = _convolve(features, w["stem.linear.weight"], w["stem.linear.bias"], DILATIONS[0])
    for index, dilation in enumerate(DILATIONS[1:]):
        name = f"blocks.{index}"
        normed = _normed(hidden, w[f"{name}.norm.weight"], w[f"{name}.norm.bias"])
        mixed = _convolve(
            normed, w[f"{name}.mix.linear.weight"], w[f"{name}.mix.linear.bias"], dilation
        )
        active = mixed * _sigmoid(mixed)
        hidden = hidden + active @ w[f"{name}.out.weight"].T + w[f"{name}.out.bias"]
    last = _normed(hidden, w["norm.weight"], w["norm.bias"])
    out = _sigmoid(last @ w["head.weight"].T + w["head.bias"])
    resting = np.clip((out[:, 16:] - 0.06) / 0.09, 0, 1)
    coefficients = (1 - resting) * out[:, :14] + resting * w["rest"]
    return np.concatenate([coefficients, out[:, 14:16]], axis=1)


def _features(w: Mapping[str, Array], mel: Array) -> Array:
    """Minus the mean of recent speech, with the level under the recent peak: [steps, 161]."""
    mean, peak = w["initial_mean"].copy(), float(w["initial_peak"][0])
    rows = []
    for step in mel:
        average = step.mean(axis=0)
        level = average.mean()
        peak = max(level, peak - 0.0046)
        mean += (average - mean) * _sigmoid((level - peak + 5.0) / 0.7) / 150
        centred = np.clip((step - mean) * 0.4, -4, 4)
        rows.append(np.append(centred.ravel(), (level - peak) * 0.4))
    return np.array(rows)


def _convolve(x: Array, weight: Array, bias: Array, dilation: int) -> Array:
    """y[n] = W0 x[n - 2 d] + W1 x[n - d] + W2 x[n] + b, zero before the beginning."""
    width = x.shape[1]
    out = np.tile(bias, (len(x), 1))
    for tap in range(3):
        shift = (2 - tap) * dilation
        part = weight[:, tap * width : (tap + 1) * width]
        if shift < len(x):
            out[shift:] += x[: len(x) - shift] @ part.T
    return out


def _normed(x: Array, weight: Array, bias: Array) -> Array:
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5) * weight + bias


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))
