# SPDX-License-Identifier: Apache-2.0
"""From an audio encoder on disk to the graph of a plan that makes an avatar's rows of features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from .. import parity
from ..parity import Parity
from ..to_onnx import Graph, OnnxGraph, Port, exported, stored, to_onnx
from .window import SAMPLE_RATE, EncoderWindow

FloatArray = NDArray[np.float32]

GRAPH = "encoder"
TOLERANCE = 2e-3  # of vectors whose numbers are about 1: 24 layers in float32
PROOF_RUNS = 3


@dataclass(frozen=True, slots=True)
class Encoder:
    source: Path
    onnx: OnnxGraph
    window: EncoderWindow
    parity: tuple[Parity, ...]
    look_ahead: int  # samples beyond a row's own position
    multiply_adds: int | None  # of a second of speech, where they can be counted

    def manifest(self) -> dict[str, Any]:
        """What features.encoder says."""
        return self.window.manifest(GRAPH)


class _Only(nn.Module):
    """A graph's forward returns all outputs."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, samples: Tensor) -> tuple[Tensor]:
        return (self.module(samples),)


def build_encoder(
    source: Path, channels: int, row_width: int, window: EncoderWindow | None = None
) -> Encoder:
    """`source`: a folder or file of HuBERT or wav2vec2, or DeepSpeech as .onnx. `window` takes the
    place of the usual one. Raises CheckpointError, ParityError or OSError."""
    deepspeech = source.suffix.lower() == ".onnx" and source.is_file()
    build = _deepspeech if deepspeech else _transformer
    onnx, used, count = build(source, channels, row_width, window)
    rows = parity.compare(onnx, list(_proof_windows(used)), TOLERANCE)
    parity.require(rows)
    return Encoder(source, onnx, used, tuple(rows), used.look_ahead(row_width), count)


def _graph(module: nn.Module, window: EncoderWindow, channels: int) -> Graph:
    return Graph(
        name=GRAPH,
        runs="window",
        module=module,
        inputs=(Port("samples", (1, window.samples), "pipeline"),),
        outputs=(Port("vectors", (window.vectors, channels)),),
    )


def _transformer(
    source: Path, channels: int, row_width: int, given: EncoderWindow | None
) -> tuple[OnnxGraph, EncoderWindow, int | None]:
    from ..multiply_adds import multiply_adds
    from .folder import read_encoder
    from .speech_window import speech_window

    module, window = speech_window(read_encoder(source), channels, row_width, given)
    onnx = to_onnx(_graph(_Only(module).eval(), window, channels))
    count = multiply_adds(module, [(1, window.samples)]) * SAMPLE_RATE // window.step
    return onnx, window, count


def _deepspeech(
    source: Path, channels: int, row_width: int, given: EncoderWindow | None
) -> tuple[OnnxGraph, EncoderWindow, int | None]:
    from ..checkpoint import CheckpointError
    from .deepspeech import WINDOW, DeepSpeechWindow, joined, read_deepspeech
    from .mfcc import INPUTS, Mfcc
    from .window import FRAME

    if row_width != 16:
        raise CheckpointError(
            f"{source}: makes rows of 16 vectors; the avatar was trained with rows of {row_width}"
        )
    window = WINDOW if given is None else replace(given, lead=WINDOW.lead)
    network = read_deepspeech(source, channels, window)
    dims = network.graph.input[0].type.tensor_type.shape.dim
    steps = window.samples // FRAME
    shape = (1, steps, INPUTS) if len(dims) == 3 else (steps, INPUTS)
    front = Graph(
        name=GRAPH,
        runs="window",
        module=_Shaped(Mfcc(), shape).eval(),
        inputs=(Port("samples", (1, window.samples), "pipeline"),),
        outputs=(Port("features", shape),),
    )
    graph = _graph(DeepSpeechWindow(network, window).eval(), window, channels)
    return stored(graph, joined(exported(front), network, window)), window, None


class _Shaped(nn.Module):
    def __init__(self, module: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.module, self.shape = module, shape

    def forward(self, samples: Tensor) -> tuple[Tensor]:
        return (self.module(samples).reshape(self.shape),)


def _proof_windows(window: EncoderWindow) -> Iterator[dict[str, FloatArray]]:
    """Voices of three kinds: buzzing with pauses, noise, and the silence before speech."""
    rng = np.random.default_rng(11)
    time = np.arange(window.samples) / SAMPLE_RATE
    pitch = 2 * np.pi * np.cumsum(110 + 40 * np.sin(2 * np.pi * 0.7 * time)) / SAMPLE_RATE
    buzz = sum(np.sin(k * pitch) / k for k in range(1, 30)) * np.abs(np.sin(2 * np.pi * 1.3 * time))
    noise = rng.normal(0, 0.1, window.samples)
    late = np.where(np.arange(window.samples) < window.before, 0, 0.2 * noise + 0.1 * buzz)
    for signal in (0.1 * buzz, noise, late)[:PROOF_RUNS]:
        yield {"samples": np.asarray(signal, np.float32)[None]}
