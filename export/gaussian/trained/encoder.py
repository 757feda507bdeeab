# SPDX-License-Identifier: Apache-2.0
"""An avatar that hears for itself: its check clip is speech, its rows those of its encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .. import check_clip
from .source import AvatarSource

if TYPE_CHECKING:
    from ...encoders.build import Encoder
    from ...encoders.window import EncoderWindow

FloatArray = NDArray[np.float32]
SECOND = 16_000  # samples


def hearing(
    source: AvatarSource, path: Path, window: EncoderWindow | None
) -> tuple[Encoder, AvatarSource, FloatArray]:
    """The encoder, the avatar with rows that it made, and the audio that it made them from."""
    import torch

    from ...encoders.build import build_encoder
    from ...encoders.window import encoded_rows

    encoder = build_encoder(path, source.channels, source.row_width, window)
    audio = check_clip.load_audio()[:SECOND]

    def run(samples: FloatArray) -> FloatArray:
        with torch.no_grad():
            found: FloatArray = encoder.onnx.graph.module(torch.from_numpy(samples))[0].numpy()
        return found

    rows = encoded_rows(audio, encoder.window, source.row_width, run)
    return encoder, replace(source, played=replace(source.played, rows=rows)), audio


def described(encoder: Encoder) -> str:
    cost = encoder.multiply_adds
    spent = "" if cost is None else f", {cost / 1e9:.1f} billion multiply-adds a second of speech"
    samples = (encoder.window.samples, encoder.window.step, encoder.look_ahead)
    window, step, ahead = (f"{count / 16:.0f} ms" for count in samples)
    where = f"{encoder.source} in windows of {window}, {step} at a time"
    return f"{where}{spent}; a row looks {ahead} ahead"
