# SPDX-License-Identifier: Apache-2.0
"""GaussianTalker's network with everything that does not change baked into constants.

Rest positions never change, so neither do the features of the planes. Of a frame's four tokens the
last never changes, and what queries, keys, values and the projection behind them do is linear in
the other three's difference from it. So a frame brings six questions and six answers, the mix, in
place of four 64 x 64 layers for each Gaussian, and the first matrix behind them acts on a constant
and six answers. Norms' gains are in the matrices that follow, the heads' first layers are one, and
colours are evaluated for the camera here: 3 numbers a Gaussian leave the graph instead of 48.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import layer_norm, normalize, pad

from ...to_onnx import Graph, Port
from ..audio_network import CODE, WINDOW
from ..raw_gaussians import RawGaussians
from ..sh_basis import sh_basis
from ..trained.attention import EPSILON, AttentionLayer, AttentionNetwork, Branch
from .movement import move
from .network import AUDIO_CHANNELS, HEAD, HEADS, OUTPUTS, WIDTH, DeformationNetwork, Layer

Tensors = tuple[torch.Tensor, ...]
ROW_WIDTH = 16
TOKENS = 3  # that a frame makes
ATTENDED = HEADS * TOKENS
HIDDEN = 2 * WIDTH
BRANCHES = {
    "pos": "means", "rotations": "quats", "scales": "scales", "opacity": "opacities", "shs": "sh",
}  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class Folded:
    """A layer whose attention acts on the tokens' difference from the one that never changes.

    All float64; `x` is what comes in plus `given`.
    """

    ask: torch.Tensor  # [64, 2 x 64] to queries' factors, head by head
    offset: torch.Tensor  # [64, 2]
    give: torch.Tensor  # [64, 2 x 64]
    hide: torch.Tensor  # [64, 2 x 128] what `first` makes of `give`
    given: torch.Tensor  # [64] whatever the frame, and with the projection's bias
    first: torch.Tensor  # [64, 128] acts on the normalised x
    first_bias: torch.Tensor  # [128]
    second: torch.Tensor  # [128, 64]
    second_bias: torch.Tensor  # [64]


def fold(layer: Layer, nothing: torch.Tensor) -> Folded:
    """`nothing` [64] is the token that never changes."""

    def double(parameter: torch.Tensor) -> torch.Tensor:
        return parameter.detach().double()

    attention, ffn, norm = layer.enc_dec_attention, layer.ffn, layer.norm1
    wq, bq = double(attention.w_q.weight) * HEAD**-0.5, double(attention.w_q.bias) * HEAD**-0.5
    wk, wv = double(attention.w_k.weight), double(attention.w_v.weight)
    joined = double(attention.w_concat.weight)
    given = joined @ (wv @ double(nothing) + double(attention.w_v.bias))
    given += double(attention.w_concat.bias)
    gain, bias = double(norm.gamma), double(norm.beta)
    first = (double(ffn.linear1.weight) * gain).T
    heads = [slice(h * HEAD, (h + 1) * HEAD) for h in range(HEADS)]
    ask = [wk[head].T @ wq[head] for head in heads]
    give = [wv[head].T @ joined[:, head].T for head in heads]
    return Folded(
        ask=torch.cat(ask, dim=1),
        offset=torch.stack(
            [wk[head].T @ bq[head] - a @ given for head, a in zip(heads, ask, strict=True)], dim=1
        ),
        give=torch.cat(give, dim=1),
        hide=torch.cat([_centred(g) @ first for g in give], dim=1),
        given=given,
        first=first,
        first_bias=double(ffn.linear1.weight) @ bias + double(ffn.linear1.bias),
        second=double(ffn.linear2.weight).T,
        second_bias=double(ffn.linear2.bias) + bias,
    )


def _centred(rows: torch.Tensor) -> torch.Tensor:
    return rows - rows.mean(dim=1, keepdim=True)


class Mix(nn.Module):
    """Audio window, eye code and camera to what Gaussians attend to: FORMAT.md, section 8.1."""

    nothing: torch.Tensor  # [1, 64]

    def __init__(self, network: DeformationNetwork) -> None:
        super().__init__()
        self.audio_net, self.audio_att_net = network.audio_net, network.audio_att_net
        self.audio_mlp, self.eye_mlp = network.audio_mlp, network.eye_mlp
        self.cam_mlp = network.cam_mlp
        nothing = network.null_vector[0].detach()
        self.register_buffer("nothing", nothing.clone())
        self.parts: list[tuple[str, ...]] = []  # of each layer
        folds = [fold(layer, nothing[0]) for layer in network.layers()]
        for at, folded in enumerate(folds):
            names = ("ask", "offset", "give", "hide")[: 4 if at == 0 else 3]
            for name in names:
                self.register_buffer(f"{name}{at}", getattr(folded, name).float().contiguous())
            self.parts.append(names)

    def forward(self, window: torch.Tensor, eye: torch.Tensor, camera: torch.Tensor) -> Tensors:
        codes = self.audio_net(window)
        code = self.audio_att_net(codes)[None] @ codes
        heard = [self.audio_mlp(code), self.eye_mlp(eye), self.cam_mlp(camera)]
        tokens = torch.cat(heard) - self.nothing
        parts = []
        for at, names in enumerate(self.parts):
            for name in names:
                rows = (tokens @ getattr(self, f"{name}{at}")).view(TOKENS, HEADS, -1)
                # Numbers of Gaussians meet `ask` as a matrix, the weights meet the others so.
                rows = rows.permute(2, 1, 0) if name == "ask" else rows.transpose(0, 1)
                parts.append(rows.reshape(-1))
        return (torch.cat(parts),)


class Baked(nn.Module):
    """From the mix on, in 58,240 multiply-adds a Gaussian with one layer; Original takes 73,600."""

    still: torch.Tensor  # [N, 64]
    hidden: torch.Tensor  # [N, 128]
    first: torch.Tensor  # [64, 640] of all heads
    first_bias: torch.Tensor  # [640]
    xyz: torch.Tensor  # [N, 3]
    rotation: torch.Tensor  # [N, 4]
    scaling: torch.Tensor  # [N, 3]
    opacity: torch.Tensor  # [N, 1]
    sh: torch.Tensor  # [N, 16, 3]

    def __init__(self, raw: RawGaussians, network: DeformationNetwork) -> None:
        super().__init__()
        layers = network.layers()
        folds = [fold(layer, network.null_vector[0, 0]) for layer in layers]
        heads = [getattr(network, f"{name}_deform") for name in OUTPUTS]
        features = network.encode(torch.from_numpy(raw.xyz)).detach().double()
        still = features + folds[0].given
        constants = {
            "still": still,
            "hidden": _centred(still) @ folds[0].first,
            "first": torch.cat([head[1].weight for head in heads]).T,
            "first_bias": torch.cat([head[1].bias for head in heads]),
            "xyz": torch.from_numpy(raw.xyz),
            "rotation": torch.from_numpy(raw.rotation),
            "scaling": torch.from_numpy(raw.scaling),
            "opacity": torch.from_numpy(raw.opacity),
            "sh": torch.from_numpy(raw.sh),
        }
        self.layers = len(layers)
        for at, (layer, folded) in enumerate(zip(layers, folds, strict=True)):
            behind = folds[at + 1].given if at + 1 < len(folds) else 0
            constants |= {
                f"first_bias{at}": folded.first_bias,
                f"second{at}": folded.second,
                f"second_bias{at}": folded.second_bias,
                f"gain{at}": layer.norm1.gamma,
                f"norm_gain{at}": layer.norm2.gamma,
                f"norm_bias{at}": layer.norm2.beta.double() + behind,
            }
            if at > 0:
                constants[f"first{at}"] = folded.first
        for name, value in constants.items():
            self.register_buffer(name, value.detach().float().contiguous().clone())
        self.lasts = nn.ModuleList(head[3] for head in heads)

    def forward(self, mix: torch.Tensor, camera: torch.Tensor) -> Tensors:
        x = self.still
        left = mix
        for at in range(self.layers):
            hide = ATTENDED * HIDDEN if at == 0 else 0
            sizes = [WIDTH * ATTENDED, ATTENDED, ATTENDED * WIDTH, hide]
            ask, offset, give, shown, left = torch.split(left, [*sizes, len(left) - sum(sizes)])
            scores = x @ ask.view(WIDTH, ATTENDED) + offset
            odds = torch.softmax(pad(scores.view(-1, HEADS, TOKENS), (0, 1)), dim=-1)
            weights = odds[:, :, :TOKENS].reshape(-1, ATTENDED)
            x = x + weights @ give.view(ATTENDED, WIDTH)
            centred = _centred(x)
            inverse = torch.rsqrt(centred.square().mean(dim=1, keepdim=True) + EPSILON)
            u = centred * inverse
            if at == 0:
                f = inverse * (self.hidden + weights @ shown.view(ATTENDED, HIDDEN))
            else:
                f = u @ self._of("first", at)
            f = torch.relu(f + self._of("first_bias", at)) @ self._of("second", at)
            z = f + self._of("second_bias", at) + self._of("gain", at) * u
            gain, bias = self._of("norm_gain", at), self._of("norm_bias", at)
            x = layer_norm(z, (WIDTH,), gain, bias, eps=EPSILON)
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

    def _of(self, name: str, layer: int) -> torch.Tensor:
        found: torch.Tensor = getattr(self, f"{name}{layer}")
        return found

    def network(self) -> AttentionNetwork:
        def held(name: str, layer: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            return self._of(name, layer).numpy()

        layers = [
            AttentionLayer(
                first=held("first", at) if at > 0 else None,
                first_bias=held("first_bias", at),
                second=held("second", at),
                second_bias=held("second_bias", at),
                gain=held("gain", at),
                norm_gain=held("norm_gain", at),
                norm_bias=held("norm_bias", at),
            )
            for at in range(self.layers)
        ]
        firsts = self.first.chunk(len(OUTPUTS), dim=1)
        biases = self.first_bias.chunk(len(OUTPUTS))
        lasts = [last for last in self.lasts if isinstance(last, nn.Linear)]
        branches = {
            BRANCHES[name]: Branch(
                first=first.numpy(),
                first_bias=bias.numpy(),
                second=last.weight.detach().numpy().T,
                second_bias=last.bias.detach().numpy(),
            )
            for name, first, bias, last in zip(OUTPUTS, firsts, biases, lasts, strict=True)
        }
        return AttentionNetwork(
            mix="avatar_mix.mix",
            heads=HEADS,
            tokens=TOKENS,
            still=self.still.numpy(),
            hidden=self.hidden.numpy(),
            layers=layers,
            branches=branches,
            raw={
                "quats": self.rotation.numpy(),
                "scales": self.scaling.numpy(),
                "opacities": self.opacity[:, 0].numpy(),
            },
            scale="exp",
        )


def graphs(raw: RawGaussians, network: DeformationNetwork) -> tuple[Graph, Graph]:
    """Audio window, eye code and camera to the mix, and the mix to Gaussians."""
    n, layers = raw.count, len(network.layers())
    camera = Port("camera", (1, 12), "pipeline")
    mix = (layers * (2 * WIDTH + 1) * ATTENDED + ATTENDED * HIDDEN,)
    return (
        Graph(
            name="avatar_mix",
            runs="frame",
            module=Mix(network).eval(),
            inputs=(
                Port("window", (WINDOW, AUDIO_CHANNELS, ROW_WIDTH), "features"),
                Port("eye", (1, CODE), "pipeline"),
                camera,
            ),
            outputs=(Port("mix", mix),),
        ),
        Graph(
            name="avatar",
            runs="frame",
            module=Baked(raw, network).eval(),
            inputs=(Port("mix", mix, "avatar_mix.mix"), camera),
            outputs=(
                Port("means", (n, 3)),
                Port("quats", (n, 4)),
                Port("scales", (n, 3)),
                Port("opacities", (n,)),
                Port("colors", (n, 3)),
            ),
        ),
    )
