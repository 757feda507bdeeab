# SPDX-License-Identifier: Apache-2.0
"""What the check does, step by step."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from .step import Step

BENCH = "import sys; from talkrt.benchmarks.cli import main; sys.exit(main())"
_SMALL, _TINY = "head-2k.bin", "head-300.bin"  # for the sanitizer, for emulation
_FEW_BINS = 16
_SEARCHED = ("/usr/local/cuda/bin", "/opt/cuda/bin")


@dataclass(frozen=True, slots=True)
class Places:
    root: Path  # of the checkout
    build: Path
    site: Path  # where the package is installed to
    work: Path  # documents of the steps

    def program(self, name: str) -> str:
        return next((str(p) for p in self.build.rglob(name) if p.is_file()), str(self.build / name))

    @property
    def module(self) -> str:
        return str(self.build / "engine/cuda/libtalkrt_cuda.so")


def build(places: Places, capability: str) -> list[Step]:
    cores = str(os.cpu_count() or 1)
    settings = (
        "TALKRT_BUILD_TESTS=ON;TALKRT_BUILD_EXAMPLES=OFF;TALKRT_BUILD_BENCHMARKS=ON;TALKRT_CUDA=ON;"
        f"CMAKE_CUDA_ARCHITECTURES={capability.replace('.', '')}"
    )
    nvcc = tool("nvcc")
    return [
        Step(
            "package",
            (sys.executable, "-m", "pip", "install", "--no-index", "--no-deps",
             "--no-build-isolation", "--disable-pip-version-check", "--quiet", "--upgrade",
             "--target", str(places.site), str(places.root)),
            200, missing="" if nvcc else "there is no nvcc",
            environment={
                "SKBUILD_BUILD_DIR": str(places.build), "SKBUILD_CMAKE_DEFINE": settings,
                "CMAKE_BUILD_PARALLEL_LEVEL": cores, "CUDACXX": nvcc or "",
            },
        ),
        Step(
            "programs",
            ("cmake", "--build", str(places.build), "-j", cores, "--target", "talkrt_cuda",
             "bench_cuda_rasterizer", "test_session_gpu"),
            200, needs=("package",),
        ),
    ]  # fmt: skip


def build_peers(places: Places, capability: str) -> Step:
    """Beside the build: gsplat compiles its kernels when it is first used."""
    return Step(
        "peers' build", (sys.executable, "-c", "from gsplat.cuda._backend import _C; assert _C"),
        300, missing="" if importable("gsplat") else "no gsplat was carried",
        environment={
            "TORCH_EXTENSIONS_DIR": str(places.build / "torch_extensions"),
            "TORCH_CUDA_ARCH_LIST": capability, "MAX_JOBS": str(os.cpu_count() or 1),
        },
    )  # fmt: skip


def scenes(places: Places) -> Step:
    return Step("scenes", _module("scenes", str(places.work)), 60, needs=("package",))


def tests(places: Places) -> Step:
    return Step(
        "tests",
        (places.program("test_session_gpu"), "--gtest_brief=1"),
        60, needs=("programs",), environment={"TALKRT_CUDA_MODULE": places.module}, says="PASSED",
    )  # fmt: skip


def sanitizer(places: Places) -> list[Step]:
    """Of the kernels under the painter, and of sessions."""
    found = tool("compute-sanitizer")
    missing = "" if found else "there is no compute-sanitizer"
    small = str(places.work / _SMALL)
    kernels = (places.program("bench_cuda_rasterizer"), small, "--draws", "2", "--views", "1,3")
    crowded = (*kernels, "--bins", str(_FEW_BINS))  # every list is longer than its bin
    sessions = (places.program("test_session_gpu"),
                "--gtest_filter=GpuSession.a_frame_says*:GpuSession.views_are*")  # fmt: skip
    environment = {"TALKRT_CUDA_MODULE": places.module}
    return [
        Step(name, (found or "", "--tool", kind, "--error-exitcode", "9", *program), 60,
             needs=("programs", "scenes"), missing=missing, environment=environment,
             says="SUMMARY")
        for name, kind, program in (
            ("memcheck of the kernels", "memcheck", kernels),
            ("racecheck of the kernels", "racecheck", kernels),
            ("racecheck, bins overflow", "racecheck", crowded),
            ("memcheck of sessions", "memcheck", sessions),
        )
    ]  # fmt: skip


def kernels(places: Places, scenes: tuple[str, ...], *more: str, name: str = "kernels") -> Step:
    paths = [str(places.work / scene) for scene in scenes]
    return Step(
        name,
        (places.program("bench_cuda_rasterizer"), *paths, "--json", str(document(places, name)),
         *more),
        75, needs=("programs", "scenes"),
    )  # fmt: skip


def crowded_kernels(places: Places, scenes: tuple[str, ...]) -> Step:
    """The same pictures where lists go on beyond their bins."""
    few = ("--bins", str(_FEW_BINS), "--draws", "20", "--views", "4")
    return kernels(places, scenes, *few, name="kernels, bins overflow")


def plan(places: Places, name: str, *options: str, limit_s: float = 40) -> Step:
    """`bench` on the GPU; the plan's check clip is replayed where its decoder of pictures is."""
    check = () if importable("av") else ("--no-check",)
    return Step(
        name,
        (sys.executable, "-c", BENCH, "--engine", str(places.root / "examples/data/demo.plan"),
         "--device", "cuda", "--save", str(document(places, name)), *check, *options),
        limit_s, needs=("package", "programs"), environment={"TALKRT_CUDA_MODULE": places.module},
        says="bench: ",
    )  # fmt: skip


