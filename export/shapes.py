# SPDX-License-Identifier: Apache-2.0
"""What a checkpoint's tensor shapes say about the network that they belong to."""

from __future__ import annotations

from collections.abc import Mapping

Shape = tuple[int, ...]


def numbered(shapes: Mapping[str, Shape], pattern: str, step: int = 1) -> int:
    """How many of pattern.format(0), pattern.format(step), ... there are without a gap."""
    count = 0
    while pattern.format(count * step) in shapes:
        count += 1
    return count
