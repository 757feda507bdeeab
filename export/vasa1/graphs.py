# SPDX-License-Identifier: Apache-2.0
"""The graphs of the model, by how often they run; DESIGN.md says what flows between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from ..encoders.hubert import FRAME
from ..to_onnx import Graph, Port, State
from .appearance import AppearanceExtractor
from .denoising_split import DenoisingStep, SpeechWindow
from .generator import Generator
from .generator_split import FastGenerator
from .keypoints import degrees, rotation, transform
from .motion_extractor import MotionExtractor
from .motion_generator import MotionGenerator
from .stitching import KeypointMlp, retarget, stitch
from .warping import Warping
from .warping_split import FrameWarp, PortraitWarp, StaticWarp

PICTURE = 256  # side of the portrait's crop
HALVINGS = 4  # the volume's side is the crop's over this
EXTRA_SAMPLES = 80  # what the last hidden vector of a window needs beyond its own samples
VECTORS_A_FRAME = 2
PIPELINE = "pipeline"  # the source of inputs that a runtime makes itself


@dataclass(frozen=True, slots=True)
class Renderer:
    appearance: AppearanceExtractor
    motion: MotionExtractor
    warping: Warping
    generator: Generator
    stitching: KeypointMlp
    eyes: KeypointMlp
    lips: KeypointMlp


class PortraitMotion(nn.Module):
    """A crop to its keypoints, and to what composing new ones needs."""

    def __init__(self, original: MotionExtractor) -> None:
        super().__init__()
        self.original = original

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        found = self.original(image)
        kp, exp = (value.reshape(1, -1, 3) for value in (found.kp, found.exp))
        R = rotation(degrees(found.pitch), degrees(found.yaw), degrees(found.roll))
        x = transform(kp, R, exp, found.scale, found.t)
        return x, kp, exp, found.scale, found.t, R


class PortraitAppearance(nn.Module):
    def __init__(self, appearance: AppearanceExtractor, warping: Warping) -> None:
        super().__init__()
        self.appearance = appearance
        self.warp = PortraitWarp(warping)

    def forward(self, image: Tensor, kp_s: Tensor) -> StaticWarp:
        return self.warp(self.appearance(image), kp_s)  # type: ignore[no-any-return]


class Stitch(nn.Module):
    def __init__(self, net: KeypointMlp) -> None:
        super().__init__()
        self.net = net

    def forward(self, kp_s: Tensor, kp_d: Tensor) -> tuple[Tensor]:
        return (stitch(self.net, kp_s, kp_d),)


class Retarget(nn.Module):
    def __init__(self, net: KeypointMlp) -> None:
        super().__init__()
        self.net = net

    def forward(self, kp_s: Tensor, ratios: Tensor) -> tuple[Tensor]:
        return (retarget(self.net, kp_s, ratios),)


class Warp(nn.Module):
    def __init__(self, warping: Warping, size: int) -> None:
        super().__init__()
        self.warp = FrameWarp(warping, size)

    def forward(
        self,
        table: Tensor,
        compressed: Tensor,
        still: Tensor,
        heat: Tensor,
        kp_s: Tensor,
        kp_d: Tensor,
    ) -> tuple[Tensor]:
        return (self.warp(table, compressed, still, heat, kp_s, kp_d),)


class Picture(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = FastGenerator(generator)

    def forward(self, feature: Tensor) -> tuple[Tensor]:
        return (self.generator(feature),)


class Denoise(nn.Module):
    def __init__(self, net: MotionGenerator) -> None:
        super().__init__()
        self.step = DenoisingStep(net)

    def forward(
        self, motion: Tensor, prev_motion: Tensor, rows: Tensor, step: Tensor, guidance: Tensor
    ) -> tuple[Tensor]:
        return (self.step(motion, prev_motion, rows, step, guidance),)


def portrait_graphs(renderer: Renderer, picture: int = PICTURE) -> list[Graph]:
    config = renderer.warping.config
    size, points = picture // HALVINGS, (1, config.keypoints, 3)
    cells = (config.depth, size, size)
    table = ((config.depth + 2) * (size + 2) ** 2, config.channels)
    motion = (
        ("keypoints", points),
        ("canonical", points),
        ("expression", points),
        ("scale", (1, 1)),
        ("translation", (1, 3)),
        ("rotation", (1, 3, 3)),
    )
    static = (
        ("table", table),
        ("compressed", (config.compressed, *cells)),
        ("still", (config.compressed, *cells)),
        ("heat", (config.keypoints, *cells)),
    )
    image = Port("image", (1, 3, picture, picture), PIPELINE)
    return [
        Graph(
            "portrait_motion",
            "portrait",
            PortraitMotion(renderer.motion),
            (image,),
            tuple(Port(name, shape) for name, shape in motion),
        ),
        Graph(
            "portrait_appearance",
            "portrait",
            PortraitAppearance(renderer.appearance, renderer.warping),
            (image, Port("kp_source", points, "portrait_motion.keypoints")),
            tuple(Port(name, shape) for name, shape in static),
        ),
    ]


def window_graphs(net: MotionGenerator) -> list[Graph]:
    config = net.config
    samples = config.frames * VECTORS_A_FRAME * FRAME + EXTRA_SAMPLES
    rows = (config.layers, 2, config.length, config.width)
    motion = (1, config.frames, config.motion)
    previous = (1, config.previous, config.width)
    start = net.start_audio_feat.detach().numpy().astype(np.float32)
    return [
        Graph(
            "speech",
            "window",
            SpeechWindow(net),
            (Port("samples", (1, samples), PIPELINE),),
            (Port("rows", rows),),
            (State("prev_audio", "next_prev_audio", previous, start),),
        ),
        Graph(
            "denoise",
            "window",
            Denoise(net),
            (
                Port("motion", motion, PIPELINE),
                Port("prev_motion", (1, config.previous, config.motion), PIPELINE),
                Port("rows", rows, "speech.rows"),
                Port("step", (1,), PIPELINE),
                Port("guidance", (1,), PIPELINE),
            ),
            (Port("clean", motion),),
        ),
    ]


def frame_graphs(renderer: Renderer, picture: int = PICTURE) -> list[Graph]:
    config = renderer.warping.config
    size, points = picture // HALVINGS, (1, config.keypoints, 3)
    portrait = {port.name: port.shape for port in portrait_graphs(renderer, picture)[1].outputs}
    source = Port("kp_source", points, "portrait_motion.keypoints")
    driving = Port("kp_driving", points, PIPELINE)
    warped = (1, config.outputs, size, size)
    side = 4 * renderer.generator.config.upscale * size
    given = tuple(
        Port(name, shape, f"portrait_appearance.{name}") for name, shape in portrait.items()
    )
    return [
        Graph(
            "stitch",
            "frame",
            Stitch(renderer.stitching),
            (source, driving),
            (Port("stitched", points),),
        ),
        Graph(
            "retarget_eyes",
            "frame",
            Retarget(renderer.eyes),
            (source, Port("ratios", (1, 3), PIPELINE)),
            (Port("change", points),),
        ),
        Graph(
            "retarget_lips",
            "frame",
            Retarget(renderer.lips),
            (source, Port("ratios", (1, 2), PIPELINE)),
            (Port("change", points),),
        ),
        Graph(
            "warp",
            "frame",
            Warp(renderer.warping, size),
            (*given, source, driving),
            (Port("warped", warped),),
        ),
        Graph(
            "picture",
            "frame",
            Picture(renderer.generator),
            (Port("warped", warped, "warp.warped"),),
            (Port("rgb", (1, 3, side, side)),),
        ),
    ]
