# SPDX-License-Identifier: Apache-2.0
"""The same architecture, narrow, with seeded weights at which every layer matters."""

from __future__ import annotations

from dataclasses import replace

from talkrt.export.vasa1.generator import Generator
from talkrt.export.vasa1.motion_generator import MotionGenerator
from talkrt.export.vasa1.untrained import TINY, seeded, untrained
from talkrt.export.vasa1.warping import Warping

PICTURE = TINY.picture
KEYPOINTS = TINY.warping.keypoints


def warping():
    return seeded(Warping(TINY.warping), 1)


def generator():
    return seeded(Generator(TINY.generator), 2)


def renderer():
    return untrained(TINY, 3).renderer


def motion_generator(positions="constant"):
    return seeded(MotionGenerator(replace(TINY.motion, positions=positions)), 8)
