# SPDX-License-Identifier: Apache-2.0
"""Networks with random numbers of a seed for weights: they move pictures, but say nothing.

A tensor's numbers follow from the seed and its own name. They keep a signal's size at any width, so
that every layer matters, which is all that tests and benchmarks need.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..encoders.hubert import HubertConfig
from .appearance import AppearanceConfig, AppearanceExtractor
from .blocks import SpectralConv2d
from .generator import Generator, GeneratorConfig
from .graphs import PICTURE, Renderer
from .motion_extractor import MotionExtractor, MotionExtractorConfig
from .motion_generator import MotionConfig, MotionGenerator
from .stitching import EYES, LIPS, STITCHING, KeypointMlp
from .template import Template
from .warping import Warping, WarpingConfig
from .weights import Weights

TOKENS = ("start_motion_feat", "start_audio_feat", "null_audio_feat")
# What is read as a position, an angle or a size is kept where a renderer's would be: keypoints at
# random would mostly lie outside the volume, and move nothing in it.
GAINS = {
    "fc_kp": 0.25,
    "fc_exp": 0.05,
    "fc_t": 0.05,
    "fc_scale": 0.05,
    "motion_dec.2": 0.3,
}
# At full width and depth, rounding grows through layers that all pass on what they get.
CALM = {"resblocks_3d": 0.5, "mlp_gamma": 0.3, "mlp_beta": 0.7, "conv_img": 0.5}
ONES = "fc_scale.bias"
EXPRESSION = 63
POWER_STEPS = 5  # of the iteration that finds a spectral norm's vectors

Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Size:
    """Every width of the model."""

    picture: int  # side of the portrait that the networks see
    appearance: AppearanceConfig
    motion_extractor: MotionExtractorConfig
    warping: WarpingConfig
    generator: GeneratorConfig
    motion: MotionConfig
    stitching: tuple[int, ...] = STITCHING
    eyes: tuple[int, ...] = EYES
    lips: tuple[int, ...] = LIPS
    gains: Mapping[str, float] = field(default_factory=dict)  # of untrained weights, by their names


FULL = Size(
    PICTURE,
    AppearanceConfig(),
    MotionExtractorConfig(),
    WarpingConfig(),
    GeneratorConfig(),
    MotionConfig(),
    gains=CALM,
)
# The same architecture, as narrow as it goes. Warping: channels, compressed, keypoints, ...
TINY = Size(
    64,
    AppearanceConfig((8, 12, 16), 8, 4, 2),
    MotionExtractorConfig((8, 12, 16), (1, 1, 1)),
    WarpingConfig(8, 4, 21, 1, (8, 12, 16), (12, 12, 8), 3, 24),
    GeneratorConfig(24, 16, 1, (12, 8), 8, 2),
    MotionConfig(
        frames=20,
        previous=4,
        width=32,
        layers=2,
        feed_forward=64,
        decoder=24,
        steps=10,
        hubert=HubertConfig(
            conv_width=12,
            width=32,
            layers=1,
            feed_forward=48,
            position_kernel=8,
            position_groups=4,
            head_width=32,
        ),
    ),
    (126, 16, 65),
    (66, 16, 63),
    (65, 16, 63),
)


def untrained(size: Size, seed: int) -> Weights:
    def net(name: str, module: Net) -> Net:
        return seeded(module, seed, name, size.gains)

    return Weights(
        renderer=Renderer(
            appearance=net("appearance", AppearanceExtractor(size.appearance)),
            motion=net("motion", MotionExtractor(size.motion_extractor)),
            warping=net("warping", Warping(size.warping)),
            generator=net("generator", Generator(size.generator)),
            stitching=net("stitching", KeypointMlp(size.stitching)),
            eyes=net("eyes", KeypointMlp(size.eyes)),
            lips=net("lips", KeypointMlp(size.lips)),
        ),
        motion_generator=net("motion_generator", MotionGenerator(size.motion)),
        template=template(),
    )


def template() -> Template:
    """Statistics of small movements."""
    return Template(
        np.zeros(EXPRESSION, np.float32),
        np.full(EXPRESSION, 0.02, np.float32),
        np.array([1.0, 0, 0, 0, -10, -10, -10], np.float32),
        np.array([1.2, 0.1, 0.1, 0.1, 10, 10, 10], np.float32),
    )


def seeded(module: Net, seed: int, name: str = "", gains: Mapping[str, float] | None = None) -> Net:
    """Fills a network in place."""
    scales = {**GAINS, **(gains or {})}
    with torch.no_grad():
        for key, value in module.state_dict().items():
            if value.is_floating_point():
                n = _normal(f"{name}.{key}", tuple(value.shape), seed)
                n *= next((gain for part, gain in scales.items() if part in key), 1.0)
                value.copy_(torch.from_numpy(_numbers(key, n)))
        for key, layer in module.named_modules():
            if isinstance(layer, SpectralConv2d):
                _settle(layer, _normal(f"{name}.{key}.u", tuple(layer.weight_u.shape), seed))
    return module.eval().requires_grad_(False)


def _numbers(key: str, n: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of normal numbers, what a tensor of this name holds."""
    shape = n.shape
    if key.endswith("running_var"):
        return np.asarray(0.5 + np.abs(n) / 2, np.float32)
    if key.endswith(TOKENS):
        return n
    # Norms' weights, and the lengths of a weight norm.
    if (key.endswith("weight") and len(shape) == 1) or key.endswith(("gamma", "original0", ONES)):
        return np.asarray(1 + 0.1 * n, np.float32)
    if len(shape) >= 2 and not key.endswith("beta"):
        return np.asarray(n * np.float32(np.sqrt(2 / np.prod(shape[1:]))), np.float32)
    return np.asarray(0.1 * n, np.float32)


def _normal(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
    return generator.standard_normal(shape, np.float32)


def _settle(layer: SpectralConv2d, start: NDArray[np.float32]) -> None:
    """`u` and `v` as training leaves them: those of the largest singular value, nearly."""
    matrix = layer.weight_orig.detach().numpy().reshape(len(start), -1).astype(np.float64)
    u = start.astype(np.float64)
    for _ in range(POWER_STEPS):
        v = matrix.T @ u
        v /= np.linalg.norm(v)
        u = matrix @ v
        u /= np.linalg.norm(u)
    layer.weight_u.copy_(torch.from_numpy(u.astype(np.float32)))
    layer.weight_v.copy_(torch.from_numpy(v.astype(np.float32)))
