# SPDX-License-Identifier: Apache-2.0
"""Published weights to networks: their configuration from the files, every key accounted for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..checkpoint import CheckpointError, read_checkpoint
from ..pickle_machine import load
from ..pickle_names import PickleError
from ..shapes import Shape
from ..state_dict import load_state
from . import diffusion
from .appearance import AppearanceConfig, AppearanceExtractor
from .generator import Generator, GeneratorConfig
from .graphs import Renderer
from .layout import find_files
from .motion_extractor import MotionExtractor, MotionExtractorConfig
from .motion_generator import (
    RECOMPUTED,
    RECOMPUTED_PREFIX,
    MotionConfig,
    MotionGenerator,
    Positions,
)
from .stitching import EYES, LIPS, STITCHING, KeypointMlp, widths_of
from .template import POSE, Template
from .warping import Warping, WarpingConfig

FPS = 25
MAX_TEMPLATE_BYTES = 16 << 20
COUNTER = "num_batches_tracked"  # of a norm: some converters drop it, nothing reads it
RETARGETING = {
    "stitching": ("retarget_shoulder", STITCHING),
    "eyes": ("retarget_eye", EYES),
    "lips": ("retarget_mouth", LIPS),
}
# A weight norm's parts as newer and as older versions of PyTorch name them.
WEIGHT_NORM = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}
# What a training's arguments call the numbers that its shapes show.
ARGUMENTS = {
    "motion_feat_dim": "motion",
    "n_motions": "frames",
    "n_prev_motions": "previous",
    "feature_dim": "width",
    "n_diff_steps": "steps",
}

State = dict[str, Any]
Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Weights:
    renderer: Renderer
    motion_generator: MotionGenerator
    template: Template


def read_weights(folder: Path, positions: Positions = "constant") -> Weights:
    """`positions`: which encoding the motion generator was trained with; its file does not say."""
    files = find_files(folder)
    corrections = read_checkpoint(files.retargeting)

    def correction(field: str) -> KeypointMlp:
        entry, published = RETARGETING[field]
        state = _entry(files.retargeting, corrections, entry)
        widths = _configured(state, widths_of, published)
        return _filled(KeypointMlp(widths), f"{files.retargeting}: {entry}", state)

    def network(path: Path, config: Any, kind: Callable[[Any], Net]) -> Net:
        state = _state(path, read_checkpoint(path))
        return _filled(kind(_configured(state, config.of, config())), str(path), state)

    return Weights(
        renderer=Renderer(
            appearance=network(files.appearance, AppearanceConfig, AppearanceExtractor),
            motion=network(files.motion, MotionExtractorConfig, MotionExtractor),
            warping=network(files.warping, WarpingConfig, Warping),
            generator=network(files.generator, GeneratorConfig, Generator),
            stitching=correction("stitching"),
            eyes=correction("eyes"),
            lips=correction("lips"),
        ),
        motion_generator=read_motion_generator(files.motion_generator, positions),
        template=read_template(files.template),
    )


def read_motion_generator(path: Path, positions: Positions) -> MotionGenerator:
    value = read_checkpoint(path)
    wrapped = isinstance(value, dict) and "model" in value
    state = _state(path, value["model"] if wrapped else value)
    arguments = value.get("args", {}) if wrapped else {}
    if not isinstance(arguments, dict):
        raise CheckpointError(f"{path}: args is a {type(arguments).__name__}, expected names")
    for new, old in WEIGHT_NORM.items():
        for key in [key for key in state if key.endswith(f"pos_conv_embed.conv.{old}")]:
            state[key.removesuffix(old) + new] = state.pop(key)
    frames, steps = _lengths(path, state, arguments)
    _check_schedule(path, state, steps)
    weights = {
        key: value
        for key, value in state.items()
        if key not in RECOMPUTED and not key.startswith(RECOMPUTED_PREFIX)
    }
    config = _configured(
        weights,
        lambda shapes: MotionConfig.of(shapes, frames, steps, positions),
        MotionConfig(frames=frames, steps=steps, positions=positions),
    )
    net = _filled(MotionGenerator(config), f"{path}: model", weights)
    for name, field in ARGUMENTS.items():
        if arguments.get(name, getattr(config, field)) != getattr(config, field):
            raise CheckpointError(
                f"{path}: args.{name} is {arguments[name]}, but the weights are made for "
                f"{getattr(config, field)}"
            )
    if arguments.get("fps", FPS) != FPS:
        raise CheckpointError(f"{path}: args.fps is {arguments['fps']}, expected {FPS}")
    return net


def read_template(path: Path) -> Template:
    """The statistics that training normalised motion with."""
    value = _pickled(path) if path.suffix == ".pkl" else read_checkpoint(path)
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: a {type(value).__name__}, expected names and arrays")

    def numbers(name: str, size: int | None = None) -> NDArray[np.float32]:
        found = value.get(name)
        if found is None:
            raise CheckpointError(f"{path}: {name} is missing")
        array = np.asarray(found)
        if array.dtype.kind not in "fiu" or (size is not None and array.size != size):
            wanted = "numbers" if size is None else f"{size} numbers"
            raise CheckpointError(
                f"{path}: {name} is {array.dtype} {array.shape}, expected {wanted}"
            )
        if not np.isfinite(array).all():
            raise CheckpointError(f"{path}: {name} has NaN or infinity, expected finite numbers")
        return array.reshape(-1).astype(np.float32)

    mean = numbers("mean_exp")
    if mean.size == 0 or mean.size % 3:
        raise CheckpointError(f"{path}: mean_exp has {mean.size} numbers, expected 3 a keypoint")

    def pose(kind: str) -> NDArray[np.float32]:
        return np.concatenate([numbers(f"{kind}_{name}", 3 if name == "t" else 1) for name in POSE])

    return Template(mean, numbers("std_exp", mean.size), pose("min"), pose("max"))


def _pickled(path: Path) -> Any:
    try:
        size = path.stat().st_size
        if size > MAX_TEMPLATE_BYTES:
            raise CheckpointError(f"{path}: {size} bytes, expected at most {MAX_TEMPLATE_BYTES}")
        return load(memoryview(path.read_bytes()), 0, None)[0]
    except PickleError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None


def _state(path: Path, value: Any) -> State:
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: a {type(value).__name__}, expected a state dict")
    return dict(value)


def _entry(path: Path, value: Any, entry: str) -> State:
    """A network's state in a file of several: nested, or flat with the entry before each key."""
    whole = _state(path, value)
    if entry in whole:
        state = _state(path, whole[entry])
    else:
        start = f"{entry}."
        state = {k.removeprefix(start): v for k, v in whole.items() if k.startswith(start)}
    if not state:
        raise CheckpointError(f"{path}: {entry} is missing")
    return {key.removeprefix("module."): value for key, value in state.items()}


