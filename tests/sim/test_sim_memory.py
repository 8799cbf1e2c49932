"""A Pico that is dropped frees its memory at once; a long run takes no more than a short one."""

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sim_programs import program

from priot import firmware_elf
from priot.sim import Engine, Fault, Pico
from priot.sim.session import Console, Ending, Limits, run_session

_PROGRAM = program("movs r0, #1; bkpt #0")


@pytest.fixture(autouse=True)
def no_search_for_circles() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _run(pico: Pico) -> None:
    pico.run(1000)
    pico.reset()
    pico.memory_use()


def _usb() -> Pico:
    return Pico(firmware_elf.BUILT / "usb_serial.no_flash.elf", usb_serial=lambda _: None)


def _faulty(pico: Pico) -> None:
    pico.write(0x2000_0000, np.array([0xDE00], np.uint16))
    with pytest.raises(Fault):
        pico.run()


def _watched(pico: Pico) -> None:
    for at in (1, 2, 3):
        pico.at(lambda: pico.set_pin(15, True), cycle=at)
    pico.wire(0, 1)
    pico.set_voltage(26, lambda _: 1.0)
    pico.run(1000)


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (lambda: Pico(_PROGRAM), _run),
        (lambda: Pico(_PROGRAM, trace=True), lambda pico: (_run(pico), pico.profile())),
        (lambda: Pico(_PROGRAM, log_pins=True, uart=lambda _: None), _run),
        (lambda: Pico(_PROGRAM, engine=Engine.UNICORN), _run),
        (lambda: Pico(firmware_elf.BUILT / "hello.default.elf"), _run),
        (_usb, lambda pico: pico.run(35_000_000)),
        (lambda: Pico(_PROGRAM), _faulty),
        (lambda: Pico(_PROGRAM), lambda pico: run_session(pico, Console(), Limits())),
    ],
    ids=["plain", "traced", "pins", "unicorn", "flash", "usb", "fault", "session"],
)
def test_a_dropped_pico_leaves_nothing(
    make: Callable[[], Pico], use: Callable[[Pico], object]
) -> None:
    use(make())  # what is made once
    gc.collect()
    pico = make()
    use(pico)
    memory = weakref.ref(pico.sram.base if pico.sram.base is not None else pico.sram)
    del pico
    assert memory() is None
    left = gc.collect()
    assert left < 100, "objects in circles"


def test_ten_picos_take_the_room_of_one() -> None:
    Pico(_PROGRAM, trace=True).run()
    tracemalloc.start()
    for _ in range(10):
        Pico(_PROGRAM, trace=True).run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20


def test_what_a_pico_told_stays() -> None:
    pico = _usb()
    pico.run(35_000_000)
    usb, registers, use = pico.usb, pico.registers, pico.memory_use()
    ports = [port.received for port in usb.serial_ports]
    del pico
    assert usb.configured
    assert [port.received for port in usb.serial_ports] == ports
    assert usb.problems == []
    assert registers.pc
    assert use.total


def test_a_long_run_stays_flat(tmp_path: Path) -> None:
    """Output by semihosting, kept to its limit; a hundred times as long takes no more."""
    source = "ldr r1, =0x20000000; more: movs r0, #3; bkpt #0xab; b more"
    pico = Pico(program(source))
    console = Console()
    for milliseconds in (0.005, 0.01):
        assert run_session(pico, console, Limits(milliseconds)).ending is Ending.TIMEOUT
    tracemalloc.start()
    written = console.written
    assert run_session(pico, console, Limits(0.07)).ending is Ending.TIMEOUT
    assert console.written > 5 * written
    grown = tracemalloc.get_traced_memory()[0] - (console.written - written)
    tracemalloc.stop()
    assert grown < 1 << 20
