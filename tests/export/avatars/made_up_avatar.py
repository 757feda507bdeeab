# SPDX-License-Identifier: Apache-2.0
"""A TalkingGaussian or GaussianTalker folder and a recording of nobody, to try and to time.

`python tests/export/avatars/made_up_avatar.py FOLDER [FACE MOUTH FRAMES SIDE]` writes the first, by
default of the size that people train: 30,000 and 20,000 Gaussians, 512 x 512. `... FOLDER talker
[COUNT FRAMES SIDE LAYERS]` writes the second, by default with 50,000 Gaussians and one layer.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from talkrt.export.gaussian.gaussiantalker.network import DeformationNetwork, dead_shapes
from talkrt.export.gaussian.talkinggaussian.networks import FaceNetwork, MouthNetwork

RADII = np.array([0.08, 0.115, 0.095])  # of the head, within the planes' bound of 0.15
MOUTH = np.array([0.0, -0.045, 0.075])
DISTANCE = 0.8
UNITS = [f"AU{number:02d}_r" for number in (1, 2, 4, 5, 6, 7, 45)]
FILES = {29: "aud_ds.npy", 44: "aud_eo.npy", 1024: "aud_hu.npy"}
WIDTHS = {29: 16, 44: 16, 1024: 2}


def write(
    folder: Path,
    face: int = 300,
    mouth: int = 200,
    frames: int = 30,
    side: int = 48,
    channels: int = 29,
) -> None:
    """`folder`/model and `folder`/data."""
    rng = np.random.default_rng(1)
    torch.manual_seed(1)
    model, data = folder / "model", folder / "data"
    model.mkdir(parents=True)
    data.mkdir()
    towards = rng.normal(size=(face, 3))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    skin = 0.5 + 0.3 * towards[:, 1:2] + rng.normal(size=(face, 3)) * 0.05
    inner = MOUTH + rng.normal(size=(mouth, 3)) * [0.014, 0.006, 0.006]
    dark = np.array([0.5, 0.2, 0.2]) + rng.normal(size=(mouth, 3)) * 0.05
    fused = (
        gaussians(rng, towards * RADII, skin, 1.6 * 0.095 / np.sqrt(face)),
        network(FaceNetwork(channels)),
        gaussians(rng, inner, dark, 0.05 / np.sqrt(mouth)),
        network(MouthNetwork(channels)),
    )
    torch.save(fused, model / "chkpnt_fuse_latest.pth")
    (model / "cfg_args").write_text(f"Namespace(sh_degree=2, source_path='{data.resolve()}')")
    recording(rng, data, frames, side)
    features(rng, data, frames, channels)


def write_talker(
    folder: Path, count: int = 300, frames: int = 30, side: int = 48, layers: int = 1
) -> None:
    """`folder`/model and `folder`/data of GaussianTalker, whose unit is a tenth as long."""
    rng = np.random.default_rng(1)
    torch.manual_seed(1)
    iteration, data = folder / "model" / "point_cloud" / "iteration_10000", folder / "data"
    iteration.mkdir(parents=True)
    data.mkdir()
    towards = rng.normal(size=(count, 3))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    skin = 0.5 + 0.3 * towards[:, 1:2] + rng.normal(size=(count, 3)) * 0.05
    size = 16 * 0.095 / np.sqrt(count)
    columns = {
        "x y z": 10 * towards * RADII,
        "nx ny nz": np.zeros((count, 3)),
        "f_dc_0 f_dc_1 f_dc_2": (skin - 0.5) / 0.28209479177387814,
        " ".join(f"f_rest_{i}" for i in range(45)): rng.normal(size=(count, 45)) * 0.02,
        "opacity": rng.normal(size=(count, 1)) + 3,
        "scale_0 scale_1 scale_2": np.log(rng.uniform(0.6, 1.4, (count, 3)) * size),
        "rot_0 rot_1 rot_2 rot_3": rng.normal(size=(count, 4)),
    }
    properties = "".join(f"property float {name}\n" for name in " ".join(columns).split())
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n{properties}end_header\n"
    rows = np.concatenate(list(columns.values()), axis=1).astype("<f4")
    (iteration / "point_cloud.ply").write_bytes(head.encode() + rows.tobytes())
    state = network(DeformationNetwork(layers, ((64, 64, 64), (128, 128, 128))))
    for key, value in state.items():
        if key.endswith("aabb"):
            state[key] = torch.tensor([[1.5, 1.5, 1.5], [-1.5, -1.5, -1.5]])
        elif ".grids." in key:  # a product of three
            state[key] = torch.empty_like(value).uniform_(-1.5, 1.5)
        elif key.endswith("gamma"):
            state[key] = 1 + 0.1 * value
        elif key.endswith("deform.3.weight"):  # a head that talks and stays a head
            state[key] = 0.03 * value
    kept = {f"deformation_net.{key}": value for key, value in state.items()}
    kept |= {key: torch.zeros(shape) for key, shape in dead_shapes().items()}
    torch.save(kept, iteration / "deformation.pth")
    (folder / "model" / "cfg_args").write_text(f"Namespace(source_path='{data.resolve()}')")
    recording(rng, data, frames, side)
    features(rng, data, frames, 29)


def features(rng: np.random.Generator, data: Path, frames: int, channels: int) -> None:
    rows = rng.normal(size=(frames, WIDTHS[channels], channels))
    smooth = sum(np.roll(rows, shift, axis=0) for shift in range(3))
    np.save(data / FILES[channels], smooth.astype(np.float32))


def gaussians(rng: np.random.Generator, xyz: Any, color: Any, size: float) -> tuple[Any, ...]:
    """The 13 entries of a part, as capture() writes them."""
    n = len(xyz)
    scale = rng.uniform(0.6, 1.4, (n, 3)) * size
    scaling = np.log(np.expm1(scale))  # softplus gives it back
    parts = {
        "xyz": xyz,
        "features_dc": ((color - 0.5) / 0.28209479177387814)[:, None],
        "features_rest": rng.normal(size=(n, 8, 3)) * 0.02,
        "identity": np.ones((n, 1)),
        "scaling": scaling,
        "rotation": rng.normal(size=(n, 4)),
        "opacity": rng.normal(size=(n, 1)) + 3,
    }
    held = [torch.nn.Parameter(torch.tensor(part, dtype=torch.float32)) for part in parts.values()]
    optimizer = torch.optim.Adam([{"params": [p]} for p in held], lr=1e-3)
    for parameter in held:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    flat = torch.zeros(n, 1)
    return (2, *held, torch.zeros(n), flat, flat.clone(), optimizer.state_dict(), np.float64(1.5))


def network(module: Any) -> dict[str, torch.Tensor]:
    state = module.state_dict()
    for key, value in state.items():
        if key.endswith("embeddings"):
            state[key] = torch.empty_like(value).uniform_(-0.5, 0.5)
        elif not key.endswith("offsets"):
            fan = max(1, int(np.prod(value.shape[1:])))
            state[key] = torch.randn_like(value) / fan**0.5
    return dict(state)


def recording(rng: np.random.Generator, data: Path, frames: int, side: int) -> None:
    """Ten of eleven frames are of the training split, in one piece."""
    focal = side * 2.3
    entries = []
    for i in range(frames):
        yaw, nod = 0.12 * np.sin(i / 9), 0.05 * np.sin(i / 7)
        about_y = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
        about_x = [[1, 0, 0], [0, np.cos(nod), -np.sin(nod)], [0, np.sin(nod), np.cos(nod)]]
        pose = np.eye(4)
        pose[:3, :3] = np.array(about_y) @ about_x
        pose[:3, 3] = pose[:3, 2] * DISTANCE
        entries.append({"img_id": i, "aud_id": i, "transform_matrix": pose.tolist()})
    split = frames * 10 // 11
    for name, part in (("train", entries[:split]), ("val", entries[split:])):
        head = {"focal_len": focal, "cx": side / 2, "cy": side / 2}
        (data / f"transforms_{name}.json").write_text(json.dumps(head | {"frames": part}))
    units = np.abs(rng.normal(size=(frames, len(UNITS))))
    lines = [", ".join(["frame", *UNITS])]
    lines += [", ".join([str(i + 1), *(f"{u:.2f}" for u in row)]) for i, row in enumerate(units)]
    (data / "au.csv").write_text("\n".join(lines) + "\n")
    picture(data / "bc.jpg", np.full((side, side, 3), (90, 120, 130), np.uint8))
    (data / "torso_imgs").mkdir()
    y, x = np.mgrid[0:side, 0:side] / side
    for i in range(frames):
        edge = (y - 0.72) * 40 - (x - 0.5 - 0.01 * np.sin(i / 9)) ** 2 * 160
        torso = np.zeros((side, side, 4), np.uint8)
        torso[..., :3] = 60 + 60 * x[..., None] + rng.integers(0, 6, (side, side, 3))
        torso[..., 3] = np.clip(edge, 0, 1) * 255
        torso[torso[..., 3] == 0] = 0
        picture(data / "torso_imgs" / f"{i}.png", torso)


def picture(path: Path, pixels: Any) -> None:
    import av

    layout = "rgba" if pixels.shape[2] == 4 else "rgb24"
    frame = av.VideoFrame.from_ndarray(pixels, format=layout)
    codec = "png" if path.suffix == ".png" else "mjpeg"
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height = pixels.shape[1], pixels.shape[0]
    encoder.pix_fmt = layout if codec == "png" else "yuvj444p"
    encoder.time_base = Fraction(1, 25)
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    path.write_bytes(data)


if __name__ == "__main__":
    folder, *rest = sys.argv[1:]
    if rest[:1] == ["talker"]:
        given = [int(text) for text in rest[1:]]
        write_talker(Path(folder), *given, *[50_000, 400, 512, 1][len(given) :])
    else:
        write(Path(folder), *([int(text) for text in rest] or [30_000, 20_000, 400, 512]))
