# SPDX-License-Identifier: Apache-2.0
"""Outputs in a thread of their own, so that rendering and encoding overlap."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from numpy.typing import NDArray

from talkrt.output import Output

DEPTH = 4  # frames between the two threads; a session needs that many slots beside its own


T = TypeVar("T")  # frames, or views


@dataclass(frozen=True, slots=True)
class Sink(Generic[T]):
    """An output, and what of a frame goes there."""

    output: Output
    part: Callable[[T], NDArray[Any]]


class Encoding(Generic[T]):
    """Feeds every frame to every sink, and stops when the block is left. Outputs stay the caller's,
    who aborts them after that if an exception is on its way."""

    def __init__(self, sinks: Sequence[Sink[T]]) -> None:
        self._sinks = sinks
        self._frames: queue.Queue[T | None] = queue.Queue(DEPTH)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="talkrt-encode", daemon=True)
        self._thread.start()

    def write(self, frame: T) -> None:
        self._put(frame)

    def finish(self) -> None:
        """Waits for the rest, completes all outputs, and only then gives them their names."""
        self._put(None)
        self._thread.join()
        self._raise()
        for sink in self._sinks:
            sink.output.close()
        for sink in self._sinks:
            sink.output.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _put(self, item: T | None) -> None:
        while True:
            self._raise()
            try:
                self._frames.put(item, timeout=0.1)
                return
            except queue.Full:
                continue  # look whether the encoder has failed

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    frame = self._frames.get(timeout=0.1)
                except queue.Empty:
                    continue
                if frame is None:
                    return
                for sink in self._sinks:
                    sink.output.write(sink.part(frame))
                del frame  # gives the session its slot back
        except BaseException as error:
            self._error = error
