# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the tiny plan, speech-like sound, files of it in many formats, and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import talkrt
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file
from talkrt.pictures import PngEncoder

ROOT = Path(__file__).resolve().parents[2]
RATE = 16000

WriteWav = Callable[..., Path]
RunTool = Callable[..., subprocess.CompletedProcess[str]]
ChangePlan = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_plan() -> Path:
    return ROOT / "tests/data/tiny.plan"


@pytest.fixture(scope="session")
def engine() -> talkrt.Engine:
    return talkrt.Engine(threads=1)


@pytest.fixture
def model(engine: talkrt.Engine, tiny_plan: Path) -> talkrt.Model:
    return engine.load(tiny_plan)


@pytest.fixture(scope="session")
def speech() -> NDArray[np.float32]:
    """One second at 16 kHz: a buzz that opens and closes four times, with noise in it."""
    t = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    noise = np.random.default_rng(1).standard_normal(t.size)
    return np.asarray(
        0.1 * np.clip(np.sin(8 * np.pi * t), 0, None) * (buzz + 0.3 * noise), np.float32
    )


@pytest.fixture
def write_wav(tmp_path: Path) -> WriteWav:
    """write_wav(name, samples [n] or [n, channels], rate=16000, codec="pcm_s16le") -> Path.

    Also writes other containers, by the suffix of the name."""

    def write(
        name: str, samples: NDArray[np.generic], rate: int = RATE, codec: str = "pcm_s16le"
    ) -> Path:
        path = tmp_path / name
        planes = np.atleast_2d(np.asarray(samples, np.float32).T)
        layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[planes.shape[0]]
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate)
            stream.layout = layout
            packed = np.ascontiguousarray(planes.T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.rate, frame.pts = rate, 0
            resampler = av.AudioResampler(stream.format, layout, rate)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def wav(write_wav: WriteWav, speech: NDArray[np.float32]) -> Path:
    return write_wav("speech.wav", speech)


@pytest.fixture
def talkrt_command(tmp_path: Path) -> RunTool:
    """Runs `talkrt` in a folder of its own, as a user would; environment values may be added."""

    def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "talkrt.cli", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "80", **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture
def change_plan(tiny_plan: Path, tmp_path: Path) -> ChangePlan:
    """change_plan(name, manifest changes, more tensors) -> a copy of the tiny plan with those."""

    def change(
        name: str,
        manifest: dict[str, object] | None = None,
        tensors: dict[str, NDArray[np.generic]] | None = None,
    ) -> Path:
        with safe_open(tiny_plan, framework="numpy") as file:
            held = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            old = json.loads(file.metadata()["talkrt.plan"])
        metadata = {"talkrt.plan": json.dumps({**old, **(manifest or {})})}
        path = tmp_path / name
        save_file({**held, **(tensors or {})}, path, metadata=metadata)
        return path

    return change


@pytest.fixture
def checked_plan(
    change_plan: ChangePlan, model: talkrt.Model, speech: NDArray[np.float32]
) -> Callable[[int], Path]:
    """checked_plan(off) -> a plan with a check clip, its pictures wrong by `off` of 255."""

    def make(off: int) -> Path:
        session = model.session(idle_motion=False)
        session.set_controls(talkrt.Controls(emotion_intensity=0.0))
        session.push_audio(speech)
        session.finish_audio()
        images = {frame.index: frame.image.copy() for frame in session.frames()}
        png = PngEncoder(model.size, opaque=True)
        tensors: dict[str, NDArray[np.generic]] = {"check/audio": speech}
        for index in (6, 12):
            shifted = np.where(images[index] < 128, images[index] + off, images[index] - off)
            data = png.encode(shifted.astype(np.uint8))
            tensors[f"check/frame/{index}"] = np.frombuffer(data, np.uint8)
        clip = {"frames": [6, 12], "fps": [25, 1], "width": 64, "height": 64, "min_psnr_db": 40.0}
        return change_plan(f"checked{off}.plan", {"check": clip}, tensors)

    return make
