# SPDX-License-Identifier: Apache-2.0
"""The engine's frames of tests/data/tiny_avatar.plan against the formulas of FORMAT.md, section 8,
in NumPy: networks and rasterizer in float64, the composite as the original program has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talkrt
from numpy.typing import NDArray
from talkrt.export.gaussian.cloud import quats_to_rotations
from talkrt.export.gaussian.gaussiantalker import composite as single
from talkrt.export.gaussian.reference import Options, Posed, rasterize
from talkrt.export.gaussian.talkinggaussian import composite as layered
from talkrt.export.gaussian.track import mirrored
from talkrt.export.plan import read_plan, write_plan

DATA = Path(__file__).resolve().parents[2] / "data"
PLAN = DATA / "tiny_avatar.plan"
DoubleArray = NDArray[np.float64]


class Oracle:
    """A plan of this kind, evaluated frame by frame."""

    def __init__(self, path: Path) -> None:
        self.manifest, self.tensors = read_plan(path)
        self.spec = self.manifest["avatar"]
        self.rows = self.tensors["check/rows"]

    def doubles(self, name: str) -> DoubleArray:
        return self.tensors[f"gaussian/{name}"].astype(np.float64)

    def window(self, frame: int) -> DoubleArray:
        taken = np.arange(frame - 4, frame + 4)
        inside = (taken >= 0) & (taken < len(self.rows))
        found = self.rows[np.clip(taken, 0, len(self.rows) - 1)] * inside[:, None, None]
        return found.transpose(0, 2, 1).astype(np.float64)

    def mix(self, graph: str, frame: int, shape: tuple[int, int]) -> DoubleArray:
        """What tiny_avatar.py's graphs compute."""
        seen = [self.window(frame).ravel()]
        if graph == "face_mix":
            at = mirrored(self.spec["track"]["frames"], frame)
            seen.append(self.doubles("track/action_units")[at])
        weights = self.tensors[f"weight/{graph}/W"].astype(np.float64)
        return np.tanh(np.concatenate(seen) @ weights).reshape(shape)

    def posed(self, frame: int) -> Posed:
        now = {name: self.doubles(name) for name in ("means", "quats", "scales", "opacities", "sh")}
        for entry in self.spec["deform"]:
            network, prefix = entry["network"], f"deform/{entry['graph']}"
            mine = slice(entry["first"], entry["first"] + entry["count"])
            k, widths = network["attention"], network["widths"]
            mix = self.mix(network["mix"].split(".")[0], frame, (max(k, 1), widths[0]))

            def lanes(name: str, prefix: str = prefix, n: int = entry["count"]) -> DoubleArray:
                blocks = self.doubles(f"{prefix}/{name}")
                return blocks.swapaxes(1, 2).reshape(-1, blocks.shape[1])[:n]

            x = np.maximum(lanes("still") + (lanes("attention") @ mix if k else mix[0]), 0)
            for i in range(len(widths) - 1):
                x = x @ self.doubles(f"{prefix}/layer{i}")
                x = np.maximum(x, 0) if i < len(widths) - 2 else x
            now["means"][mine] += x[:, 0:3]
            if "quats" in network["outputs"]:
                turned = self.doubles(f"{prefix}/quats") + x[:, 3:7]
                now["quats"][mine] = turned / np.linalg.norm(turned, axis=1, keepdims=True)
                now["scales"][mine] = np.logaddexp(0, self.doubles(f"{prefix}/scales") + x[:, 7:10])
        frames = quats_to_rotations(now["quats"]) * now["scales"][:, None, :]
        layers = self.tensors.get("gaussian/layers", np.zeros(len(frames), np.uint8))
        return Posed(now["means"], frames, now["sh"], now["opacities"], layers)

    def picture(self, frame: int) -> NDArray[np.uint8]:
        posed, at = self.posed(frame), mirrored(self.spec["track"]["frames"], frame)
        background = self.tensors["gaussian/background"]
        torso = np.zeros((*background.shape[:2], 4), np.uint8)
        patch, (row, column) = (
            self.tensors["gaussian/track/torsos"][at],
            self.spec["track"]["torso"],
        )
        torso[row : row + patch.shape[0], column : column + patch.shape[1]] = patch
        if self.spec["composite"]["kind"] == "single":
            behind = single.backdrop(torso, background)
            return single.to_bytes(self.drawn(posed, at, behind)[..., :3])
        passes = []
        for layer in (0, 1):
            own = posed.layers == layer
            flat = np.zeros(int(own.sum()), np.uint8)
            one = Posed(
                posed.means[own], posed.frames[own], posed.sh[own], posed.opacities[own], flat
            )
            passes.append(self.drawn(one, at, np.zeros(3)))
        behind = layered.backdrop(torso, background)
        return layered.composite(*passes, behind, self.spec["composite"]["dilate"])

    def drawn(self, posed: Posed, at: int, behind: Any) -> NDArray[np.float32]:
        height, width = self.tensors["gaussian/background"].shape[:2]
        viewmat = self.tensors["gaussian/track/viewmats"][at]
        K = np.reshape(self.manifest["gaussian"]["camera"]["K"], (3, 3))
        image = rasterize(posed, viewmat, K, width, height, behind, Options(convention="inria"))
        return np.concatenate([image.color, image.alpha[..., None]], axis=2).astype(np.float32)


def engine_frames(path: Path) -> list[NDArray[np.uint8]]:
    session = talkrt.Engine(threads=2).load(str(path)).session()
    rows = read_plan(path)[1]["check/rows"]
    assert session.push_features(rows) == len(rows)
    session.finish_audio()
    return [np.array(frame.image[..., :3]) for frame in session.frames()]


def assert_parity(found: list[NDArray[np.uint8]], oracle: Oracle) -> None:
    """At least 99.9 % of the bytes equal and none off by more than one."""
    assert len(found) == len(oracle.rows)
    expected = np.stack([oracle.picture(frame) for frame in range(len(found))])
    off = np.abs(np.stack(found).astype(np.int16) - expected)
    assert off.max() <= 1
    assert (off == 0).mean() >= 0.999
    assert expected.std() > 20  # of something


@pytest.mark.parametrize("variant", ["kernels", "graphs", "dilate", "single"])
def test_frames_are_those_of_the_formulas(variant: str, tmp_path: Path) -> None:
    manifest, tensors = read_plan(PLAN)
    avatar = manifest["avatar"]
    if variant == "graphs":  # without the networks the graphs beside them do the same
        for entry in avatar["deform"]:
            del entry["network"]
        tensors = {k: v for k, v in tensors.items() if not k.startswith("gaussian/deform/")}
    elif variant == "dilate":
        avatar["composite"]["dilate"] = True
    elif variant == "single":
        avatar["composite"] = {"kind": "single"}
        del tensors["gaussian/layers"]
    path = tmp_path / f"{variant}.plan"
    write_plan(path, manifest, tensors)
    oracle = Oracle(path)
    if variant == "graphs":
        oracle.spec = read_plan(PLAN)[0]["avatar"]
        oracle.tensors = read_plan(PLAN)[1]
    assert_parity(engine_frames(path), oracle)
