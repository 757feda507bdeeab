# SPDX-License-Identifier: Apache-2.0
"""The networks of a frame as a plain export has them, beside the graphs that ship, as ONNX files.

Plain: the published modules handed to PyTorch's exporter, with the two rank-5 GridSample of the
warp. Both forms have the same weights, and inputs that come from the same portrait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..to_onnx import Graph, Port, exported
from . import check_clip, reference
from .crop import halved
from .graphs import PIPELINE, PortraitAppearance, frame_graphs, window_graphs
from .keypoints import transform
from .speech_windows import extended, windows
from .speed import FRAME, INPUTS, PLAIN, Named
from .warping import Warping
from .weights import Weights


class PlainWarp(nn.Module):
    def __init__(self, warping: Warping) -> None:
        super().__init__()
        self.warping = warping

    def forward(self, feature: Tensor, kp_source: Tensor, kp_driving: Tensor) -> Tensor:
        warped: Tensor = self.warping(feature, kp_driving, kp_source).feature
        return warped


def write_graphs(
    folder: Path, weights: Weights, picture: int, progress: Callable[[], None] = lambda: None
) -> None:
    """`speed.FILES` and their inputs. `progress` is called after each."""
    import onnx

    with torch.no_grad():
        given = _inputs(weights, picture)
    for graph in _graphs(weights, picture, given):
        onnx.save(exported(graph), str(folder / f"{graph.name}.onnx"))
        progress()
    np.savez(folder / INPUTS, **given)  # type: ignore[arg-type]


def _graphs(weights: Weights, picture: int, given: Named) -> Iterator[Graph]:
    for graph in frame_graphs(weights.renderer, picture):
        if graph.name not in FRAME:
            continue
        yield graph
        module: nn.Module = weights.renderer.generator
        inputs = graph.inputs
        if graph.name == "warp":
            module = PlainWarp(weights.renderer.warping)
            names = ("feature", "kp_source", "kp_driving")
            inputs = tuple(Port(name, given[name].shape, PIPELINE) for name in names)
        yield Graph(PLAIN + graph.name, "frame", module, inputs, graph.outputs)
    yield from window_graphs(weights.motion_generator)


def _inputs(weights: Weights, picture: int) -> Named:
    renderer, net = weights.renderer, weights.motion_generator
    image = torch.from_numpy(halved(check_clip.portrait(2 * picture)))
    found = reference.portrait_of(renderer, image.numpy())
    source = found.source
    turned = transform(source.kp, source.R, source.exp + 0.02, 1.05 * source.scale, source.t + 0.02)
    static = PortraitAppearance(renderer.appearance, renderer.warping)(image, source.x)
    warped = renderer.warping(found.feature, turned, source.x).feature
    samples = torch.from_numpy(extended(windows(check_clip.audio(), net.config.frames)[0])[None])
    window = window_graphs(net)[0].module
    rows, _ = window(samples, net.start_audio_feat)
    noise = torch.randn(
        (1, net.config.frames, net.config.motion), generator=torch.Generator().manual_seed(1)
    )
    tensors = {
        "feature": found.feature,
        "kp_source": source.x,
        "kp_driving": turned,
        **static._asdict(),
        "warped": warped,
        "samples": samples,
        "prev_audio": net.start_audio_feat,
        "motion": noise,
        "prev_motion": net.start_motion_feat,
        "rows": rows,
        "step": torch.tensor([float(net.config.steps)]),
        "guidance": torch.tensor([2.8]),
    }
    return {name: np.ascontiguousarray(value.detach().numpy()) for name, value in tensors.items()}
