# SPDX-License-Identifier: Apache-2.0
"""How a plan is asked for frames: a mode drives sessions and records what they did."""

from __future__ import annotations

from collections.abc import Callable

from talkrt.model import Model

from ..recorder import Recorder
from ..sources import Source
from ..workload import Mode, Workload
from . import offline, paced, server, single

Driver = Callable[[Model, Source, Workload, Recorder], None]

DRIVERS: dict[Mode, Driver] = {
    "single": single.drive,
    "offline": offline.drive,
    "paced": paced.drive,
    "server": server.drive,
    "soak": single.drive,  # the same, for hours: what it is asked afterwards differs
}
