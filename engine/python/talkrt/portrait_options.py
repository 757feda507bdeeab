# SPDX-License-Identifier: Apache-2.0
"""A face to animate, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talkrt.errors import Error
from talkrt.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class PortraitOptions:
    """What Model.session takes of models that animate a portrait; None: the plan's."""

    picture: NDArray[np.uint8] | None = None  # [H, W, 3 or 4]
    crop: NDArray[np.float64] | None = None  # [2, 3]
    crop_only: bool = False
    steps: int | None = None
    hop: int | None = None
    eta: float = 0.0
    guidance: float | None = None

    def check_kind(self, model: Model) -> None:
        """Raises Error when the model has a face of its own."""
        values = (self.crop_only, self.steps, self.hop, self.eta, self.guidance)
        if model.needs_portrait or (
            self.picture is None and values == (False, None, None, 0, None)
        ):
            return
        raise Error(
            f"{model.name!r} has a face of its own: it takes no portrait, crop, steps, hop, eta "
            "or guidance"
        )

    def check(self, model: Model) -> None:
        """Raises Error when the model has no use for a portrait, or lacks one."""
        self.check_kind(model)
        if model.needs_portrait and self.picture is None:
            raise Error(
                f"{model.name!r} animates a portrait: give a picture of a face (--portrait)"
            )

    def arguments(self) -> dict[str, Any]:
        """Of Model.session."""
        return {
            "portrait": self.picture,
            "portrait_crop": self.crop,
            "crop_only": self.crop_only,
            "steps": self.steps,
            "hop": self.hop,
            "eta": self.eta,
            "guidance": self.guidance,
        }
