# SPDX-License-Identifier: Apache-2.0
"""The rigged mesh of skin.glb: vertices, ARKit blendshapes, and a skeleton with its weights.

Everything is taken in the bind pose. V is the number of vertices, J that of joints. Names of
blendshapes are matched to ARKit's whatever their case; others are not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..head.rig.channels import ARKIT
from .glb import Glb, Numbers, read_glb

MAX_JOINTS = 4096
MAX_NODES = 65_536
MAX_INFLUENCES = 4  # sets of four joints to a vertex
_ARKIT = {name.lower(): name for name in ARKIT}


@dataclass(frozen=True, slots=True)
class Bone:
    name: str
    parent: int  # index among the skin's joints, -1 for none
    pivot: tuple[float, float, float]  # in the mesh's units


@dataclass(frozen=True, slots=True)
class Skin:
    path: Path
    positions: Numbers  # [V, 3]
    shapes: Mapping[str, Numbers]  # ARKit name to displacements [V, 3]
    others: tuple[str, ...]  # blendshapes that are none of ARKit's
    bones: tuple[Bone, ...]
    followed: NDArray[np.int64]  # [V, K] joints, and
    shares: Numbers  # [V, K] how much of each; rows sum to 1


def read_skin(path: Path) -> Skin:
    glb = read_glb(path)
    node = _skinned_node(glb)
    primitive, names = _primitive(glb, node)
    attributes = primitive.get("attributes")
    if not isinstance(attributes, dict):
        glb.refuse("the mesh's attributes", "missing", "POSITION, JOINTS_0 and WEIGHTS_0")
    positions = glb.accessor(attributes.get("POSITION"), "VEC3")
    shapes, others = _shapes(glb, primitive, names, len(positions))
    bones = _bones(glb, glb.entry("skins", node.get("skin")))
    followed, shares = _weights(glb, attributes, len(positions), len(bones))
    return Skin(path, positions, shapes, others, bones, followed, shares)


def _skinned_node(glb: Glb) -> Mapping[str, Any]:
    found = [
        node
        for index in range(glb.count("nodes"))
        if "mesh" in (node := glb.entry("nodes", index)) and "skin" in node
    ]
    if len(found) != 1:
        glb.refuse("the number of skinned meshes", len(found), "1, the head")
    return found[0]


def _primitive(glb: Glb, node: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    mesh = glb.entry("meshes", node["mesh"])
    primitives = mesh.get("primitives")
    if not isinstance(primitives, list) or len(primitives) != 1:
        found = len(primitives) if isinstance(primitives, list) else "missing"
        glb.refuse("the number of the mesh's primitives", found, "1: export it without materials")
    if not isinstance(primitives[0], dict) or "extensions" in primitives[0]:
        glb.refuse("the mesh's primitive", "compressed or none", "one without compression")
    extras = mesh.get("extras")
    names = extras.get("targetNames", []) if isinstance(extras, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        glb.refuse("extras.targetNames of the mesh", "no list of names", "one per blendshape")
    return primitives[0], names


def _shapes(
    glb: Glb, primitive: Mapping[str, Any], names: list[str], vertices: int
) -> tuple[dict[str, Numbers], tuple[str, ...]]:
    targets = primitive.get("targets", [])
    if not isinstance(targets, list) or len(targets) != len(names):
        glb.refuse("the number of extras.targetNames", len(names), "one per blendshape")
    shapes: dict[str, Numbers] = {}
    others = []
    for index, (name, target) in enumerate(zip(names, targets, strict=True)):
        channel = _ARKIT.get(name.rsplit(".", 1)[-1].lower())
        if channel is None:
            others.append(name)
            continue
        if channel in shapes:
            glb.refuse(f"blendshape {index}, {name},", "there twice", "once")
        if not isinstance(target, dict) or "POSITION" not in target:
            continue  # moves normals at most
        moved = glb.accessor(target["POSITION"], "VEC3")
        if len(moved) != vertices:
            glb.refuse(f"blendshape {name}", f"{len(moved)} vertices", f"{vertices}")
        shapes[channel] = moved
    return shapes, tuple(others)


def _bones(glb: Glb, skin: Mapping[str, Any]) -> tuple[Bone, ...]:
    joints = skin.get("joints")
    if not isinstance(joints, list) or not 1 <= len(joints) <= MAX_JOINTS:
        found = len(joints) if isinstance(joints, list) else "missing"
        glb.refuse("the number of the skin's joints", found, f"1 to {MAX_JOINTS}")
    inverse = glb.accessor(skin.get("inverseBindMatrices"), "MAT4")
    if len(inverse) != len(joints):
        glb.refuse("the number of inverse bind matrices", len(inverse), f"{len(joints)}")
    parents = _parents(glb)
    place: dict[int, int] = {}
    for number, joint in enumerate(joints):
        glb.entry("nodes", joint)
        if joint in place:
            glb.refuse(f"joint {joint} of the skin", "listed twice", "listed once")
        place[joint] = number
    bones = []
    for number, joint in enumerate(joints):
        name = glb.entry("nodes", joint).get("name", f"joint {number}")
        above = parents.get(joint)
        while above is not None and above not in place:
            above = parents.get(above)
        matrix = inverse[number].reshape(4, 4).T  # glTF stores columns
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            glb.refuse(f"the inverse bind matrix of joint {name}", "singular", "invertible")
        pivot = np.linalg.solve(matrix[:3, :3], -matrix[:3, 3])
        x, y, z = (float(value) for value in pivot)
        bones.append(Bone(str(name), -1 if above is None else place[above], (x, y, z)))
    return tuple(bones)


def _parents(glb: Glb) -> dict[int, int]:
    """Of each node that has one. The nodes are trees, each is reached from a root."""
    nodes = glb.count("nodes")
    if nodes > MAX_NODES:
        glb.refuse("the number of nodes", nodes, f"at most {MAX_NODES}")
    children, parents = [], {}
    for index in range(nodes):
        children.append(glb.entry("nodes", index).get("children", []))
        if not isinstance(children[-1], list):
            glb.refuse(f"nodes[{index}].children", type(children[-1]).__name__, "a list")
        for child in children[-1]:
            glb.entry("nodes", child)
            if child in parents:
                glb.refuse(f"node {child}", "a child of two nodes", "of one")
            parents[child] = index
    reached = [index for index in range(nodes) if index not in parents]
    for index in reached:
        reached += children[index]
    if len(reached) != nodes:
        glb.refuse("the tree of nodes", "a circle in places", "a tree")
    return parents


def _weights(
    glb: Glb, attributes: Mapping[str, Any], vertices: int, joints: int
) -> tuple[NDArray[np.int64], Numbers]:
    followed, shares = [], []
    for part in range(MAX_INFLUENCES):
        if part and f"JOINTS_{part}" not in attributes:
            break
        which = glb.accessor(attributes.get(f"JOINTS_{part}"), "VEC4").astype(np.int64)
        share = glb.accessor(attributes.get(f"WEIGHTS_{part}"), "VEC4")
        if len(which) != vertices or len(share) != vertices:
            glb.refuse(f"JOINTS_{part} and WEIGHTS_{part}", len(which), f"{vertices} vertices")
        if which.min() < 0 or which.max() >= joints:
            glb.refuse(f"JOINTS_{part}", int(which.max()), f"below the skin's {joints} joints")
        if share.min() < 0:
            glb.refuse(f"WEIGHTS_{part}", float(share.min()), "weights of 0 or more")
        followed.append(which)
        shares.append(share)
    weights = np.concatenate(shares, axis=1)
    sums = weights.sum(axis=1, keepdims=True)
    if (sums < 1e-3).any():
        glb.refuse(f"the weights of vertex {int(sums.argmin())}", "0", "at least one joint")
    return np.concatenate(followed, axis=1), weights / sums
