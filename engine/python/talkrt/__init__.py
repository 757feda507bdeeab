# SPDX-License-Identifier: Apache-2.0
"""TalkRT: speech in, video frames out.

model = talkrt.Engine().load("demo.plan")
session = model.session()
session.push_audio(samples)            # mono float at model.sample_rate
for frame in session.frames():
    show(frame.image)                  # RGBA uint8 [H, W, 4], no copy

talkrt.render("demo.plan", "speech.wav", "out.mp4")

image, alpha, meta = talkrt.rasterize(means, quats, scales, opacities, colors, viewmats, Ks, w, h)

view = session.draw(viewmat, K, (640, 360))  # from any camera, also of a scene
view.image, view.alpha, view.depth
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from talkrt import _core
from talkrt._core import Frame, View
from talkrt.cameras import Camera
from talkrt.controls import Controls
from talkrt.engine import Engine
from talkrt.errors import (
    AudioError,
    BackendError,
    BudgetError,
    DeviceLostError,
    Error,
    PlanError,
    UnsupportedError,
)
from talkrt.model import Model
from talkrt.rasterizing import rasterize
from talkrt.session import Session

if TYPE_CHECKING:
    from talkrt.rendering import render

__version__ = _core.version()
__all__ = [
    "AudioError",
    "BackendError",
    "BudgetError",
    "Camera",
    "Controls",
    "DeviceLostError",
    "Engine",
    "Error",
    "Frame",
    "Model",
    "PlanError",
    "Session",
    "UnsupportedError",
    "View",
    "__version__",
    "rasterize",
    "render",
]


def __getattr__(name: str) -> Any:
    # Reading and writing media costs PyAV, which a host that only pushes and pulls never needs.
    if name == "render":
        from talkrt.rendering import render

        return render
    raise AttributeError(f"module 'talkrt' has no attribute {name!r}")
