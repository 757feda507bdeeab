# SPDX-License-Identifier: Apache-2.0
"""S: small corrections of driving keypoints, so that the face joins the picture around it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..shapes import Shape, numbered

STITCHING = (126, 128, 128, 64, 65)
EYES = (66, 256, 256, 128, 128, 64, 63)
LIPS = (65, 128, 128, 64, 63)


def widths_of(shapes: Mapping[str, Shape]) -> tuple[int, ...]:
    layers = numbered(shapes, "mlp.{}.weight", step=2)
    names = [f"mlp.{2 * layer}.weight" for layer in range(layers)]
    return (shapes[names[0]][1], *(shapes[name][0] for name in names))


class KeypointMlp(nn.Module):
    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.mlp = nn.Sequential()
        for a, b in itertools.pairwise(widths):
            if len(self.mlp):
                self.mlp.append(nn.ReLU())
            self.mlp.append(nn.Linear(a, b))

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(x)  # type: ignore[no-any-return]


def stitch(net: nn.Module, x_s: Tensor, x_d: Tensor) -> Tensor:
    """Driving keypoints [B, K, 3], moved to fit the source's [B, K, 3]."""
    keypoints = x_d.shape[1]
    raw: Tensor = net(torch.cat([x_s.flatten(1), x_d.flatten(1)], dim=1))
    moved = x_d + raw[:, : 3 * keypoints].reshape(-1, keypoints, 3)
    shift = torch.cat([raw[:, 3 * keypoints :], torch.zeros_like(raw[:, :1])], dim=1)
    return moved + shift.unsqueeze(1)


def retarget(net: nn.Module, x_s: Tensor, ratios: Tensor) -> Tensor:
    """The change [B, K, 3] of keypoints for eyes (left, right, wanted) or lips (now, wanted)."""
    delta: Tensor = net(torch.cat([x_s.flatten(1), ratios], dim=1))
    return delta.reshape(x_s.shape)


def eye_ratios(landmarks: Tensor) -> Tensor:
    """[B, 203, 2] to [B, 2]: how far each eye is open, height over width."""
    return torch.cat(
        [_opening(landmarks, 6, 18, 0, 12), _opening(landmarks, 30, 42, 24, 36)], dim=1
    )


def lip_ratio(landmarks: Tensor) -> Tensor:
    """[B, 203, 2] to [B, 1]: how far the lips are open, height over width."""
    return _opening(landmarks, 90, 102, 48, 66)


def _opening(landmarks: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    height = (landmarks[:, top] - landmarks[:, bottom]).square().sum(dim=1, keepdim=True).sqrt()
    width = (landmarks[:, left] - landmarks[:, right]).square().sum(dim=1, keepdim=True).sqrt()
    return height / (width + 1e-6)
