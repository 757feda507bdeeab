# SPDX-License-Identifier: Apache-2.0
"""The published networks on one portrait and a little speech: what every graph would be given,
what it must answer, and the check clip's frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import reference, sampling
from .composition import Composition, Source
from .crop import Picture, halved
from .keypoints import transform
from .manifest import MULTIPLIER, SMOOTHING
from .speech_windows import Samples, extended, windows
from .stitching import retarget, stitch
from .weights import Weights

Array = NDArray[np.float32]
Named = Mapping[str, Array]
MOST_RUNS = 3  # of a graph: the first ones of a clip; more would repeat what they prove


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a graph. Inputs that other graphs make are added when those have run."""

    inputs: Named
    expected: Named  # by output or state; outputs that the published form does not have are absent


@dataclass(frozen=True, slots=True)
class Rehearsal:
    runs: Mapping[str, Sequence[Run]]  # by graph
    frames: Mapping[int, NDArray[np.uint8]]  # by their numbers


@dataclass(slots=True)
class _Notes:
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def add(self, graph: str, inputs: Named, **expected: Tensor) -> None:
        runs = self.runs.setdefault(graph, [])
        if len(runs) < MOST_RUNS:
            runs.append(Run(inputs, {name: _array(value) for name, value in expected.items()}))


def rehearse(
    weights: Weights,
    portrait: Picture,
    speech: Samples,
    frames: Sequence[int],
    sampling_of: reference.Sampling,
    seed: int,
    progress: Callable[[], None] = lambda: None,
) -> Rehearsal:
    """`portrait`: the crop, [S, S, 3]. `progress` is called after each frame."""
    notes = _Notes()
    renderer = weights.renderer
    with torch.no_grad():
        image = halved(portrait)
        found = reference.portrait_of(renderer, image)
        source, x_s = found.source, found.source.x
        notes.add(
            "portrait_motion",
            {"image": image},
            keypoints=x_s,
            canonical=source.kp,
            expression=source.exp,
            scale=source.scale,
            translation=source.t,
            rotation=source.R,
        )
        table = sampling.rows(found.feature[0])
        notes.add("portrait_appearance", {"image": image, "kp_source": _array(x_s)}, table=table)
        values = _motion(weights, speech, sampling_of, seed, notes)
        track = reference.motion_of(values, weights.template, SMOOTHING)
        driving = reference.driving_keypoints(
            renderer, source, track, Composition(multiplier=MULTIPLIER)
        )
        _corrections(weights, source, notes)
        pictures = {}
        for index in frames:
            x_d = driving[index : index + 1]
            warped = renderer.warping(found.feature, x_d, x_s).feature
            moved = {"kp_source": _array(x_s), "kp_driving": _array(x_d)}
            notes.add("warp", moved, warped=warped)
            rgb = renderer.generator(warped)
            notes.add("picture", {"warped": _array(warped)}, rgb=rgb)
            pictures[index] = reference.eight_bit(rgb)
            progress()
    return Rehearsal(notes.runs, pictures)


def _motion(
    weights: Weights, speech: Samples, options: reference.Sampling, seed: int, notes: _Notes
) -> Array:
    net = weights.motion_generator
    for window in windows(speech, net.config.frames)[:MOST_RUNS]:
        samples = extended(window)[None]
        audio = net.audio_features(torch.from_numpy(samples))
        notes.add("speech", {"samples": samples}, next_prev_audio=audio[:, -net.config.previous :])
    guided = net.guided

    def noted(
        x: Tensor, audio: Tensor, prev: tuple[Tensor, Tensor], step: int, guidance: float
    ) -> Tensor:
        clean = guided(x, audio, prev, step, guidance)
        inputs = {
            "motion": _array(x),
            "prev_motion": _array(prev[0]),
            "step": np.array([step], np.float32),
            "guidance": np.array([guidance], np.float32),
        }
        notes.add("denoise", inputs, clean=clean)
        return clean

    denoise = reference.denoiser(net, options, reference.seeded(net, seed), noted)
    return reference.generated(net, speech, denoise)


def _corrections(weights: Weights, source: Source, notes: _Notes) -> None:
    """The small networks, on a face that has turned and opened a little."""
    renderer, x_s = weights.renderer, source.x
    turned = transform(source.kp, source.R, source.exp, 1.05 * source.scale, source.t + 0.02)
    notes.add(
        "stitch",
        {"kp_source": _array(x_s), "kp_driving": _array(turned)},
        stitched=stitch(renderer.stitching, x_s, turned),
    )
    for graph, net, ratios in (
        ("retarget_eyes", renderer.eyes, [[0.3, 0.32, 0.1]]),
        ("retarget_lips", renderer.lips, [[0.05, 0.3]]),
    ):
        given = torch.tensor(ratios)
        change = retarget(net, x_s, given)
        notes.add(graph, {"kp_source": _array(x_s), "ratios": _array(given)}, change=change)


def _array(value: Tensor) -> Array:
    return np.ascontiguousarray(value.detach().numpy())
