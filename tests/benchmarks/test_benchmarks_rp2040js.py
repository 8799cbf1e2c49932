"""benchmarks.rp2040js: the same bits as here, and cycles whose every difference has a cause."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.rp2040js.machine import Rp2040js, missing
from benchmarks.training import training
from priot import firmware_elf
from priot.experiments.device.simulator import simulated_pico, trainer_elf
from priot.experiments.device.variants import Variant
from priot.kernels.methods import method
from priot.sim import Pico, StopReason
from priot.sim.memory_map import SRAM

pytestmark = pytest.mark.skipif(missing() is not None, reason=f"rp2040js: {missing()}")

PUSH_WITH_LR, POP_WITH_PC = 0xB5, 0xBD  # first byte of the encodings (DDI0419, A6.7.48 and 49)
HALTS = 1 + 3  # before the first step and after each


def executions(pico: Pico, opcode: int) -> int:
    return sum(
        cost.executions
        for cost in pico.profile().by_instruction()
        if int(pico.read(cost.address, "<u2", 1)[0]) >> 8 == opcode
    )


def test_training_leaves_the_same_sram_and_each_missing_cycle_is_explained() -> None:
    """rp2040js counts LR and PC in a register list for nothing, and a cycle for each BKPT."""
    priot, variant = training(method("priot"), 3), Variant.FAST
    pico = simulated_pico(None, variant)
    with Rp2040js(trainer_elf(variant)) as other:
        for target in (pico, other):
            priot.steps(priot.device(target, variant))
        np.testing.assert_array_equal(other.read(SRAM.base, np.uint8, SRAM.size), pico.sram)
        lists = executions(pico, PUSH_WITH_LR) + executions(pico, POP_WITH_PC)
        assert pico.cycles - other.cycles == lists - HALTS


def test_a_program_that_tests_itself_passes() -> None:
    with Rp2040js(firmware_elf.BUILT / "divider.no_flash.elf") as other:
        assert other.run(1000).reason is StopReason.BUDGET
        assert other.run(None).immediate == 0xAB
        assert other.output.endswith(b"PASS\n")
        assert other.seconds > 0


def test_a_program_that_sleeps_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        Rp2040js(firmware_elf.BUILT / "sleep.no_flash.elf") as other,
        pytest.raises(BenchmarkError, match="during 'run'"),
    ):
        other.run(None)
    assert "the program sleeps" in capfd.readouterr().err


def test_a_failure_in_rp2040js_is_an_error_here(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        Rp2040js(firmware_elf.BUILT / "divider.no_flash.elf") as other,
        pytest.raises(BenchmarkError, match="during 'write'"),
    ):
        other.write(SRAM.end, b"more than there is")
    assert "RangeError" in capfd.readouterr().err
