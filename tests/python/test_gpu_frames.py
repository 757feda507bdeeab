# SPDX-License-Identifier: Apache-2.0
"""Frames of a GPU in Python, without a copy. The GPU is emulated, and its memory the host's."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talkrt
from numpy.typing import NDArray

MODULE = Path(__file__).resolve().parents[2] / "build/native/tests/emulation"
DL_CPU, DL_CUDA, DL_CUDA_HOST = 1, 2, 3


class DLTensor(ctypes.Structure):
    """A versioned capsule's contents: github.com/dmlc/dlpack, dlpack.h."""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[talkrt.Engine]:
    library = MODULE / "libtalkrt_cuda_emulated.so"
    if not library.exists():
        pytest.skip("make test-cpp builds the emulated GPU")
    monkeypatch.setenv("TALKRT_CUDA_MODULE", str(library))
    yield talkrt.Engine(threads=1, device="cuda")


def session_of(engine: talkrt.Engine, plan: Path, speech: Any, **wishes: Any) -> talkrt.Session:
    session = engine.load(plan).session(**wishes)
    session.push_audio(speech)
    return session


def seen(data: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> NDArray[np.uint8]:
    pointer = ctypes.cast(data, ctypes.POINTER(ctypes.c_uint8))
    memory = np.ctypeslib.as_array(pointer, (shape[0] * strides[0],))
    return np.lib.stride_tricks.as_strided(memory, shape, strides)


def contents(capsule: Any) -> DLTensor:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return DLTensor.from_address(get(capsule, b"dltensor_versioned"))


def test_frames_of_a_gpu_are_those_of_the_cpu(
    gpu: talkrt.Engine, engine: talkrt.Engine, tiny_plan: Path, speech: Any
) -> None:
    ours, theirs = (session_of(one, tiny_plan, speech) for one in (gpu, engine))
    assert (ours.device, theirs.device) == ("cuda", "cpu")
    for _ in range(5):
        a, b = ours.pull(), theirs.pull()
        assert a is not None and b is not None
        assert (a.device, b.device) == ("cuda", "cpu")
        assert np.abs(a.image.astype(int) - b.image).max() <= 1


def test_a_frame_on_the_gpu_is_handed_over_without_a_copy(
    gpu: talkrt.Engine, tiny_plan: Path, speech: Any
) -> None:
    host = session_of(gpu, tiny_plan, speech).pull()
    frame = session_of(gpu, tiny_plan, speech, frame_memory="device").pull()
    assert host is not None and frame is not None
    with pytest.raises(talkrt.UnsupportedError, match="in the GPU's memory"):
        _ = frame.image
    interface: Any = frame.__cuda_array_interface__
    assert interface["version"] == 3 and interface["typestr"] == "|u1" and interface["stream"]
    data, read_only = interface["data"]
    assert read_only
    np.testing.assert_array_equal(seen(data, interface["shape"], interface["strides"]), host.image)
    assert frame.__dlpack_device__() == (DL_CUDA, 0)
    frame.follow(interface["stream"])
    tensor = contents(capsule := frame.__dlpack__(max_version=(1, 0), stream=interface["stream"]))
    assert (tensor.data, tensor.device_type, tensor.device_id) == (data, DL_CUDA, 0)
    assert (tensor.code, tensor.bits, tensor.lanes, tensor.byte_offset) == (1, 8, 1, 0)
    assert tuple(tensor.shape[: tensor.ndim]) == host.image.shape
    assert tuple(tensor.strides[: tensor.ndim]) == interface["strides"]
    del capsule


def test_what_was_handed_over_outlives_its_frame_session_and_engine(
    gpu: talkrt.Engine, tiny_plan: Path, speech: Any
) -> None:
    frame = session_of(gpu, tiny_plan, speech, frame_memory="device").pull()
    assert frame is not None
    interface: Any = frame.__cuda_array_interface__
    before = seen(interface["data"][0], interface["shape"], interface["strides"]).copy()
    capsule = frame.__dlpack__(max_version=(1, 0), stream=-1)
    del frame, gpu
    gc.collect()
    tensor = contents(capsule)
    np.testing.assert_array_equal(
        seen(tensor.data, interface["shape"], interface["strides"]), before
    )


def test_frames_in_host_memory_are_arrays_wherever_they_were_drawn(
    gpu: talkrt.Engine, engine: talkrt.Engine, tiny_plan: Path, speech: Any
) -> None:
    for one, kind in ((engine, DL_CPU), (gpu, DL_CUDA_HOST)):
        frame = session_of(one, tiny_plan, speech, frames_ahead=2).pull()
        assert frame is not None
        assert frame.__dlpack_device__() == (kind, 0)
        array = np.from_dlpack(frame)  # type: ignore[arg-type]
        np.testing.assert_array_equal(array, frame.image)
        assert array.ctypes.data == frame.image.ctypes.data and not array.flags.writeable
        assert not hasattr(frame, "__cuda_array_interface__")
        if kind == DL_CPU:
            with pytest.raises(talkrt.UnsupportedError, match="the CPU drew this frame"):
                frame.follow(1)


def test_planes_for_encoders_are_arrays_on_either_device(
    gpu: talkrt.Engine, engine: talkrt.Engine, tiny_plan: Path, speech: Any
) -> None:
    wishes: Any = {"pixel_format": "nv12", "size": (65, 49)}
    expected = session_of(engine, tiny_plan, speech, **wishes).pull()
    found = session_of(gpu, tiny_plan, speech, **wishes).pull()
    kept = session_of(gpu, tiny_plan, speech, frame_memory="device", **wishes).pull()
    assert expected is not None and found is not None and kept is not None
    assert expected.image.shape == (49 + 25, 66)
    assert np.abs(expected.image[:, :65].astype(int) - found.image[:, :65]).max() <= 1
    interface: Any = kept.__cuda_array_interface__
    assert interface["shape"] == (74, 66)
    same = seen(interface["data"][0], interface["shape"], interface["strides"])
    np.testing.assert_array_equal(same, found.image)
    floats = session_of(gpu, tiny_plan, speech, pixel_format="rgba_f32").pull()
    assert floats is not None and floats.image.dtype == np.float32
    with pytest.raises(talkrt.Error, match="pixel_format is RGBA_F32, expected RGBA8 or NV12"):
        engine.load(tiny_plan).session(pixel_format="rgba_f32")


def test_commands_draw_on_a_gpu_and_refuse_an_unknown_device(
    gpu: talkrt.Engine, tiny_plan: Path, talkrt_command: Any, write_wav: Any, speech: Any
) -> None:
    sound = write_wav("a.wav", speech[:4000])
    done = talkrt_command("render", tiny_plan, sound, "-o", "out", "--device", "cuda")
    assert done.returncode == 0, done.stderr
    assert "will use GPU 0 (" in talkrt_command("doctor").stdout
    done = talkrt_command("render", tiny_plan, sound, "-o", "more", "--device", "tpu")
    assert done.returncode == 1 and "expected one of auto, cpu, cuda" in done.stderr


def test_a_device_that_is_not_there_or_unknown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKRT_CUDA_MODULE", "/nowhere/libtalkrt_cuda.so")
    with pytest.raises(
        talkrt.BackendError, match=r"GPU 0 cannot be used: no CUDA module: /nowhere"
    ):
        talkrt.Engine(device="cuda")
    with pytest.raises(talkrt.Error, match=r"device is 'gpu', expected one of auto, cpu, cuda"):
        talkrt.Engine(device="gpu")
    assert talkrt.Engine(device="auto").describe()["devices"][1]["used"] is False


def test_frame_memory_of_a_gpu_is_refused_on_the_cpu(
    engine: talkrt.Engine, tiny_plan: Path
) -> None:
    with pytest.raises(talkrt.Error, match="the CPU draws this session"):
        engine.load(tiny_plan).session(frame_memory="device")
