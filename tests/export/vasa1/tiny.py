# SPDX-License-Identifier: Apache-2.0
"""The same architecture, narrow, with seeded weights at which every layer matters."""

from __future__ import annotations

import torch
from talkrt.export.encoders import hubert
from talkrt.export.vasa1 import stitching
from talkrt.export.vasa1.appearance import AppearanceConfig, AppearanceExtractor
from talkrt.export.vasa1.blocks import SpectralConv2d
from talkrt.export.vasa1.generator import Generator, GeneratorConfig
from talkrt.export.vasa1.graphs import Renderer
from talkrt.export.vasa1.motion_extractor import MotionExtractor, MotionExtractorConfig
from talkrt.export.vasa1.motion_generator import MotionConfig, MotionGenerator
from talkrt.export.vasa1.warping import Warping, WarpingConfig

PICTURE = 64  # side of the crop; the volume's is a fourth
KEYPOINTS = 21


def seeded(module, seed):
    """Random weights that keep a signal's size, and running statistics that are no identity."""
    generator = torch.Generator().manual_seed(seed)

    def normal(value, mean, deviation):
        value.copy_(mean + deviation * torch.randn(value.shape, generator=generator))

    for name, value in module.state_dict().items():
        if name.endswith("running_var"):
            value.copy_(0.5 + torch.rand(value.shape, generator=generator))
        elif value.ndim >= 2:
            normal(value, 0.0, (2 / value[0].numel()) ** 0.5)
        elif value.is_floating_point():
            normal(value, 1.0 if name.endswith("norm.weight") else 0.0, 0.2)
    for conv in module.modules():
        if isinstance(conv, SpectralConv2d):
            u, _, v = torch.linalg.svd(conv.weight_orig.flatten(1), full_matrices=False)
            conv.weight_u.copy_(u[:, 0])
            conv.weight_v.copy_(v[0])
    return module.eval().requires_grad_(False)


def warping():
    config = WarpingConfig(8, 4, KEYPOINTS, 2, (16, 24, 32), (24, 16, 8), 7, 24)
    return seeded(Warping(config), 1)


def generator():
    return seeded(Generator(GeneratorConfig(24, 16, 1, (12, 8), 8, 2)), 2)


def renderer():
    return Renderer(
        appearance=seeded(AppearanceExtractor(AppearanceConfig((8, 12, 16), 8, 4, 2)), 3),
        motion=seeded(MotionExtractor(MotionExtractorConfig((8, 12, 16), (1, 1, 1))), 4),
        warping=warping(),
        generator=generator(),
        stitching=seeded(stitching.KeypointMlp((126, 16, 65)), 5),
        eyes=seeded(stitching.KeypointMlp((66, 16, 63)), 6),
        lips=seeded(stitching.KeypointMlp((65, 16, 63)), 7),
    )


def motion_generator(positions="constant"):
    heard = hubert.HubertConfig(
        conv_width=16, width=64, layers=2, feed_forward=48, position_kernel=16, position_groups=4
    )
    config = MotionConfig(73, 20, 4, 32, 2, 64, 24, 10, positions, heard)
    return seeded(MotionGenerator(config), 8)