def _shapes(state: State) -> dict[str, Shape]:
    return {k: tuple(v.shape) for k, v in state.items() if isinstance(v, np.ndarray)}


def _configured(state: State, of: Callable[[Mapping[str, Shape]], Any], published: Any) -> Any:
    """The state's configuration; the published one where the state is too broken to tell, so that
    all that is wrong with it can be listed."""
    try:
        return of(_shapes(state))
    except (KeyError, IndexError, ValueError, ZeroDivisionError):
        return published


def _filled(net: Net, source: str, state: State) -> Net:
    counters = {
        key: np.zeros((), np.int64)
        for key in net.state_dict()
        if key.endswith(COUNTER) and key not in state
    }
    load_state(net, source, state | counters)
    return net


def _lengths(path: Path, state: State, arguments: State) -> tuple[int, int]:
    """Frames of a window and diffusion steps: the arguments', or those of the stored tables."""
    mask, betas = state.get("denoising_net.alignment_mask"), state.get("diffusion_sched.betas")
    start = state.get("start_motion_feat")
    frames, steps = arguments.get("n_motions"), arguments.get("n_diff_steps")
    if frames is None and isinstance(mask, np.ndarray) and isinstance(start, np.ndarray):
        frames = len(mask) - start.shape[1] if mask.ndim and start.ndim > 1 else None
    if steps is None and isinstance(betas, np.ndarray) and betas.ndim == 1:
        steps = len(betas) - 1
    for name, found in (("n_motions", frames), ("n_diff_steps", steps)):
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= 10_000:
            raise CheckpointError(f"{path}: args.{name} is {found}, expected 1 to 10000")
    assert isinstance(frames, int) and isinstance(steps, int)
    if isinstance(mask, np.ndarray) and isinstance(start, np.ndarray) and start.ndim == 3:
        length = start.shape[1] + frames
        if mask.shape != (length, length):
            raise CheckpointError(
                f"{path}: denoising_net.alignment_mask is {mask.shape}, "
                f"expected {(length, length)} for windows of {frames} frames"
            )
    return frames, steps


def _check_schedule(path: Path, state: State, steps: int) -> None:
    stored = state.get("diffusion_sched.betas")
    if stored is None:
        return
    ours = diffusion.cosine(steps).betas
    if not isinstance(stored, np.ndarray) or stored.shape != ours.shape:
        shape = getattr(stored, "shape", type(stored).__name__)
        raise CheckpointError(f"{path}: diffusion_sched.betas is {shape}, expected {ours.shape}")
    error = float(np.abs(stored - ours).max())
    if not error < 1e-4:
        raise CheckpointError(
            f"{path}: diffusion_sched.betas is {error:.1e} off, expected the cosine schedule"
        )
