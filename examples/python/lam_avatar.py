# SPDX-License-Identifier: Apache-2.0
"""Writes a made-up avatar in the layout of LAM's export for chatting avatars, to try

    python lam_avatar.py puppet
    talkrt export gaussian --lam puppet -o puppet.plan
    talkrt render puppet.plan hello.flac -o puppet.mp4

without anybody's face. Four files: skin.glb (a mesh with ARKit blendshapes and a skeleton),
offset.ply (a Gaussian for each of its vertices), vertex_order.json and animation.glb.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import numpy as np

SIDED = """browDown browOuterUp cheekSquint eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp
eyeSquint eyeWide mouthDimple mouthFrown mouthLowerDown mouthPress mouthSmile mouthStretch
mouthUpperUp noseSneer"""
WHOLE = """browInnerUp cheekPuff jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel
mouthLeft mouthPucker mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper"""
SHAPES = sorted(f"{name}{side}" for name in SIDED.split() for side in ("Left", "Right"))
SHAPES += WHOLE.split()

NECK, HEAD = (0.0, -0.14, -0.03), (0.0, -0.06, -0.01)  # metres, pivots of two bones
BONES = (("hip", -1, (0, -1, 0)), ("chest", 0, (0, -0.3, 0)), ("neck", 1, NECK), ("head", 2, HEAD))
RADII = np.array([0.074, 0.108, 0.092])  # of the skull
EYES = {"Left": np.array([0.032, 0.018, 0.073]), "Right": np.array([-0.032, 0.018, 0.073])}
EYE = 0.0145  # radius
MOUTH = np.array([0.0, -0.043, 0.085])
SKIN, HAIR, LIP = np.array([0.83, 0.62, 0.5]), np.array([0.2, 0.13, 0.1]), np.array([0.7, 0.3, 0.3])


def puppet(count):
    """Vertices [V, 3], colours [V, 3], sizes [V], parts [V]: what each is of."""
    parts = []

    def add(name, points, colors, size):
        colors = np.broadcast_to(colors, points.shape)
        parts.append((points, colors, np.full(len(points), size), np.full(len(points), name)))

    skull = _sphere(count) * RADII
    hair = (skull[:, 1] > 0.045) | ((skull[:, 2] < -0.01) & (skull[:, 1] > -0.05))
    sockets = [np.linalg.norm(skull[:, :2] - eye[:2], axis=1) < EYE for eye in EYES.values()]
    lips = _ellipse(skull - MOUTH, 0.027, 0.011) < 1
    keep = ~((skull[:, 2] > 0) & (sockets[0] | sockets[1] | lips))
    size = 2.5 * np.sqrt(RADII.prod() ** (2 / 3) / count)
    light = 0.8 + 0.25 * skull[:, 1:2] / RADII[1]
    add("skin", skull[keep], (np.where(hair[:, None], HAIR, SKIN) * light)[keep], size)
    turn = np.linspace(0, 2 * np.pi, count // 12, endpoint=False)
    for rows, share in ((12, 1.05), (10, 1.25)):
        ring = np.stack([np.cos(turn) * 0.025, np.sin(turn) * rows / 1e3, 0 * turn], 1) * share
        add(
            "upper lip" if rows < 11 else "lip",
            _on_skull(MOUTH + ring),
            LIP * (0.9 + 0.1 * share),
            0.003,
        )
    cave = _sphere(count // 12) * [0.022, 0.016, 0.01] + MOUTH - [0, 0.003, 0.032]
    add("cave", cave, [0.25, 0.06, 0.07], 0.006)
    for side, eye in EYES.items():
        ball = _sphere(count // 8)
        front = np.arccos(np.clip(ball[:, 2], -1, 1))[:, None]
        iris = np.where(front < 0.3, [0.05, 0.04, 0.04], [0.25, 0.4, 0.55])
        add(
            f"eye{side}", eye + EYE * ball, np.where(front < 0.55, iris, [0.95, 0.94, 0.93]), 0.0022
        )
        lid = _sphere(count // 6)
        lid = lid[(lid[:, 1] > 0.42) & (lid[:, 2] > -0.2)]
        add(f"lid{side}", eye + 1.12 * EYE * lid, SKIN * 0.92, 0.0026)
        brow = np.linspace(-1, 1, count // 40)[:, None] * [0.016, 0, 0] + eye + [0, 0.026, 0]
        add(f"brow{side}", _on_skull(brow), HAIR, 0.0032)
    neck = _sphere(count // 4) * [0.05, 0.075, 0.05] + [0, -0.115, -0.02]
    add("neck", neck, SKIN * 0.7, 0.011)
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def shape(name, points, parts):
    """Displacements [V, 3] of a blendshape; zeros for those that a puppet can do without."""
    out = np.zeros_like(points)
    side = "Left" if name.endswith("Left") else "Right"
    face = points[:, 2] > 0.02
    sign = 1.0 if side == "Left" else -1.0
    below = np.clip((MOUTH[1] + 0.004 - points[:, 1]) / 0.02, 0, 1) * face * (points[:, 1] > -0.13)
    below = np.where(np.char.startswith(parts, "eye"), 0, below) * (parts != "neck")
    near = np.exp(-((_ellipse(points - MOUTH, 0.034, 0.02) / 1.4) ** 2)) * face * (parts != "cave")
    corner = np.exp(-(((points[:, 0] - sign * 0.026) / 0.014) ** 2)) * near
    if name.startswith("eyeBlink"):
        out += _turned(points, EYES[side], [1, 0, 0], 68) * (parts == f"lid{side}")[:, None]
    elif name.startswith("eyeWide"):
        out += _turned(points, EYES[side], [1, 0, 0], -14) * (parts == f"lid{side}")[:, None]
    elif name.startswith("eyeLook"):
        way = name[7:].removesuffix(side)
        axis = [1, 0, 0] if way in ("Up", "Down") else [0, 1, 0]
        degrees = {"Up": -25, "Down": 30, "In": -sign * 30, "Out": sign * 35}[way]
        out += _turned(points, EYES[side], axis, degrees) * (parts == f"eye{side}")[:, None]
    elif name.startswith("brow"):
        brow = np.isin(
            parts, ["browLeft", "browRight"] if name == "browInnerUp" else [f"brow{side}"]
        )
        inner = np.clip(1.2 - np.abs(points[:, 0]) / 0.04, 0, 1) if "Inner" in name else 1.0
        out[:, 1] = brow * inner * (-0.006 if "Down" in name else 0.008)
    elif name == "jawOpen":
        out[:, 1], out[:, 2] = -0.026 * below, -0.006 * below
    elif name in ("mouthFunnel", "mouthPucker"):
        out[:, 0], out[:, 2] = -0.4 * (points[:, 0] * near), 0.007 * near
    elif name == "mouthClose":
        out[:, 1] = 0.02 * below * near
    elif name.startswith(("mouthSmile", "mouthStretch", "mouthDimple")):
        out[:, 0], out[:, 1] = sign * 0.009 * corner, (0.008 if "Smile" in name else 0.0) * corner
    elif name.startswith("mouthFrown"):
        out[:, 1] = -0.008 * corner
    elif name.startswith("mouthLowerDown"):
        out[:, 1] = -0.006 * below * near * (sign * points[:, 0] > 0)
    elif name.startswith("mouthUpperUp"):
        out[:, 1] = 0.005 * near * (1 - below) * (sign * points[:, 0] > 0)
    return out


def write_lam(folder, count=3000, rest=(0.0, 0.05, 0.02)):
    """`rest` is where the eyes' middle lies in the mesh's frame, `count` how fine the skull is."""
    points, colors, sizes, parts = puppet(count)
    rng = np.random.default_rng(5)
    offsets = rng.normal(0, 3e-4, points.shape)  # of a Gaussian from its vertex
    origin = np.array(rest) - (EYES["Left"] + EYES["Right"]) / 2
    vertices = (points - offsets + origin).astype("<f4")
    joints = np.zeros((len(points), 4), np.uint8)
    weights = np.zeros((len(points), 4), "<f4")
    share = np.where(parts == "neck", np.clip((points[:, 1] + 0.22) / 0.12, 0, 1), 1.0)
    joints[:, 0], joints[:, 1] = 3, 1
    weights[:, 0], weights[:, 1] = share, 1 - share
    folder.mkdir(parents=True, exist_ok=True)
    glb = _Glb()
    displaced = [shape(name, points, parts).astype("<f4") for name in SHAPES]
    primitive = {
        "attributes": {
            "POSITION": glb.accessor(vertices),
            "JOINTS_0": glb.accessor(joints),
            "WEIGHTS_0": glb.accessor(weights),
        },
        "targets": [{"POSITION": glb.sparse(moved)} for moved in displaced],
    }
    inverse = np.tile(np.eye(4, dtype="<f4"), (len(BONES), 1, 1))
    inverse[:, 3, :3] = [-(np.array(at) + origin) for _, _, at in BONES]  # columns, as glTF stores
    glb.json |= {
        "meshes": [{"primitives": [primitive], "extras": {"targetNames": SHAPES}}],
        "skins": [
            {"joints": list(range(len(BONES))), "inverseBindMatrices": glb.matrices(inverse)}
        ],
        "nodes": [
            {"name": name, "children": [i for i, bone in enumerate(BONES) if bone[1] == index]}
            for index, (name, _, _) in enumerate(BONES)
        ]
        + [{"name": "mesh", "mesh": 0, "skin": 0}],
    }
    glb.write(folder / "skin.glb")
    _Glb().write(folder / "animation.glb")
    order = np.argsort(vertices[:, 1], kind="stable")
    (folder / "vertex_order.json").write_text(json.dumps(order.tolist()))
    _write_ply(folder / "offset.ply", offsets, colors, sizes, points)


def _write_ply(path, offsets, colors, sizes, points):
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"]
    names += [f"scale_{i}" for i in range(3)] + [f"rot_{i}" for i in range(4)]
    n = len(points)
    normals = points / np.linalg.norm(points, axis=1, keepdims=True)
    half = normals + np.array([0, 0, 1.0000001])  # the turn that takes z to the normal
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    quats = np.column_stack([half[:, 2], -half[:, 1], half[:, 0], np.zeros(n)])
    scales = np.log(sizes[:, None] * [0.75, 0.75, 0.25])
    opacity = np.full(n, np.log(0.97 / 0.03))
    rows = np.column_stack([offsets, np.zeros((n, 3)), colors, opacity, scales, quats])
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {n}"]
    head += [f"property float {name}" for name in names] + ["end_header\n"]
    path.write_bytes("\n".join(head).encode() + rows.astype("<f4").tobytes())


class _Glb:
    """A binary glTF in the making."""

    def __init__(self):
        self.json = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": []}
        self.binary = bytearray()

    def view(self, array):
        self.binary += bytes(-len(self.binary) % 4)
        entry = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": array.nbytes}
        self.json["bufferViews"].append(entry)
        self.binary += np.ascontiguousarray(array).tobytes()
        return len(self.json["bufferViews"]) - 1

    def accessor(self, array):
        kind = {"f": 5126, "u": 5121}[array.dtype.kind]
        entry = {"componentType": kind, "count": len(array), "type": f"VEC{array.shape[1]}"}
        self.json["accessors"].append(entry | {"bufferView": self.view(array)})
        return len(self.json["accessors"]) - 1

    def matrices(self, array):
        entry = {"componentType": 5126, "count": len(array), "type": "MAT4"}
        self.json["accessors"].append(entry | {"bufferView": self.view(array)})
        return len(self.json["accessors"]) - 1

    def sparse(self, array):
        """Only rows that are not zero, as Blender writes blendshapes."""
        entry = {"componentType": 5126, "count": len(array), "type": "VEC3"}
        at = np.flatnonzero(np.abs(array).max(axis=1) > 1e-6).astype("<u4")
        if len(at):
            entry["sparse"] = {
                "count": len(at),
                "indices": {"bufferView": self.view(at), "componentType": 5125},
                "values": {"bufferView": self.view(array[at])},
            }
        self.json["accessors"].append(entry)
        return len(self.json["accessors"]) - 1

    def write(self, path):
        self.binary += bytes(-len(self.binary) % 4)
        text = json.dumps(self.json | {"buffers": [{"byteLength": len(self.binary)}]}).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        chunks += struct.pack("<I4s", len(self.binary), b"BIN\0") + bytes(self.binary)
        path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def _sphere(count):
    """Points [count, 3] spread evenly over the unit sphere."""
    index = np.arange(count) + 0.5
    height, turn = 1 - 2 * index / count, index * np.pi * (1 + 5**0.5)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], axis=1)


def _ellipse(offsets, width, height):
    return np.hypot(offsets[:, 0] / width, offsets[:, 1] / height)


def _on_skull(points):
    x, y = (points / RADII)[:, :2].T
    return np.column_stack([points[:, :2], RADII[2] * np.sqrt(1 - x * x - y * y) + 0.001])


def _turned(points, center, axis, degrees):
    """How far a turn about `center` moves each point."""
    arm, angle, axis = points - center, np.radians(degrees), np.array(axis, float)
    cross, along = np.cross(axis, arm), (arm @ axis)[:, None] * axis
    return (np.cos(angle) - 1) * (arm - along) + np.sin(angle) * cross


if __name__ == "__main__":
    write_lam(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 9000)
