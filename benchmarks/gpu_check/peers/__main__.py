# SPDX-License-Identifier: Apache-2.0
"""python -m talkrt.benchmarks.gpu_check.peers FOLDER OUT SCENE...: times and fidelity of every peer
that is installed, on the scenes as scenes.py makes them. One that fails is told and left out."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...scenes import DoubleArray, Scene
from ..scenes import HEADS
from . import timing
from .gsplat_inference_peer import GsplatInference
from .gsplat_peer import Gsplat
from .inria_peer import Inria
from .peer import MissingError, Peer

SCHEMA = "talkrt.gpu-peers/1"
_PEERS: tuple[tuple[str, tuple[Callable[[Scene], Peer], ...]], ...] = (
    (Gsplat.name, (lambda scene: Gsplat(scene, False), lambda scene: Gsplat(scene, True))),
    (GsplatInference.name, (GsplatInference,)),
    (Inria.name, (Inria,)),
)


def main() -> None:
    _, out, *names = sys.argv[1:]
    torch: Any = importlib.import_module("torch")
    rows: list[dict[str, Any]] = []
    with torch.no_grad():
        for name in names:
            scene = HEADS[name]()
            expected = oracle(scene)
            for peer, ways in _PEERS:
                rows.append({"scene": name, "peer": peer, **fastest(ways, scene, expected)})
                print(name, peer, rows[-1]["why"] or f"{rows[-1]['frame_us']['median']:.1f} us")
    document = {"schema": SCHEMA, "torch": torch.__version__, "rows": rows}
    Path(out).write_text(json.dumps(document, indent=1))
    if all(row["frame_us"] is None for row in rows):
        raise SystemExit("no peer ran")


def fastest(
    ways: tuple[Callable[[Scene], Peer], ...], scene: Scene, expected: DoubleArray
) -> dict[str, Any]:
    """Of the ways in which it can be called: each peer at its best."""
    found, why = [], ""
    for way in ways:
        try:
            found.append(measured(way(scene), expected))
        except MissingError as missing:
            why = str(missing)
        except Exception as error:  # another project's code: whatever it raises is its result
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if found:
        return min(found, key=lambda row: float(row["frame_us"]["median"]))
    nothing: dict[str, Any] = {
        "version": None,
        "how": None,
        "frame_us": None,
        "psnr_db": None,
        "batches": [],
    }
    return {**nothing, "why": why}


def measured(peer: Peer, expected: DoubleArray) -> dict[str, Any]:
    picture = peer.frame(1)[0].double().cpu().numpy()
    return {
        "version": peer.version,
        "how": peer.how,
        "frame_us": timing.frame_us(peer),
        "psnr_db": psnr_db(picture, expected),
        "batches": timing.batches(peer),
        "why": "",
    }


def oracle(scene: Scene) -> DoubleArray:
    """Colours [H, W, 3] by the float64 program that the kernels are tested against."""
    reference: Any = importlib.import_module("talkrt.export.gaussian.reference")
    assert scene.background is not None
    posed = reference.Posed(
        means=scene.means.astype(np.float64),
        frames=scene.frames.astype(np.float64),
        sh=scene.sh.astype(np.float64),
        opacities=scene.opacities.astype(np.float64),
        layers=scene.layers,
    )
    background = scene.background.astype(np.float64)
    image = reference.rasterize(
        posed, scene.viewmat, scene.K, scene.width, scene.height, background, reference.Options()
    )
    return np.asarray(image.color, np.float64)


def psnr_db(found: DoubleArray, expected: DoubleArray) -> float:
    """With peak 1."""
    return float(-10 * np.log10(max(float(np.mean((found - expected) ** 2)), 1e-30)))


if __name__ == "__main__":
    main()
