# SPDX-License-Identifier: Apache-2.0
"""TalkingGaussian's networks with everything that does not change baked into constants.

Rest positions never change, so neither do the features of the planes, the two attentions, and what
the first layer makes of the features. What is left of a frame is small: the audio code and the
expression scale one matrix, the mix, and for each Gaussian two more layers follow.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize, softplus

from ...to_onnx import Graph, Port
from ..audio_network import WINDOW, AudioCode, Mlp
from ..raw_gaussians import RawGaussians
from ..trained.deform import Network
from .checkpoint import TalkingGaussian
from .movement import FACE_STEP, MOUTH_STEP, move_face, move_mouth
from .networks import FEATURES, FaceNetwork, MouthNetwork

Tensors = tuple[torch.Tensor, ...]


class OriginalFace(nn.Module):
    """As trained: audio window [8, C, W] and action units [1, 6] to means, quats and scales."""

    def __init__(self, raw: RawGaussians, network: FaceNetwork) -> None:
        super().__init__()
        self.raw, self.network = raw, network

    def forward(self, window: torch.Tensor, action_units: torch.Tensor) -> Tensors:
        features = self.network.encode(torch.from_numpy(self.raw.xyz))
        hidden = self.network.hidden(features, self.network.audio(window), action_units)
        moved = move_face(self.raw, hidden)
        return moved.means, moved.quats, moved.scales


class OriginalMouth(nn.Module):
    """As trained: audio window [8, C, W] to means."""

    def __init__(self, raw: RawGaussians, network: MouthNetwork) -> None:
        super().__init__()
        self.raw, self.network = raw, network

    def forward(self, window: torch.Tensor) -> Tensors:
        features = self.network.encode(torch.from_numpy(self.raw.xyz))
        hidden = self.network.hidden(features, self.network.audio(window))
        return (move_mouth(self.raw, hidden).means,)


class _Audio(nn.Module):
    """The audio networks of `source`, with weights of their own names."""

    def __init__(self, source: AudioCode) -> None:
        super().__init__()
        self.audio_net, self.audio_att_net = source.audio_net, source.audio_att_net

    def code(self, window: torch.Tensor) -> torch.Tensor:
        codes = self.audio_net(window)
        found: torch.Tensor = self.audio_att_net(codes)[None] @ codes
        return found


class FaceMix(_Audio):
    """Audio window and action units to [38, 64]: what an attention of 1 adds to the first layer."""

    first: torch.Tensor  # [38, 64]

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__(network)
        self.exp_encode_net = network.exp_encode_net
        _constants(self, first=_weights(network.sigma_net)[0][:, FEATURES:].T)

    def forward(self, window: torch.Tensor, action_units: torch.Tensor) -> Tensors:
        seen = [self.exp_encode_net(action_units[:, :5]), action_units[:, 5:]]
        frame = torch.cat([self.code(window), *seen], dim=1)  # [1, 38]
        return (frame.T * self.first,)


class MouthMix(_Audio):
    """Audio window to [1, 32]: what speech adds to the first layer, the same for all Gaussians."""

    first: torch.Tensor  # [32, 32]

    def __init__(self, network: MouthNetwork) -> None:
        super().__init__(network)
        _constants(self, first=_weights(network.sigma_net)[0][:, FEATURES:].T)

    def forward(self, window: torch.Tensor) -> Tensors:
        return (self.code(window) @ self.first,)


class BakedFace(nn.Module):
    """From the mix on, in 7,168 multiply-adds a Gaussian; all of OriginalFace takes 12,566."""

    still: torch.Tensor  # [N, 64] what the first layer makes of the features
    attention: torch.Tensor  # [N, 38] to the audio code and to the expression
    second: torch.Tensor  # [64, 64]
    third: torch.Tensor  # [64, 10]
    xyz: torch.Tensor  # [N, 3]
    rotation: torch.Tensor  # [N, 4]
    scaling: torch.Tensor  # [N, 3]

    def __init__(self, raw: RawGaussians, network: FaceNetwork) -> None:
        super().__init__()
        features = network.encode(torch.from_numpy(raw.xyz))
        first, second, third = _weights(network.sigma_net)
        place = third[0:3] * torch.tensor(FACE_STEP)[:, None]  # row 7, an opacity, is not used
        attentions = [network.aud_ch_att_net(features), network.eye_attention(features)]
        _constants(
            self,
            still=features @ first[:, :FEATURES].T,
            attention=torch.cat(attentions, dim=1),
            second=second.T,
            third=torch.cat([place, third[3:7], third[8:11]]).T,
            xyz=torch.from_numpy(raw.xyz),
            rotation=torch.from_numpy(raw.rotation),
            scaling=torch.from_numpy(raw.scaling),
        )

    def forward(self, mix: torch.Tensor) -> Tensors:
        x = torch.relu(self.still + self.attention @ mix)
        x = torch.relu(x @ self.second) @ self.third
        place, turn, grow = torch.split(x, [3, 4, 3], dim=1)
        return (
            self.xyz + place,
            normalize(self.rotation + turn),
            softplus(self.scaling + grow),
        )

    def network(self) -> Network:
        return Network(
            mix="face_mix.mix",
            still=self.still.numpy(),
            attention=self.attention.numpy(),
            layers=[self.second.numpy(), self.third.numpy()],
            outputs={"means": 0, "quats": 3, "scales": 7},
            scale="softplus",
            quats=self.rotation.numpy(),
            scales=self.scaling.numpy(),
        )


class BakedMouth(nn.Module):
    """From the mix on, in 1,120 multiply-adds a Gaussian; all of OriginalMouth takes 3,440."""

    still: torch.Tensor  # [N, 32] what the first layer makes of the features
    second: torch.Tensor  # [32, 32]
    third: torch.Tensor  # [32, 3]
    xyz: torch.Tensor  # [N, 3]

    def __init__(self, raw: RawGaussians, network: MouthNetwork) -> None:
        super().__init__()
        features = network.encode(torch.from_numpy(raw.xyz))
        first, second, third = _weights(network.sigma_net)
        _constants(
            self,
            still=features @ first[:, :FEATURES].T,
            second=second.T,
            third=(third * torch.tensor(MOUTH_STEP)[:, None]).T,
            xyz=torch.from_numpy(raw.xyz),
        )

    def forward(self, mix: torch.Tensor) -> Tensors:
        x = torch.relu(self.still + mix)
        return (self.xyz + torch.relu(x @ self.second) @ self.third,)

    def network(self) -> Network:
        return Network(
            mix="mouth_mix.mix",
            still=self.still.numpy(),
            attention=None,
            layers=[self.second.numpy(), self.third.numpy()],
            outputs={"means": 0},
        )


def face_graphs(avatar: TalkingGaussian) -> tuple[Graph, Graph]:
    """The audio window and action units to the mix, and the mix to Gaussians."""
    n, mix = avatar.face.count, (38, 64)
    return (
        Graph(
            name="face_mix",
            runs="frame",
            module=FaceMix(avatar.face_network).eval(),
            inputs=(_window(avatar), Port("action_units", (1, 6), "pipeline")),
            outputs=(Port("mix", mix),),
        ),
        Graph(
            name="face",
            runs="frame",
            module=BakedFace(avatar.face, avatar.face_network).eval(),
            inputs=(Port("mix", mix, "face_mix.mix"),),
            outputs=(Port("means", (n, 3)), Port("quats", (n, 4)), Port("scales", (n, 3))),
        ),
    )


def mouth_graphs(avatar: TalkingGaussian) -> tuple[Graph, Graph]:
    mix = (1, 32)
    return (
        Graph(
            name="mouth_mix",
            runs="frame",
            module=MouthMix(avatar.mouth_network).eval(),
            inputs=(_window(avatar),),
            outputs=(Port("mix", mix),),
        ),
        Graph(
            name="mouth",
            runs="frame",
            module=BakedMouth(avatar.mouth, avatar.mouth_network).eval(),
            inputs=(Port("mix", mix, "mouth_mix.mix"),),
            outputs=(Port("means", (avatar.mouth.count, 3)),),
        ),
    )


def _window(avatar: TalkingGaussian) -> Port:
    return Port("window", (WINDOW, avatar.channels, avatar.row_width), "features")


def _weights(mlp: Mlp) -> list[torch.Tensor]:
    return [weight.detach() for weight in mlp.parameters()]


def _constants(module: nn.Module, **values: torch.Tensor) -> None:
    for name, value in values.items():
        module.register_buffer(name, value.detach().clone(memory_format=torch.contiguous_format))