def frames(places: Places) -> Step:
    """Handed over in the GPU's memory."""
    plan = str(places.root / "examples/data/demo.plan")
    return Step(
        "frames shared", _module("frames", plan, str(document(places, "frames shared"))), 60,
        needs=("package", "programs"), environment={"TALKRT_CUDA_MODULE": places.module},
    )  # fmt: skip


def allocations(places: Places) -> Step:
    return Step(
        "allocations",
        (sys.executable, "-c", BENCH, "counters", "--engine",
         str(places.root / "tests/data/tiny.plan"), "--device", "cuda", "--save",
         str(document(places, "allocations"))),
        40, needs=("package", "programs"), environment={"TALKRT_CUDA_MODULE": places.module},
    )  # fmt: skip


def side_by_side(places: Places, capability: str, heads: tuple[str, ...]) -> Step:
    """With the settings of their build, or they would be compiled anew."""
    return replace(
        build_peers(places, capability), name="side by side", limit_s=90,
        needs=("scenes", "peers' build"),
        command=_module("peers", str(places.work), str(document(places, "side by side")), *heads),
    )  # fmt: skip


def rehearsed_scenes(places: Places) -> Step:
    return Step("scenes", _module("scenes", str(places.work), "--small"), 30)


def rehearsed_kernels(places: Places, program: str) -> Step:
    step = kernels(places, (_TINY,), "--draws", "2", "--views", "1,2")
    return replace(step, command=(program, *step.command[1:]), needs=("scenes",))


def rehearsed_plan(places: Places, module: str) -> Step:
    few = ("--frames", "3", "--warmup", "1", "--no-check")
    step = plan(places, "plan, one session", *few)
    small = str(places.root / "tests/data/tiny.plan")
    demo = str(places.root / "examples/data/demo.plan")
    command = tuple(small if word == demo else word for word in step.command)
    return replace(step, command=command, needs=(), environment={"TALKRT_CUDA_MODULE": module})


def document(places: Places, step: str) -> Path:
    return places.work / f"{step.replace(' ', '_').replace(',', '')}.json"


def tool(name: str) -> str | None:
    return shutil.which(name) or next(
        (found for folder in _SEARCHED if (found := shutil.which(name, path=folder))), None
    )


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"talkrt.benchmarks.gpu_check.{name}", *arguments)


def importable(package: str) -> bool:
    """Without importing it, which may compile for minutes."""
    return find_spec(package) is not None
