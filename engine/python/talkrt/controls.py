# SPDX-License-Identifier: Apache-2.0
"""What a host may change between two frames. The same names and units for every model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Controls:
    emotion: str = "neutral"  # one of Model.emotions
    emotion_intensity: float = 1.0  # 0 to 1
    gaze_yaw: float = 0.0  # degrees added to the eyes, + to the own left; -30 to 30
    gaze_pitch: float = 0.0  # degrees, + down; -30 to 30
    head_yaw: float = 0.0  # degrees added to the head, + to the own left; -60 to 60
    head_pitch: float = 0.0  # degrees, + nods down; -60 to 60
    head_roll: float = 0.0  # degrees, + raises the own left ear; -60 to 60
    head_distance: float = 1.0  # 1: as exported, 2: twice as far; 0.5 to 4
    head_motion: float = 1.0  # scale of the head's own motion, 0 to 2
    blink: float = 0.0  # added to both lids, 0 open to 1 closed
    expression_scale: float = 1.0  # of what speech does to the face, 0 to 2
