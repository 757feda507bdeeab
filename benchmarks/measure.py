# SPDX-License-Identifier: Apache-2.0
"""One measurement of a plan: start, a mode's frames, fidelity, memory. Whatever stops it half-way
leaves what was measured until then, marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from talkrt import Engine
from talkrt.model import Model
from talkrt.plan_file import PlanFile

from .gpu import GpuFigures, GpuWatch
from .graphs import GraphCost, graph_costs
from .host import peak_resident_bytes
from .modes import DRIVERS
from .process_memory import ProcessMemory, process_memory
from .recorder import MOST, SOAK, Recorder, Samples
from .sources import Source
from .start import Start, output_hash, start
from .validity import Observation, Witness
from .workload import Workload


@dataclass(frozen=True, slots=True)
class Memory:
    lines: dict[str, int]  # by kind, as the engine accounts for it
    model_bytes: int
    session_bytes: int
    budget_bytes: int
    peak_resident_bytes: int
    resident: tuple[tuple[float, int], ...]  # seconds, bytes
    device_bytes: int | None = None  # of a GPU, the model's and all sessions'; None: none draws
    pinned_bytes: int | None = None  # page-locked, likewise


@dataclass(frozen=True, slots=True)
class Fidelity:
    output_hash: str | None
    psnr_db: float | None  # the worst frame of the check clip; infinite: identical
    min_psnr_db: float | None
    frames: int


@dataclass(frozen=True, slots=True)
class Draws:
    """What a GPU was told, warming up included: pictures that are due together are one draw."""

    draws: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Measurement:
    workload: Workload
    width: int
    height: int
    fps: float  # of the video
    look_ahead_ms: float
    start: Start
    samples: Samples
    frames: int
    seconds: float  # wall, of the measured frames
    cpu_seconds: float  # of all threads in that time
    misses: int
    skew_ms: tuple[float, ...]
    sessions_begun: int
    sessions_refused: int
    memory: Memory
    fidelity: Fidelity
    observation: Observation
    gpu: GpuFigures | None
    stopped: str | None = None  # why it ended early
    process: ProcessMemory | None = None
    graphs: tuple[GraphCost, ...] = ()  # of a run that was not stopped
    device: str = "cpu"  # what drew the frames: "cuda"
    draws: Draws | None = None  # of a GPU

    @property
    def complete(self) -> bool:
        return self.stopped is None

    @property
    def frames_per_second(self) -> float:
        return self.frames / self.seconds if self.seconds > 0 else 0.0


@dataclass(slots=True)
class Bench:
    """measure() returns the result; after an exception, partial() does."""

    engine: Engine
    plan: PlanFile
    source: Source
    workload: Workload
    gpu: GpuWatch | None = None
    check: bool = True
    budgets: dict[str, Any] = field(default_factory=dict)  # as Engine.load takes them
    on_frame: Callable[[float, int], None] = field(default=lambda seconds, frames: None)
    on_step: Callable[[str], None] = field(default=lambda what: None)
    _recorder: Recorder | None = None
    _model: Model | None = None
    _start: Start | None = None
    _fidelity: Fidelity = Fidelity(None, None, None, 0)
    _draws_before: Draws | None = None
    _loaded: dict[str, Any] = field(default_factory=dict)  # the account, without a session

    def measure(self) -> Measurement:
        self._model, self._start = start(
            self.engine,
            self.plan.path,
            self.source,
            self.workload.seed,
            self.on_step,
            self.budgets,
        )
        self._loaded = self._account()
        self._fidelity = self._check(self._model)
        self.on_step("warming up")
        most = SOAK if self.workload.mode == "soak" else MOST
        self._recorder = Recorder(Witness(gpu=self.gpu), self.on_frame, most)
        self._draws_before = self._draws()
        DRIVERS[self.workload.mode](self._model, self.source, self.workload, self._recorder)
        return self._result(None)

    def partial(self, why: str) -> Measurement | None:
        """What was measured before it was stopped; None when no frame was."""
        if self._recorder is None or not self._recorder.frames:
            return None
        self._recorder.end()
        return self._result(why)

    def so_far(self) -> Measurement | None:
        """While it goes on, from on_frame."""
        if self._recorder is None or not self._recorder.samples.at_s:
            return None
        return self._result("still running")

    def _check(self, model: Model) -> Fidelity:
        if not self.check:
            return Fidelity(None, None, None, 0)
        self.on_step("checking frames")
        digest = output_hash(model, self.source, self.plan, self.workload.seed)
        if not self.plan.manifest.get("check"):
            return Fidelity(digest, None, None, 0)
        from talkrt import checking  # loads a decoder of pictures

        check = checking.replay(self.plan, self.engine)
        worst = min(frame.psnr_db for frame in check.frames)
        return Fidelity(digest, worst, check.min_psnr_db, len(check.frames))

    def _result(self, stopped: str | None) -> Measurement:
        model, recorder, start = self._model, self._recorder, self._start
        assert model is not None and recorder is not None and start is not None
        before, after = self._draws_before, self._draws()
        held = self._account()
        session = self.source.session(model, self.workload.seed)
        self.source.stream(model, session).pull()  # a scene takes its memory when it is drawn
        stats, device = session.stats, session.describe()["device"]
        gpu = self.gpu.end() if self.gpu is not None else None
        return Measurement(
            workload=self.workload,
            width=stats.width,
            height=stats.height,
            fps=float(model.fps),
            look_ahead_ms=1e3 * model.look_ahead / model.sample_rate if model.takes_audio else 0.0,
            start=start,
            samples=recorder.so_far(),
            frames=recorder.frames,
            seconds=recorder.seconds,
            cpu_seconds=recorder.cpu_seconds,
            misses=recorder.misses,
            skew_ms=tuple(recorder.skew_ms),
            sessions_begun=recorder.sessions_begun,
            sessions_refused=recorder.sessions_refused,
            memory=self._memory(
                model, stats.host_bytes, recorder, held if device == "cuda" else {}
            ),
            fidelity=self._fidelity,
            observation=recorder.witness.end(gpu.reasons if gpu is not None else ()),
            gpu=gpu,
            stopped=stopped,
            process=process_memory(self.engine),
            graphs=()
            if stopped
            else graph_costs(model, self.source, self.plan, self.workload.seed),
            device=device,
            draws=Draws(after.draws - before.draws, after.pictures - before.pictures)
            if before is not None and after is not None and after.pictures > before.pictures
            else None,
        )

    def _draws(self) -> Draws | None:
        for device in self.engine.describe()["devices"]:
            if device.get("used"):
                return Draws(device["draws"], device["pictures"])
        return None

    def _account(self) -> dict[str, Any]:
        models = self.engine.describe().get("memory", {}).get("models", [])
        return next((m for m in models if m.get("path") == self.plan.path), {})

    def _memory(
        self, model: Model, session_bytes: int, recorder: Recorder, without_last: dict[str, Any]
    ) -> Memory:
        account = self._account()
        lines = account.get("lines", {})
        sessions = max(self.workload.sessions, 1)

        def of_gpu(kind: str) -> int | None:
            if kind not in without_last:
                return None
            session = int(account[kind]) - int(without_last[kind])
            return int(self._loaded[kind]) + sessions * session

        return Memory(
            lines={kind: int(count) for kind, count in lines.items()},
            model_bytes=model.host_bytes,
            session_bytes=session_bytes,
            budget_bytes=model.host_budget_bytes,
            peak_resident_bytes=peak_resident_bytes(),
            resident=tuple(recorder.resident),
            device_bytes=of_gpu("device_bytes"),
            pinned_bytes=of_gpu("pinned_bytes"),
        )
