# SPDX-License-Identifier: Apache-2.0
"""GaussianTalker's network with everything that does not change baked into constants.

Rest positions never change, so neither do the features of the planes. Four tokens attend to all
Gaussians, so queries and the last projection fold into the tokens: 64 x 8 and 8 x 64 numbers a
frame take the place of two 64 x 64 layers for each Gaussian. The heads' first layers are one.
Colours are evaluated for the camera here: 3 numbers a Gaussian leave the graph instead of 48.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

from ...to_onnx import Graph, Port
from ..audio_network import CODE, WINDOW
from ..raw_gaussians import RawGaussians
from ..sh_basis import sh_basis
from .movement import move
from .network import AUDIO_CHANNELS, HEAD, HEADS, OUTPUTS, WIDTH, CrossAttention, DeformationNetwork

Tensors = tuple[torch.Tensor, ...]
ROW_WIDTH = 16
TOKENS = 4


def eye_position(camera: torch.Tensor) -> torch.Tensor:
    """[3]: where the camera [1, 12] is, from its transposed rotation and translation."""
    return -(camera[:, :9].view(3, 3) @ camera[0, 9:])


def colors(means: torch.Tensor, sh: torch.Tensor, camera: torch.Tensor) -> torch.Tensor:
    """[N, 3], display-referred, not negative."""
    basis = sh_basis(normalize(means - eye_position(camera)))
    return torch.relu((basis[:, :, None] * sh).sum(dim=1) + 0.5)


class Original(nn.Module):
    """As trained: audio window [8, 29, 16], eye code [1, 32] and camera [1, 12] to Gaussians."""

    def __init__(self, raw: RawGaussians, network: DeformationNetwork) -> None:
        super().__init__()
        self.raw, self.network = raw, network

    def forward(self, window: torch.Tensor, eye: torch.Tensor, camera: torch.Tensor) -> Tensors:
        features = self.network.encode(torch.from_numpy(self.raw.xyz))
        tokens = self.network.tokens(self.network.audio(window), eye, camera)
        hidden, _ = self.network.attend(features, tokens)
        moved = move(self.raw, self.network.deltas(hidden))
        painted = colors(moved.means, moved.sh, camera)
        return moved.means, moved.quats, moved.scales, moved.opacities, painted


class _FoldedAttention(nn.Module):
    """CrossAttention plus its input, with what depends on the tokens computed once a frame."""

    query: torch.Tensor  # [2, 32, 64]
    query_bias: torch.Tensor  # [2, 32, 1]
    joined: torch.Tensor  # [2, 32, 64]
    joined_bias: torch.Tensor  # [64]

    def __init__(self, source: CrossAttention) -> None:
        super().__init__()
        self.w_k, self.w_v = source.w_k, source.w_v
        gain = HEAD**-0.5
        self.register_buffer("query", (source.w_q.weight * gain).view(HEADS, HEAD, WIDTH).clone())
        self.register_buffer("query_bias", (source.w_q.bias * gain).view(HEADS, HEAD, 1).clone())
        joined = source.w_concat.weight.T.reshape(HEADS, HEAD, WIDTH)
        self.register_buffer("joined", joined.clone())
        self.register_buffer("joined_bias", source.w_concat.bias.detach().clone())

    def forward(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        keys = self.w_k(tokens).view(TOKENS, HEADS, HEAD).transpose(0, 1)  # [2, 4, 32]
        values = self.w_v(tokens).view(TOKENS, HEADS, HEAD).transpose(0, 1)
        asked = (keys @ self.query).reshape(HEADS * TOKENS, WIDTH)  # [8, 64]
        offset = (keys @ self.query_bias).reshape(HEADS * TOKENS)
        given = (values @ self.joined).reshape(HEADS * TOKENS, WIDTH)
        scores = (x @ asked.T + offset).view(-1, HEADS, TOKENS)
        weights = torch.softmax(scores, dim=-1).view(-1, HEADS * TOKENS)
        attended: torch.Tensor = weights @ given + self.joined_bias + x
        return attended


class Baked(nn.Module):
    """Original in 65,920 multiply-adds a Gaussian instead of 73,600, with one layer."""

    nothing: torch.Tensor  # [1, 64] the learned token
    features: torch.Tensor  # [N, 64]
    first: torch.Tensor  # [64, 640] of all heads
    first_bias: torch.Tensor  # [640]
    xyz: torch.Tensor  # [N, 3]
    rotation: torch.Tensor  # [N, 4]
    scaling: torch.Tensor  # [N, 3]
    opacity: torch.Tensor  # [N, 1]
    sh: torch.Tensor  # [N, 16, 3]

    def __init__(self, raw: RawGaussians, network: DeformationNetwork) -> None:
        super().__init__()
        self.audio_net, self.audio_att_net = network.audio_net, network.audio_att_net
        self.audio_mlp, self.eye_mlp = network.audio_mlp, network.eye_mlp
        self.cam_mlp = network.cam_mlp
        layers = network.layers()
        self.attentions = nn.ModuleList(
            _FoldedAttention(layer.enc_dec_attention) for layer in layers
        )
        self.norms1 = nn.ModuleList(layer.norm1 for layer in layers)
        self.ffns = nn.ModuleList(layer.ffn for layer in layers)
        self.norms2 = nn.ModuleList(layer.norm2 for layer in layers)
        heads = [getattr(network, f"{name}_deform") for name in OUTPUTS]
        constants = {
            "nothing": network.null_vector[0],
            "features": network.encode(torch.from_numpy(raw.xyz)),
            "first": torch.cat([head[1].weight for head in heads]).T,
            "first_bias": torch.cat([head[1].bias for head in heads]),
            "xyz": torch.from_numpy(raw.xyz),
            "rotation": torch.from_numpy(raw.rotation),
            "scaling": torch.from_numpy(raw.scaling),
            "opacity": torch.from_numpy(raw.opacity),
            "sh": torch.from_numpy(raw.sh),
        }
        for name, value in constants.items():
            self.register_buffer(name, value.detach().contiguous().clone())
        self.lasts = nn.ModuleList(head[3] for head in heads)

    def forward(self, window: torch.Tensor, eye: torch.Tensor, camera: torch.Tensor) -> Tensors:
        codes = self.audio_net(window)
        code = self.audio_att_net(codes)[None] @ codes
        heard = [self.audio_mlp(code), self.eye_mlp(eye), self.cam_mlp(camera), self.nothing]
        tokens = torch.cat(heard)
        x = self.features
        layers = zip(self.attentions, self.norms1, self.ffns, self.norms2, strict=True)
        for attention, norm1, ffn, norm2 in layers:
            x = norm1(attention(x, tokens))
            x = norm2(ffn(x) + x)
        hidden = torch.relu(torch.relu(x) @ self.first + self.first_bias).chunk(len(OUTPUTS), dim=1)
        place, grow, turn, fade, paint = (
            last(part) for last, part in zip(self.lasts, hidden, strict=True)
        )
        means = self.xyz + place
        return (
            means,
            normalize(self.rotation + turn),
            torch.exp(self.scaling + grow),
            torch.sigmoid(self.opacity + fade)[:, 0],
            colors(means, self.sh + paint.view(self.sh.shape), camera),
        )


def graph(raw: RawGaussians, network: DeformationNetwork) -> Graph:
    n = raw.count
    return Graph(
        name="avatar",
        runs="frame",
        module=Baked(raw, network).eval(),
        inputs=(
            Port("window", (WINDOW, AUDIO_CHANNELS, ROW_WIDTH), "features"),
            Port("eye", (1, CODE), "pipeline"),
            Port("camera", (1, 12), "pipeline"),
        ),
        outputs=(
            Port("means", (n, 3)),
            Port("quats", (n, 4)),
            Port("scales", (n, 3)),
            Port("opacities", (n,)),
            Port("colors", (n, 3)),
        ),
    )
