# SPDX-License-Identifier: Apache-2.0
"""The last proof of an export: the runtime itself replays the plan's check clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..plan import PlanError

if TYPE_CHECKING:
    from talkrt.checking import FrameCheck


def replayed(plan: Path) -> tuple[FrameCheck, ...]:
    """How far each frame is from the reference's; raises PlanError when one is too far."""
    from talkrt.checking import replay
    from talkrt.engine import Engine
    from talkrt.plan_file import read_plan

    check = replay(read_plan(plan), Engine())
    for frame in check.frames:
        if not frame.passed:
            raise PlanError(
                f"frame {frame.index} of the check clip is {frame.psnr_db:.1f} dB from the float64 "
                f"reference, expected at least {check.min_psnr_db:.0f} dB; no plan was written"
            )
    return check.frames
