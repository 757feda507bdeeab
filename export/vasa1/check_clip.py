# SPDX-License-Identifier: Apache-2.0
"""The check clip of a plan: a portrait, a little speech, and the frames that they must become.

The published networks make the frames, in PyTorch, as `reference.py` restates their inference.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from talkrt.pictures import PngEncoder, decode_png

from ..gaussian.check_clip import load_audio
from .crop import Face, Picture, cut
from .manifest import FPS, GUIDANCE
from .reference import Sampling
from .speech_windows import Samples

PORTRAIT = Path(__file__).with_name("check_portrait.png")  # the synthetic head, rendered
FRAMES = (2, 30)  # with the narrow model, of two windows
SEED = 1
SAMPLING = Sampling(count=5, eta=1.0, guidance=GUIDANCE)
MIN_PSNR_DB = 40.0  # cutting fractions differently alone leaves about 51


def audio() -> Samples:
    return load_audio()


def portrait(side: int) -> Picture:
    """The crop, [side, side, 3]."""
    picture = decode_png(PORTRAIT.read_bytes())[..., :3]
    middle = (len(picture) - 1) / 2
    return cut(picture, Face((middle, middle), float(len(picture))), side)


def section(side: int) -> dict[str, Any]:
    """The manifest's."""
    return {
        "frames": list(FRAMES),
        "fps": [FPS, 1],
        "width": side,
        "height": side,
        "min_psnr_db": MIN_PSNR_DB,
        "sampling": {
            "seed": SEED,
            "steps": SAMPLING.count,
            "eta": SAMPLING.eta,
            "guidance": SAMPLING.guidance,
        },
    }


def tensors(
    speech: Samples, crop: Picture, frames: Mapping[int, NDArray[np.uint8]]
) -> dict[str, NDArray[Any]]:
    side = len(crop)
    encoder = PngEncoder((side, side), opaque=True)
    return {
        "check/audio": speech,
        "check/portrait": crop,
        **{
            f"check/frame/{index}": np.frombuffer(encoder.encode(frame), np.uint8)
            for index, frame in frames.items()
        },
    }
