# SPDX-License-Identifier: Apache-2.0
"""The engine's memory account beside what the system counts for the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from talkrt import Engine


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Bytes at the end of the measurement. None: nothing is there, or nobody says."""

    host_account: int  # page-locked memory included
    host_process: int | None  # resident
    host_difference: int | None  # the process without the account
    device_account: int | None  # of a GPU that draws
    device_process: int | None  # by NVML
    device_difference: int | None
    device_missing: str | None  # why there is no figure by NVML
    evictions: int


def process_memory(engine: Engine) -> ProcessMemory:
    memory: dict[str, Any] = engine.describe()["memory"]
    drawn = "device_bytes" in memory
    return ProcessMemory(
        host_account=memory["host_bytes"] + memory["pinned_bytes"],
        host_process=memory["host_process_bytes"],
        host_difference=memory["host_difference_bytes"],
        device_account=memory.get("device_bytes"),
        device_process=memory.get("device_process_bytes"),
        device_difference=memory.get("device_difference_bytes"),
        device_missing=memory["nvml"].get("process_missing") if drawn else None,
        evictions=memory["evictions"],
    )


def as_lines(memory: ProcessMemory) -> list[str]:
    """For the table: one line a device."""
    lines = [_line("host account", memory.host_account, memory.host_process,
                   memory.host_difference, "not known")]  # fmt: skip
    if memory.device_account is not None:
        lines.append(_line("GPU account", memory.device_account, memory.device_process,
                           memory.device_difference, memory.device_missing))  # fmt: skip
    return lines


def _line(name: str, ours: int, process: int | None, rest: int | None, why: str | None) -> str:
    beside = f"no figure of the process: {why}"
    if process is not None and rest is not None:
        beside = f"process {process / 1e6:.1f}, {rest / 1e6:+.1f} beside the account"
    return f"{name:16}{ours / 1e6:>10.2f} MB   {beside}"
