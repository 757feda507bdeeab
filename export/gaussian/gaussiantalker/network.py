# SPDX-License-Identifier: Apache-2.0
"""The network that moves a GaussianTalker avatar, with the keys of its deformation.pth.

N is the number of Gaussians. A Gaussian's rest position gives 64 features, which attend to four
tokens: speech, blink, camera and a learned one that stands for "nothing".
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import grid_sample

from ..audio_network import CODE, AudioCode, Mlp

WIDTH = 64  # of features and tokens
HEADS = 2
HEAD = WIDTH // HEADS
CHANNELS = 32  # of a plane
AUDIO_CHANNELS = 29  # DeepSpeech: upstream has no other
PLANES = ((0, 1), (0, 2), (1, 2))  # the first coordinate runs along a plane's rows
OUTPUTS = {"pos": 3, "scales": 3, "rotations": 4, "opacity": 1, "shs": 48}
Resolutions = tuple[tuple[int, int, int], ...]  # of x, y, z, by scale


def eye_angles() -> NDArray[np.float32]:
    """[32] radians for a blink of 1, in pairs, up to 5623: float32, as in training."""
    exponents = 2 * np.arange(CODE // 2) / CODE
    return np.repeat((10000.0**exponents).astype(np.float32), 2)


def eye_code(blink: float) -> torch.Tensor:
    """[1, 32]: sine and cosine by turns. `blink` is AU45 cut to 0..2, halved.

    In float64: a blink in float32 would leave the fastest angles wrong by 2e-4.
    """
    angles = np.float64(blink) * eye_angles().astype(np.float64)
    waves = np.where(np.arange(CODE) % 2, np.cos(angles), np.sin(angles))
    return torch.from_numpy(waves.astype(np.float32))[None]


class PlaneProduct(nn.Module):
    """Features of a point [N, 3]: the product of three planes' samples, for each scale."""

    aabb: torch.Tensor  # [2, 3]: row 0 the largest corner, row 1 the smallest

    def __init__(self, resolutions: Resolutions) -> None:
        super().__init__()
        self.register_buffer("aabb", torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]))
        self.grids = nn.ModuleList(
            nn.ParameterList(
                nn.Parameter(torch.zeros(1, CHANNELS, size[down], size[along]))
                for along, down in PLANES
            )
            for size in resolutions
        )

    def forward(self, xyz: torch.Tensor) -> torch.Tensor:
        # The corners are swapped, so coordinates come out mirrored. So they were in training.
        at = (xyz - self.aabb[0]) * (2 / (self.aabb[1] - self.aabb[0])) - 1
        scales = []
        for planes in self.grids:
            product = torch.ones(len(xyz), CHANNELS)
            for plane, axes in zip(planes, PLANES, strict=True):  # type: ignore[call-overload]
                where = at[None, None][..., list(axes)]
                found = grid_sample(plane, where, padding_mode="border", align_corners=True)
                product = product * found[0, :, 0].T
            scales.append(product)
        return torch.cat(scales, dim=1)


class CrossAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w_q = nn.Linear(WIDTH, WIDTH)
        self.w_k = nn.Linear(WIDTH, WIDTH)
        self.w_v = nn.Linear(WIDTH, WIDTH)
        self.w_concat = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Attended [N, 64] and weights [HEADS, N, 4]."""

        def heads(values: torch.Tensor) -> torch.Tensor:
            return values.view(-1, HEADS, HEAD).transpose(0, 1)

        q, k, v = heads(self.w_q(x)), heads(self.w_k(tokens)), heads(self.w_v(tokens))
        weights = torch.softmax(q @ k.transpose(1, 2) / HEAD**0.5, dim=-1)
        joined = (weights @ v).transpose(0, 1).reshape(-1, WIDTH)
        return self.w_concat(joined), weights


class Norm(nn.Module):
    """Layer norm whose epsilon float16 would lose: keep this in float32."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))
        self.beta = nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.layer_norm(x, (WIDTH,), self.gamma, self.beta, eps=1e-12)


class FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(WIDTH, 2 * WIDTH)
        self.linear2 = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.linear2(torch.relu(self.linear1(x)))
        return found


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enc_dec_attention = CrossAttention()
        self.norm1 = Norm()
        self.ffn = FeedForward()
        self.norm2 = Norm()

    def forward(self, x: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        attended, weights = self.enc_dec_attention(x, tokens)
        x = self.norm1(attended + x)
        return self.norm2(self.ffn(x) + x), weights


def _head(outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Linear(WIDTH, 128), nn.ReLU(), nn.Linear(128, outputs))


class DeformationNetwork(AudioCode):
    def __init__(self, layers: int, resolutions: Resolutions) -> None:
        super().__init__(AUDIO_CHANNELS)
        self.null_vector = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.tri_plane = nn.ModuleDict({"grid": PlaneProduct(resolutions)})
        self.transformer = nn.ModuleDict({"layers": nn.ModuleList(Layer() for _ in range(layers))})
        self.audio_mlp = Mlp(CODE, WIDTH, WIDTH)
        self.eye_mlp = Mlp(CODE, WIDTH, WIDTH)
        self.cam_mlp = Mlp(12, WIDTH, WIDTH)
        for name, outputs in OUTPUTS.items():
            setattr(self, f"{name}_deform", _head(outputs))

    def layers(self) -> list[Layer]:
        return [module for module in self.transformer.modules() if isinstance(module, Layer)]

    def encode(self, xyz: torch.Tensor) -> torch.Tensor:
        """[N, 3] to [N, 64]."""
        found: torch.Tensor = self.tri_plane["grid"](xyz)
        return found

    def tokens(self, code: torch.Tensor, eye: torch.Tensor, camera: torch.Tensor) -> torch.Tensor:
        """[4, 64] from the audio code [1, 32], the eye code [1, 32] and the camera [1, 12].

        The camera is the transposed world-to-camera rotation, row by row, and the translation.
        """
        parts = [self.audio_mlp(code), self.eye_mlp(eye), self.cam_mlp(camera)]
        return torch.cat([*parts, self.null_vector[0]])

    def attend(
        self, features: torch.Tensor, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Hidden values [N, 64] and each layer's weights [HEADS, N, 4]."""
        x, seen = features, []
        for layer in self.layers():
            x, weights = layer(x, tokens)
            seen.append(weights)
        return x, seen

    def deltas(self, hidden: torch.Tensor) -> dict[str, torch.Tensor]:
        """[N, outputs] by the names of OUTPUTS: added to the raw Gaussians."""
        return {name: getattr(self, f"{name}_deform")(hidden) for name in OUTPUTS}


def dead_shapes() -> dict[str, tuple[int, ...]]:
    """Keys that every checkpoint has and that inference does not use."""
    shapes: dict[str, tuple[int, ...]] = {
        "pos_poc": (10,),
        "rotation_scaling_poc": (2,),
        "opacity_poc": (2,),
    }
    linear = {
        "tri_plane.feature_out.0": (128, WIDTH),
        "tri_plane.feature_out.2": (128, 128),
    }
    for name, outputs in OUTPUTS.items():
        if name != "pos":
            linear[f"tri_plane.{name}.1"] = (128, 128)
            linear[f"tri_plane.{name}.3"] = (outputs, 128)
    for name, shape in linear.items():
        shapes[f"deformation_net.{name}.weight"] = shape
        shapes[f"deformation_net.{name}.bias"] = shape[:1]
    plain = {
        "aud_ch_att_net": (CODE, WIDTH, CODE),
        "eye_att_net": (CODE, 16, 1),
        "enc_x_mlp": (CODE, WIDTH, WIDTH),
    }
    for name, (a, b, c) in plain.items():
        shapes[f"deformation_net.{name}.net.0.weight"] = (b, a)
        shapes[f"deformation_net.{name}.net.1.weight"] = (c, b)
    return shapes
