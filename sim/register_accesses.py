"""Accesses that native code cannot answer: to the registers that Python models."""

from __future__ import annotations

from collections.abc import Callable

from priot.sim.cpu.memory import REASONS, read_register, write_register
from priot.sim.cpu.native import from_python
from priot.sim.cpu.private_blocks import PrivateBlocks
from priot.sim.cpu.processor import Processor
from priot.sim.cpu.sio import NOT_HERE
from priot.sim.cpu.state import Chip, Core, Machine, State
from priot.sim.cpu.systick import advance_systick, schedule_systick
from priot.sim.devices.accesses import access_of, answer_read, answer_write
from priot.sim.devices.devices import catch_up
from priot.sim.events import Event
from priot.sim.fault_answers import FaultAnswers
from priot.sim.faults import FaultReason
from priot.sim.peripherals import Scheduler, block_of
from priot.sim.steady_registers import SteadyRegisters

_advance_systick = from_python(advance_systick)
_schedule_systick = from_python(schedule_systick)
_read_register = from_python(read_register)
_write_register = from_python(write_register)

# Places that every access looks at, as plain integers: to look into an enumeration costs more.
_ADDRESS, _SIZE, _NOW = int(Core.ADDRESS), int(Core.SIZE), int(Core.NOW)
_WRITES, _VALUE = int(Core.WRITES), int(Core.VALUE)
_REPLY, _ANSWERED = int(Core.REPLY), int(Core.ANSWERED)
_FIFO_WR = 0xD000_0054
_WORD = 4  # bytes
_REPEATED = {1: 0x0101_0101, 2: 0x0001_0001, _WORD: 1}  # on the bus, of a value by its size


class RegisterAccesses:
    """Performs the accesses of cores, DMA and debugger.

    Args:
        processors: core 0 and core 1.
        private: each core's own blocks, and the bus as it sees it.
        hear: takes what core 0 sends to a core 1 that waits in its boot ROM.
        strict: whether a register that is not modelled ends the run.
    """

    def __init__(
        self,
        state: State,
        machine: Machine,
        processors: tuple[Processor, Processor],
        private: tuple[PrivateBlocks, PrivateBlocks],
        scheduler: Scheduler,
        steady: SteadyRegisters,
        faults: FaultAnswers,
        hear: Callable[[int], None],
        strict: bool,
    ) -> None:
        self._state, self._machine = state, machine
        self._processors, self._private = processors, private
        self._scheduler, self._steady, self._faults = scheduler, steady, faults
        self._hear = hear
        self._strict = strict

    def perform(self, number: int) -> Event | None:
        """What the present instruction of a core asks for; an event where the caller must answer.

        The answer lies where the instruction, executed again, finds it.
        """
        processor = self._processors[number]
        core = processor.core
        address, size = int(core[_ADDRESS]), int(core[_SIZE])
        self._scheduler.advance(int(core[_NOW]))
        # Before ICSR clears what it pended.
        _advance_systick(core, self._state.chip, core[_NOW])
        bus = self._private[number].bus
        writes, value = bool(core[_WRITES]), int(core[_VALUE])
        modelled, loaded = True, 0
        if block_of(address) is None:
            core[Core.REASON] = REASONS.index(FaultReason.WRITE if writes else FaultReason.READ)
            core[Core.FAULT_ADDRESS], core[Core.FAULT_SIZE] = address, size
            core[Core.PROGRESS] = 0
            return self._faults.answer(processor)
        if writes:
            modelled = self._write(number, address, size, value)
        else:
            found = bus.read(address, size)
            modelled, loaded = found is not None, found or 0
        _schedule_systick(core, self._state.chip)
        until = bus.steady_until(address) if size == _WORD and not writes else 0
        if until:
            self._steady.note(address, loaded, until)
        else:
            self._steady.forget()
        if not modelled and self._strict:
            core[Core.PROGRESS] = 0
            return Event(FaultReason.UNMODELLED, address, size)
        core[_REPLY], core[_ANSWERED] = loaded, 1
        return None

    def serve_dma(self) -> None:
        """Those that the DMA asks for, as far as it comes until now."""
        machine, bus = self._machine, self._private[0].bus
        ask = access_of(machine.chip)
        while ask is not None:
            if ask.value is None:
                answer_read(machine.chip, bus.read(ask.address, ask.size) or 0)
            else:
                bus.write(ask.address, ask.size, ask.value)
                answer_write(machine.chip)
            self._steady.forget()  # it may have changed what a core polls
            catch_up(machine, self._scheduler.cycles)
            ask = access_of(machine.chip)

    def peek(self, number: int, address: int) -> int | None:
        """The register at a word's address as a core would read it now, and nothing happens.

        None where no register is modelled.
        """
        found = self._read_copy(number, address)
        return self._private[number].bus.peek(address) if found == NOT_HERE else found

    def poke(self, number: int, address: int, size: int, value: int) -> None:
        """Write to a register as a core would, at an address where `peek` finds one."""
        core, other = (self._processors[at].core for at in (number, 1 - number))
        chip, sio, now = self._state.chip, self._state.sio, core[Core.CYCLES]
        self._steady.forget()
        word = value * _REPEATED[size]
        if _write_register(core, other, chip, sio, now, address & -_WORD, word) == NOT_HERE:
            self._write(number, address, size, value)
        _schedule_systick(core, chip)

    def prepare_peeking(self) -> None:
        """Compile what `peek` and `poke` call: GDB waits two seconds for an answer."""
        self._read_copy(0, 0)
        core, other = (processor.core.copy() for processor in self._processors)
        chip, sio = self._state.chip.copy(), self._state.sio.copy()
        _write_register(core, other, chip, sio, core[Core.CYCLES], 0, 0)

    def _read_copy(self, number: int, address: int) -> int:
        """Read a native register on copies: a read may take a word or claim a lock."""
        core, other = (self._processors[at].core.copy() for at in (number, 1 - number))
        chip, sio = self._state.chip.copy(), self._state.sio.copy()
        chip[Chip.STEADY_COUNT] = 0
        return int(_read_register(core, other, chip, sio, core[Core.CYCLES], address))

    def _write(self, number: int, address: int, size: int, value: int) -> bool:
        """Write to a register that Python models; False if there is none."""
        if address == _FIFO_WR:
            self._hear(value)
            return True
        return self._private[number].bus.write(address, size, value)
