# SPDX-License-Identifier: Apache-2.0
"""The trained network as the exporter needs it: the graph, and the plan's motion section.

    graph = speech_graph()            # a to_onnx.Graph: module, ports, states and their start
    section = motion_section()        # the part of "motion" that belongs to the network

Loading needs torch and safetensors; importing this file needs neither.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...to_onnx import Graph, Port, State
from .steps import FRAMES_PER_STEP, STEP, TIME_OFFSET
from .visemes import COEFFICIENTS

if TYPE_CHECKING:
    from .network import SpeechNet

GRAPH = "speech_to_motion"
WEIGHTS = Path(__file__).with_name("weights") / "speech_to_motion.safetensors"
_ONE_SIDED = {"jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "tongueOut"} | {
    name for name in COEFFICIENTS if name.startswith(("mouthRoll", "mouthShrug"))
}


def channels(coefficient: str) -> tuple[str, ...]:
    """The rig's channels that one output drives: both sides where ARKit has two."""
    if coefficient in _ONE_SIDED:
        return (coefficient,)
    return (f"{coefficient}Left", f"{coefficient}Right")


def motion_section() -> dict[str, Any]:
    """The keys of the manifest's "motion" that follow from the network."""
    return {
        "graph": GRAPH,
        "step_samples": STEP,
        "frames_per_step": FRAMES_PER_STEP,
        "time_offset": TIME_OFFSET,
        "coefficients": [
            {"output": row, "channels": list(channels(name))}
            for row, name in enumerate(COEFFICIENTS)
        ],
    }


def load_net(path: Path = WEIGHTS) -> SpeechNet:
    """The sequence form with trained weights, in evaluation mode."""
    from safetensors.torch import load_file

    from .network import SpeechNet

    if not path.exists():
        raise FileNotFoundError(f"{path}: no weights; train them with talkrt's speech.train")
    net = SpeechNet()
    found = load_file(path)
    missing, unexpected = net.load_state_dict(found, strict=False)
    missing = [name for name in missing if not name.startswith("visemes.")]
    if missing or unexpected:
        raise ValueError(f"{path}: lacks {missing}, has unknown {unexpected}")
    return net.eval()


def speech_graph(path: Path = WEIGHTS) -> Graph:
    """The streaming form, ready for `to_onnx`."""
    from .network import MELS, SpeechStep

    net = load_net(path)
    states = [
        _state("mean", (1, MELS), net.initial_mean.numpy()[None]),
        _state("peak", (1, 1), net.initial_peak.numpy()[None]),
    ]
    for index, shape in enumerate(net.past_shapes()):
        states.append(_state(f"past{index}", (1, *shape), None))
    return Graph(
        name=GRAPH,
        runs="window",
        module=SpeechStep(net),
        inputs=(Port("mel", (1, FRAMES_PER_STEP, MELS), "features"),),
        outputs=(
            Port("coefficients", (1, len(COEFFICIENTS))),
            Port("closure", (1, 1)),
            Port("energy", (1, 1)),
        ),
        states=tuple(states),
        half_weights=True,
    )


def _state(name: str, shape: tuple[int, ...], init: np.ndarray | None) -> State:
    return State(f"{name}_in", f"{name}_out", shape, init)
