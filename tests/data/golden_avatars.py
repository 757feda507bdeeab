# SPDX-License-Identifier: Apache-2.0
"""Plans of the golden checkpoints, for tests that draw them without the export's dependencies.

`python tests/data/golden_avatars.py` writes golden_talkinggaussian.plan and
golden_gaussiantalker.plan anew, beside itself.
"""

from __future__ import annotations

from pathlib import Path

from talkrt.export.gaussian.trained.convert import (
    AvatarOptions,
    ExportedAvatar,
    export_gaussiantalker,
    export_talkinggaussian,
)
from talkrt.export.report import Steps

GOLDEN = Path(__file__).parent / "golden" / "gaussian"
DATASET = GOLDEN / "dataset"


def talkinggaussian(output: Path) -> ExportedAvatar:
    options = AvatarOptions(dataset=DATASET, name="golden TalkingGaussian")
    return export_talkinggaussian(GOLDEN / "talkinggaussian", output, options, Steps(quiet=True))


def gaussiantalker(output: Path) -> ExportedAvatar:
    folder = GOLDEN / "gaussiantalker" / "checkpoint_small_x1"
    options = AvatarOptions(dataset=DATASET, name="golden GaussianTalker")
    return export_gaussiantalker(folder, output, options, Steps(quiet=True))


if __name__ == "__main__":
    here = Path(__file__).parent
    talkinggaussian(here / "golden_talkinggaussian.plan")
    gaussiantalker(here / "golden_gaussiantalker.plan")
