# SPDX-License-Identifier: Apache-2.0
"""A trained folder to a plan of model `avatar`.

Order matters: nothing is written before the baked networks, ONNX Runtime and the kernel's tensors
have been measured against the original, and the plan takes its name only after the runtime itself
has replayed the check clip.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ... import parity
from ...budgets import DEVICE_BUDGETS
from ...checkpoint import CheckpointError
from ...parity import Parity
from ...plan import write_plan
from ...report import Steps
from ...to_onnx import OnnxGraph
from ..bake_proof import prove
from ..replayed import replayed
from . import check
from .encoder import described, hearing
from .kernel_proof import prove_kernel, same_pictures
from .played import FPS, dataset_folder, orbit_degrees, read_played
from .source import AvatarSource

if TYPE_CHECKING:
    from ...encoders.window import EncoderWindow

SAMPLE_RATE = 16000
SPARE_BUDGET = 256 << 20  # bytes, for a session: binning, pictures, the audio side
LARGEST_COEFFICIENT = 1000.0


@dataclass(frozen=True, slots=True)
class AvatarOptions:
    dataset: Path | None = None
    audio_features: Path | None = None
    name: str | None = None
    licence: str | None = None
    audio_encoder: Path | None = None  # HuBERT, wav2vec2 or DeepSpeech: then audio is enough
    encoder_window: EncoderWindow | None = None  # None: the usual one of its kind
    loop_seconds: float = 6.0
    dilate: bool = False  # TalkingGaussian's --dilate
    torso: bool = True  # GaussianTalker's main branch; its torso branch draws torsos as Gaussians


@dataclass(frozen=True, slots=True)
class ExportedAvatar:
    plan: Path
    bytes: int
    origin: str
    extractor: str
    trained: dict[str, int]  # Gaussians by part
    moved: dict[str, int]
    gaussians: int
    parity: tuple[Parity, ...]
    multiply_adds: dict[str, tuple[int, int]]  # of a frame, as trained and baked, by part
    precision: str  # of what the kernels read for each Gaussian
    half_equal: float  # share of the check pictures' bytes that float16 leaves as they are
    half_largest: int  # and how far the others are off
    track_seconds: float
    track_bytes: int
    check_frames: tuple[int, ...]
    check_psnr_db: tuple[float, ...]  # the runtime's frames against the reference's
    encoder: str | None  # the plan's audio encoder: its file, windows and cost


def export_talkinggaussian(
    folder: Path, output: Path, options: AvatarOptions, steps: Steps
) -> ExportedAvatar:
    """Raises CheckpointError, ParityError, PlanError or OSError, and then leaves what was at
    `output` untouched."""
    from ..talkinggaussian.avatar import avatar_source
    from ..talkinggaussian.checkpoint import read_talkinggaussian

    with steps.step("read the checkpoint"):
        trained = read_talkinggaussian(folder)
    played = read_played(
        _dataset(folder, options),
        extractor=trained.extractor,
        channels=trained.channels,
        row_width=trained.row_width,
        features=options.audio_features,
        hears=options.audio_encoder is not None,
        distance=1.0,
        torso=True,
        most=_track_frames(options),
        steps=steps,
    )
    with steps.step("bake what does not change"):
        source = avatar_source(trained, played, options.dilate)
    return _export(source, output, options, steps, folder)


def export_gaussiantalker(
    folder: Path, output: Path, options: AvatarOptions, steps: Steps
) -> ExportedAvatar:
    """As export_talkinggaussian."""
    from ..gaussiantalker.avatar import DISTANCE, avatar_source
    from ..gaussiantalker.baked import ROW_WIDTH
    from ..gaussiantalker.checkpoint import read_gaussiantalker
    from ..gaussiantalker.network import AUDIO_CHANNELS

    with steps.step("read the checkpoint"):
        trained = read_gaussiantalker(folder)
    played = read_played(
        _dataset(folder, options),
        extractor="deepspeech",
        channels=AUDIO_CHANNELS,
        row_width=ROW_WIDTH,
        features=options.audio_features,
        hears=options.audio_encoder is not None,
        distance=DISTANCE,
        torso=options.torso,
        most=_track_frames(options),
        steps=steps,
    )
    with steps.step("bake what does not change"):
        source = avatar_source(trained, played)
    return _export(source, output, options, steps, folder)


def _dataset(folder: Path, options: AvatarOptions) -> Path:
    found = options.dataset or dataset_folder(folder if folder.is_dir() else folder.parent)
    if found is None:
        raise CheckpointError(
            f"{folder}: cfg_args names no dataset on this machine; say where the folder with "
            "transforms_train.json, au.csv and torso_imgs is, with --dataset"
        )
    return found


def _track_frames(options: AvatarOptions) -> int:
    return max(1, round(options.loop_seconds * FPS))


def _export(
    source: AvatarSource, output: Path, options: AvatarOptions, steps: Steps, folder: Path
) -> ExportedAvatar:
    encoder, audio = None, None
    if options.audio_encoder is not None:
        with steps.step("export the audio encoder"):
            encoder, source, audio = hearing(source, options.audio_encoder, options.encoder_window)
    frames = [frame for frame in check.FRAMES if frame < len(source.played.rows)]
    inputs = [check.frame_inputs(source, frame) for frame in frames]
    rows: list[Parity] = [] if encoder is None else list(encoder.parity)
    exported: list[OnnxGraph] = [] if encoder is None else [encoder.onnx]
    counted: dict[str, tuple[int, int]] = {}
    with steps.step("compare with the original", total=2 * len(source.parts)) as step:
        for part in source.parts:
            proof = prove(part.original, part.graphs, inputs, part.tolerances)
            rows += proof.parity
            exported += proof.exported
            counted[part.deform.graph] = proof.multiply_adds
            step.advance()
            rows += prove_kernel(source.cloud, part, inputs)
            step.advance()
        parity.require(rows)
    with steps.step("compare float16 with float32"):
        equal, largest = same_pictures(source, frames)
        half = equal >= 0.999 and largest <= 1
    with steps.step("render the check clip in float64", total=len(frames)) as step:
        pictures = check.reference_pictures(source, frames, step.advance)
    precision = np.float16 if half else np.float32
    tensors = _tensors(source, exported, precision) | _clip(source, frames, pictures)
    if audio is not None:
        tensors["check/audio"] = audio
    manifest = _manifest(source, exported, options, folder, frames, tensors)
    if encoder is not None:
        manifest["features"]["encoder"] = encoder.manifest()
    with (
        steps.step("replay the check clip in the runtime"),
        tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as aside,
    ):
        written = Path(aside) / output.name
        write_plan(written, manifest, tensors)
        replays = replayed(written)
        written.replace(output)
    return ExportedAvatar(
        plan=output,
        bytes=output.stat().st_size,
        origin=source.origin,
        extractor=source.extractor,
        trained={part.deform.graph: part.trained for part in source.parts},
        moved={part.deform.graph: part.deform.count for part in source.parts},
        gaussians=source.cloud.count,
        parity=tuple(rows),
        multiply_adds=counted,
        precision="float16" if half else "float32",
        half_equal=equal,
        half_largest=largest,
        track_seconds=source.played.frames / FPS,
        track_bytes=sum(t.nbytes for n, t in tensors.items() if n.startswith("gaussian/track/")),
        check_frames=tuple(frames),
        check_psnr_db=tuple(frame.psnr_db for frame in replays),
        encoder=None if encoder is None else described(encoder),
    )


def _tensors(
    source: AvatarSource, exported: Sequence[OnnxGraph], precision: DTypeLike
) -> dict[str, NDArray[Any]]:
    backdrops = source.played.backdrops
    found = source.cloud.tensors() | {
        "gaussian/background": backdrops.background,
        "gaussian/track/viewmats": source.played.viewmats.astype(np.float32),
    }
    found["gaussian/sh"] = np.clip(found["gaussian/sh"], -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
    if source.layers is not None:
        found["gaussian/layers"] = source.layers
    if backdrops.torsos is not None:
        found["gaussian/track/torsos"] = backdrops.torsos
    for name, rows in source.inputs.items():
        found[f"gaussian/track/{name}"] = rows
    for part in source.parts:
        found |= part.deform.tensors(precision)
    for graph in exported:
        found |= graph.tensors()
    return found


def _clip(
    source: AvatarSource, frames: Sequence[int], pictures: Sequence[NDArray[np.uint8]]
) -> dict[str, NDArray[Any]]:
    from talkrt.pictures import PngEncoder

    encoder = PngEncoder(source.played.size, opaque=True)
    found: dict[str, NDArray[Any]] = {"check/rows": source.played.rows}
    for frame, picture in zip(frames, pictures, strict=True):
        opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
        png = encoder.encode(np.concatenate([picture, opaque], axis=2))
        found[f"check/frame/{frame}"] = np.frombuffer(png, np.uint8)
    return found


def _manifest(
    source: AvatarSource,
    exported: Sequence[OnnxGraph],
    options: AvatarOptions,
    folder: Path,
    frames: Sequence[int],
    tensors: dict[str, NDArray[Any]],
) -> dict[str, Any]:
    played = source.played
    width, height = played.size
    viewmat = tensors["gaussian/track/viewmats"][0].astype(np.float64)
    weight = source.cloud.opacities if source.layers is None else (
        source.cloud.opacities * (source.layers == 0)
    )  # fmt: skip
    target = np.average(source.cloud.means.astype(np.float64), axis=0, weights=weight + 1e-9)
    licence = {} if options.licence is None else {"licence": options.licence}
    host = SPARE_BUDGET + 3 * sum(tensor.nbytes for tensor in tensors.values())
    return {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "avatar",
        "name": options.name or _printable(folder.resolve().name)[:64] or "avatar",
        **licence,
        "created_by": f"talkrt {version('talkrt')}",
        "audio": {"sample_rate": SAMPLE_RATE},
        "video": {"width": width, "height": height, "fps": [FPS, 1]},
        "budget": {"host_bytes": host, "device_bytes": DEVICE_BUDGETS["avatar"]},
        "features": {
            "kind": "rows",
            "extractor": source.extractor,
            "channels": source.channels,
            "row_width": source.row_width,
            "before": 4,
            "after": 4,
        },
        "graphs": [graph.manifest() for graph in exported],
        "gaussian": {
            "count": source.cloud.count,
            "sh_degree": round(source.cloud.sh.shape[1] ** 0.5) - 1,
            "antialias": False,
            "convention": "inria",
            "camera": {
                "viewmat": [float(x) for x in viewmat.ravel()],
                "K": [float(x) for x in played.intrinsics.ravel()],
            },
            "background": [float(x) for x in played.backdrops.background.mean(axis=(0, 1)) / 255],
            "view": {
                "target": [float(x) for x in target],
                "up": [float(x) + 0.0 for x in -viewmat[1, :3]],
            },
        },
        "avatar": {
            "origin": source.origin,
            "deform": [part.deform.manifest() for part in source.parts],
            "track": {"frames": played.frames, "torso": list(played.backdrops.corner)},
            "composite": {"kind": source.composite, "dilate": source.dilate},
            "orbit_degrees": orbit_degrees(played.recording.viewmats, target),
        },
        "check": {
            "frames": list(frames),
            "fps": [FPS, 1],
            "width": width,
            "height": height,
            "min_psnr_db": check.MIN_PSNR_DB,
        },
    }


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())
