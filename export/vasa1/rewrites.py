# SPDX-License-Identifier: Apache-2.0
"""The proof that each rewrite alone is equal to what was published, on the model's own weights.

`proof.py` compares whole graphs; this says which rewrite is at fault when one differs. Weights are
the model's, inputs are noise of a small size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import sampling
from .blocks import DownBlock3d, SpectralConv2d, UpBlock3d
from .denoising_split import AudioRows
from .depth_conv import SlicedConv3d, WideSum
from .folding import FoldedConv, with_norm, without_spectral_norm
from .generator import Generator
from .motion_generator import MotionGenerator, to_frames
from .proof import PUBLISHED, TOLERANCE, Row
from .spade import SpadeResnetBlock
from .subpixel import DoubledConv, QuadrupledConv2d
from .warping import Warping, identity_grid
from .weights import Weights

Pair = tuple[Tensor, Tensor]  # rewritten, published
SIDE, DEPTH = 6, 5  # of the inputs


def rewrite_rows(weights: Weights) -> list[Row]:
    renderer, net = weights.renderer, weights.motion_generator
    generator, warping = renderer.generator, renderer.warping
    proofs: tuple[tuple[str, Callable[[], Iterator[Pair]]], ...] = (
        ("spectral norm folded", lambda: _spectral_norms(generator)),
        ("batch norm folded", lambda: _batch_norms(warping)),
        ("2x repeat + 3x3 as one 2x2", lambda: _doubled(generator, warping)),
        ("4x repeat + 3x3 as nine classes", lambda: _quadrupled(generator)),
        ("instance norm before repeating", _norm_before_repeating),
        ("3-D convolution slice by slice", lambda: _slices(warping)),
        ("7x7 to one channel as a sum of maps", lambda: _occlusion(warping)),
        ("moved reads as matrix products", lambda: _moved_reads(warping)),
        ("reads of a volume as gathered rows", lambda: _table_reads(warping)),
        ("diagonal cross-attention once per window", lambda: _hearing(net)),
        ("hidden vectors to frames as means", _means_of_pairs),
    )
    with torch.no_grad():
        return [_row(name, pairs()) for name, pairs in proofs]


def _row(name: str, pairs: Iterator[Pair]) -> Row:
    """The worst of the pairs, by its share of its own range."""
    rows = []
    for ours, published in pairs:
        if ours.shape != published.shape:
            raise ValueError(f"{name}: {tuple(ours.shape)}, expected {tuple(published.shape)}")
        error = float((ours.double() - published.double()).abs().max())
        span = float(published.max() - published.min())
        rows.append(("", name, PUBLISHED, 1, error, span, TOLERANCE[PUBLISHED]))
    made = [Row(*row) for row in rows]
    worst = max(made, key=lambda row: row.share)
    return Row("", name, PUBLISHED, len(made), worst.max_error, worst.range, worst.tolerance)


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def _spectral_norms(generator: Generator) -> Iterator[Pair]:
    for conv in generator.modules():
        if isinstance(conv, SpectralConv2d):
            x = _noise(1, conv.weight_orig.shape[1], SIDE, SIDE)
            yield without_spectral_norm(conv)(x), conv(x)


def _batch_norms(warping: Warping) -> Iterator[Pair]:
    glass = warping.dense_motion_network.hourglass
    blocks: list[DownBlock3d | UpBlock3d] = [*glass.encoder.blocks(), *glass.decoder.blocks()]
    for block in blocks:
        x = _noise(1, block.conv.in_channels, 2, SIDE, SIDE)
        yield FoldedConv(*with_norm(block.conv, block.norm))(x), block.norm(block.conv(x))


def _repeated(x: Tensor, times: float) -> Tensor:
    scale = (1.0,) * (x.ndim - 4) + (times, times)
    return functional.interpolate(x, scale_factor=scale, mode="nearest")


def _shared(block: SpadeResnetBlock) -> Iterator[nn.Conv2d]:
    norms = [block.norm_0, block.norm_1, *([block.norm_s] if block.learned_shortcut else [])]
    for norm in norms:
        conv = norm.mlp_shared[0]
        assert isinstance(conv, nn.Conv2d)
        yield conv


def _doubled(generator: Generator, warping: Warping) -> Iterator[Pair]:
    for conv in _shared(generator.up_0):
        x = _noise(1, conv.in_channels, SIDE, SIDE)
        yield DoubledConv(conv.weight, _bias(conv))(x), conv(_repeated(x, 2.0))
    for block in warping.dense_motion_network.hourglass.decoder.blocks():
        x = _noise(1, block.conv.in_channels, 2, SIDE, SIDE)
        yield DoubledConv(block.conv.weight, _bias(block.conv))(x), block.conv(_repeated(x, 2.0))


def _quadrupled(generator: Generator) -> Iterator[Pair]:
    for conv in _shared(generator.up_1):
        x = _noise(1, conv.in_channels, SIDE, SIDE)
        yield QuadrupledConv2d(conv.weight, _bias(conv))(x), conv(_repeated(x, 4.0))


def _norm_before_repeating() -> Iterator[Pair]:
    x = _noise(1, 8, SIDE, SIDE)
    before = _repeated(functional.instance_norm(x), 2.0)
    yield before, functional.instance_norm(_repeated(x, 2.0))


def _slices(warping: Warping) -> Iterator[Pair]:
    dense = warping.dense_motion_network
    for conv in (dense.hourglass.decoder.conv, dense.mask):
        x = _noise(1, conv.in_channels, DEPTH, SIDE, SIDE)
        ours = SlicedConv3d(conv.weight, _bias(conv))(x[0].transpose(0, 1))
        yield ours, conv(x)[0].transpose(0, 1)


def _occlusion(warping: Warping) -> Iterator[Pair]:
    conv = warping.dense_motion_network.occlusion
    x = _noise(1, conv.in_channels, SIDE, SIDE)
    yield WideSum(conv.weight, _bias(conv))(x), conv(x)


def _moved_reads(warping: Warping) -> Iterator[Pair]:
    keypoints, channels = warping.config.keypoints, warping.config.compressed
    volume, delta = _noise(channels, DEPTH, SIDE, SIDE), 0.5 * _noise(keypoints, 3)
    grid = identity_grid(volume.unsqueeze(0)) + delta[:, None, None, None]
    published = functional.grid_sample(
        volume.expand(keypoints, -1, -1, -1, -1), grid, align_corners=False
    )
    yield sampling.shifted(volume, delta), published


def _table_reads(warping: Warping) -> Iterator[Pair]:
    volume = _noise(warping.config.channels, DEPTH, SIDE, SIDE)
    for spread in (0.5, 1.0, 3.0):
        grid = spread * _noise(DEPTH, SIDE, SIDE, 3)
        published = functional.grid_sample(volume[None], grid[None], align_corners=False)[0]
        yield sampling.read(sampling.rows(volume), grid), published


def _hearing(net: MotionGenerator) -> Iterator[Pair]:
    config = net.config
    audio = _noise(1, config.frames, config.width)
    rows = AudioRows(net)(audio, net.start_audio_feat)
    memory = torch.cat([net.start_audio_feat, audio], dim=1)
    query = _noise(1, config.length, config.width)
    mask = ~torch.eye(config.length, dtype=torch.bool)
    for index, layer in enumerate(net.denoising_net.layers()):
        heard, _ = layer.multihead_attn(query, memory, memory, attn_mask=mask, need_weights=False)
        yield rows[index, 1], heard[0]


def _means_of_pairs() -> Iterator[Pair]:
    hidden = _noise(1, 40, 16)
    yield hidden.reshape(1, 20, 2, -1).mean(dim=2), to_frames(hidden, 20)


def _bias(conv: nn.Conv2d | nn.Conv3d) -> Tensor:
    if conv.bias is None:
        raise ValueError("a convolution without bias")
    return conv.bias
