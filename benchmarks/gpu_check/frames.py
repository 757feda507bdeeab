# SPDX-License-Identifier: Apache-2.0
"""python -m talkrt.benchmarks.gpu_check.frames PLAN OUT: frames that stay in the GPU's memory, as
torch and CuPy take them, against those of a session that brings them to the host."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from talkrt import Engine, Frame, Session
from talkrt.model import Model

from ..speech import murmur

SCHEMA = "talkrt.gpu-frames/1"
_FRAMES = 8

Taken = tuple[int, NDArray[np.uint8]]  # the address of its pixels, and a copy of them on the host
Take = Callable[[Frame], Taken]


def torch_by_dlpack() -> Take:
    torch: Any = importlib.import_module("torch")
    return lambda frame: _torch(torch.from_dlpack(frame))


def torch_by_interface() -> Take:
    torch: Any = importlib.import_module("torch")

    def take(frame: Frame) -> Taken:
        # torch does not look at the interface's stream.
        frame.follow(torch.cuda.current_stream().cuda_stream)
        return _torch(torch.as_tensor(frame, device="cuda"))

    return take


def cupy_by_dlpack() -> Take:
    cupy: Any = importlib.import_module("cupy")
    return lambda frame: _cupy(cupy, cupy.from_dlpack(frame))


def cupy_by_interface() -> Take:
    cupy: Any = importlib.import_module("cupy")
    return lambda frame: _cupy(cupy, cupy.asarray(frame))


WAYS: Mapping[str, Callable[[], Take]] = {
    "torch, DLPack": torch_by_dlpack,
    "torch, CUDA array interface": torch_by_interface,
    "CuPy, DLPack": cupy_by_dlpack,
    "CuPy, CUDA array interface": cupy_by_interface,
}


def main() -> None:
    plan, out = sys.argv[1:]
    model = Engine(device="cuda").load(plan)
    rows = []
    for name, way in WAYS.items():
        rows.append({"way": name, **tried(model, way)})
        print(f"{name}: {rows[-1]['found']}")
    document = {"schema": SCHEMA, "frames": _FRAMES, "rows": rows}
    Path(out).write_text(json.dumps(document, indent=1))
    if any(not row["passed"] for row in rows if row["installed"]):
        raise SystemExit("a frame did not come over as it is")


def tried(model: Model, way: Callable[[], Take]) -> dict[str, Any]:
    try:
        take = way()
    except ImportError as error:
        return {"installed": False, "passed": False, "found": str(error)}
    try:
        found = shared(model, take)
    except Exception as error:  # another project's code: whatever it raises is its result
        found = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return {"installed": True, "passed": found == "the same bytes, no copy", "found": found}


def shared(model: Model, take: Take) -> str:
    on_gpu, on_host = _speaking(model, "device"), _speaking(model, "host")
    for index in range(_FRAMES):
        frame, expected = on_gpu.pull(), on_host.pull()
        if frame is None or expected is None:
            return f"frame {index} wants more audio"
        interface: Any = frame.__cuda_array_interface__
        address, pixels = take(frame)
        if address != interface["data"][0]:
            return f"frame {index} was copied"
        if not np.array_equal(pixels, expected.image):
            return f"frame {index} has other bytes"
    return "the same bytes, no copy"


def _speaking(model: Model, memory: str) -> Session:
    session = model.session(frame_memory=memory)
    session.push_audio(murmur(model.sample_rate, seconds=1))
    return session


def _torch(tensor: Any) -> Taken:
    return int(tensor.data_ptr()), tensor.cpu().numpy()


def _cupy(cupy: Any, array: Any) -> Taken:
    return int(array.data.ptr), cupy.asnumpy(array)


if __name__ == "__main__":
    main()
