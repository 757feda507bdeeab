# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from talkrt.benchmarks.calibration import Calibration, Kernel
from talkrt.benchmarks.gpu import open_gpu
from talkrt.benchmarks.validity import Observation, Witness, judge

Make = Callable[..., Observation]


def calibrations(compute: list[float]) -> tuple[Calibration, ...]:
    return tuple(Calibration(0.2 * i, value, 0.3) for i, value in enumerate(compute))


def test_a_quiet_machine_is_valid(observation: Make) -> None:
    assert judge(observation()).valid


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({"foreign_cpu_s": 4.0}, "contended", "other processes took"),
        ({"steal_s": 1.0}, "contended", "hypervisor"),
        ({"calibrations": calibrations([0.25, 0.25, 0.5] * 10)}, "noisy", "varied"),
        ({"calibrations": calibrations([0.25] * 20 + [0.28] * 10)}, "noisy", "drifted by +12"),
        ({"wall_step_s": -3600.0}, "noisy", "time of day stepped by -3600.0 s"),
        ({"slew_s": 0.5}, "noisy", "slewed"),
        ({"suspended_s": 60.0}, "noisy", "slept"),
        ({"throttle_events": 3}, "throttled", "throttled 3 times"),
        ({"clock_mhz": (2600.0, 2600.0, 1800.0)}, "throttled", "1800 and 2600 MHz"),
        ({"gpu_reasons": ("power cap",)}, "throttled", "power cap"),
        ({"gpu_reasons": ("power cap",), "foreign_cpu_s": 9.0}, "throttled", "other processes"),
    ],
)
def test_what_was_seen_decides_and_is_said(
    observation: Make, changes: dict[str, Any], state: str, said: str
) -> None:
    verdict = judge(observation(**changes))
    assert verdict.state == state
    assert any(said in reason for reason in verdict.reasons)


def test_what_a_machine_does_not_tell_invalidates_nothing(observation: Make) -> None:
    seen = observation(foreign_cpu_s=None, steal_s=None, waited_s=None, throttle_events=None)
    assert judge(seen).valid


def test_a_tick_of_another_process_does_not_invalidate_a_short_run(observation: Make) -> None:
    assert judge(observation(seconds=0.05, foreign_cpu_s=0.04)).valid
    assert not judge(observation(seconds=1.0, foreign_cpu_s=0.4)).valid


def test_the_calibration_is_not_part_of_the_measurement() -> None:
    witness = Witness()
    witness.begin()
    assert witness.aside_s == 0.0
    witness._next = 0.0
    witness.look()
    seen = witness.end()
    assert 0.0 < witness.aside_s < seen.seconds
    assert len(seen.calibrations) == 3
    assert abs(seen.wall_step_s) < 0.1


def test_the_calibration_does_the_same_work_every_time() -> None:
    first, second = Kernel(), Kernel()
    first.run(0.0), second.run(0.0), second.run(0.0)
    assert (first._y == second._y).all()


class FakeNvml(SimpleNamespace):
    """The calls that are made, of a driver whose GPU is held back by its power cap."""

    class NVMLError(Exception):
        pass

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
    nvmlClocksEventReasonSwPowerCap = 4  # noqa: N815

    def __init__(self, count: int) -> None:
        self.millijoules = 0
        super().__init__(
            nvmlInit=lambda: None, nvmlDeviceGetCount=lambda: count,
            nvmlDeviceGetHandleByIndex=lambda i: "gpu", nvmlDeviceGetName=lambda h: b"A GPU",
            nvmlDeviceGetUUID=lambda h: "GPU-1", nvmlSystemGetDriverVersion=lambda: "600.1",
            nvmlDeviceGetClockInfo=lambda h, kind: 1500 * kind,
            nvmlDeviceGetPowerUsage=lambda h: 300_000,
            nvmlDeviceGetTotalEnergyConsumption=self.energy,
            nvmlDeviceGetCurrentClocksEventReasons=lambda h: 4 | 1,
            nvmlDeviceGetTemperature=self.refused,
            nvmlDeviceGetComputeRunningProcesses=lambda h: [],
        )  # fmt: skip

    def energy(self, handle: str) -> int:
        self.millijoules += 5000
        return self.millijoules

    def refused(self, handle: str, kind: int) -> int:
        raise self.NVMLError("not supported")


def test_a_gpus_clocks_energy_and_slowing_reasons_are_told() -> None:
    watch, why = open_gpu(FakeNvml(1))
    assert watch is not None and why == ""
    watch.begin()
    watch.look()
    seen = watch.end()
    assert (seen.name, seen.driver, seen.sm_mhz) == ("A GPU", "600.1", (1500, 1500.0))
    assert seen.watts == (300.0, 300.0)
    assert seen.joules == 5.0
    assert seen.celsius is None  # this GPU does not tell
    assert seen.reasons == ("power cap",)


def test_no_gpu_is_no_error() -> None:
    assert open_gpu(FakeNvml(0)) == (None, "the driver has no GPU")
