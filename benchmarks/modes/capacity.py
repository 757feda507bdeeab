# SPDX-License-Identifier: Apache-2.0
"""How many sessions hold real time: doubled until frames are missed, then halved between."""

from __future__ import annotations

from collections.abc import Callable


def most_sessions(holds: Callable[[int], bool], limit: int) -> int:
    """The largest count up to `limit` that holds, if fewer sessions never do worse; 0: not even
    one."""
    good, bad = 0, 1
    while bad <= limit and holds(bad):
        good, bad = bad, 2 * bad
    bad = min(bad, limit + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        if holds(middle):
            good = middle
        else:
            bad = middle
    return good
