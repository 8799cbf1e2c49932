"""What the native loop works on: arrays of integers, and the names of their places.

The loop sees plain arrays, since fields of records cost it several times as much. All times are
cycles of clk_sys since reset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from priot.sim.memory_map import FLASH, ROM, SRAM, XIP_SRAM, Region

# --- where the memories lie in one array of bytes

USB_DPRAM = Region("USB DPRAM", 0x5010_0000, 4 * 1024)
SRAM_AT = 0
ROM_AT = SRAM_AT + SRAM.size
XIP_SRAM_AT = ROM_AT + ROM.size
USB_DPRAM_AT = XIP_SRAM_AT + XIP_SRAM.size
FLASH_AT = 0x50_000  # a page
MEMORY_SIZE = FLASH_AT + FLASH.size

EXCEPTIONS = 48  # numbers: 16 of the architecture, 32 interrupts
XIP_SETS = 1024  # 16 KB in two ways of 8 bytes
NEVER = 1 << 62
SIO_SIZE = 32
MAX_BREAKPOINTS, MAX_WATCHPOINTS = 256, 64
LOG_SIZE = 6
PINS_SIZE = 192  # integers of a bank of pins: priot.sim.devices.pins
PIN_LOG_SIZE = 4096
STEADY_SIZE = 8
PWM_SIZE = 160  # priot.sim.devices.pwm
DMA_SIZE = 256  # priot.sim.devices.dma
PIO_SIZE = 768  # priot.sim.devices.pio
CLOCK_OUTPUTS_SIZE = 21  # priot.sim.devices.clock_outputs
LINES_SIZE = 1200  # priot.sim.devices.lines
RING = 128  # cycles of a core's bus accesses that the other can look up
PORTS = 10  # of the crossbar


class Core(IntEnum):
    """Places of one core's own integers, beside its registers R0 to R15."""

    CYCLES = 0
    INSTRUCTIONS = auto()
    NZ = auto()  # N: below 0; Z: the low 32 bits are 0
    CARRY = auto()
    OVERFLOW = auto()
    THUMB = auto()
    IPSR = auto()
    PRIMASK = auto()
    CONTROL = auto()
    MSP = auto()  # of the two that which is not in R13
    PSP = auto()
    EVENT = auto()  # the event register
    SLEEPS = auto()  # a Sleep
    PENDING = auto()  # a bit for each exception, as in the next four
    ENABLED = auto()
    ACTIVE = auto()
    LINES = auto()  # interrupt requests as they are now
    VTOR = auto()
    SCR = auto()
    SUPERVISED = auto()  # SVCs, which are no instructions to the books
    LEAVING = auto()  # whether PC holds an EXC_RETURN value
    ENTERING = auto()  # the exception whose frame is stacked and whose handler is about to begin
    ENTRY_CYCLES = auto()  # of that entry
    UNSTACKED = auto()  # its frame could not be stored: 1, or 2 once HardFault was asked for
    NO_VECTOR = auto()  # where the vector lies that led to no code, until something is executed
    STOP_AT = auto()  # the loop goes no further before it looks around
    SP_LOW = auto()  # lowest SP of the main stack
    SP_LIMIT = auto()
    FETCHED = auto()  # the word of flash that was fetched last
    FAST = auto()  # bytes of SRAM that need no look at rights: all or none
    # An access that Python answers.
    NOW = auto()  # cycle before the instruction that asks
    ADDRESS = auto()
    SIZE = auto()
    VALUE = auto()
    WRITES = auto()
    ANSWERED = auto()  # whether it has been performed
    REPLY = auto()  # what it loaded
    # An LDM, STM, PUSH or POP, which may come to rest between two words.
    PROGRESS = auto()  # words that are done
    QUIET_UNTIL = auto()  # no exception comes before this cycle by itself
    # A fault.
    REASON = auto()
    FAULT_ADDRESS = auto()
    FAULT_SIZE = auto()
    # MPU
    MPU_CONTROL = auto()
    MPU_NUMBER = auto()
    MPU_BASES = auto()
    MPU_ATTRIBUTES = MPU_BASES + 8  # type: ignore[operator]
    NUMBER = MPU_ATTRIBUTES + 8  # of the core
    RUNS = auto()  # whether it has been launched
    WINDOW = auto()  # how far it may go before the other core has its turn
    BUS_STALLS = auto()  # cycles that it waited for another master of the bus
    OWED = auto()  # cycles that it has waited for the DMA on the bus and that are yet to pass
    # SIO's divider.
    DIVIDEND = auto()
    DIVISOR = auto()
    QUOTIENT = auto()
    REMAINDER = auto()
    READY_AT = auto()
    DIRTY = auto()
    # SysTick.
    TICK_CONTROL = auto()
    TICK_RELOAD = auto()
    TICK_VALUE = auto()
    TICK_SINCE = auto()
    TICK_WRAPPED = auto()
    TICK_AT = auto()  # the cycle at which it next pends
    WATCHING = auto()  # whether a debugger has breakpoints or watchpoints
    COUNTED = auto()  # whether BUSCTRL counts accesses to the bus
    PASSED = auto()  # the instruction to execute despite a breakpoint on it
    LOOK = auto()  # whether something is to be looked at before the next instruction
    HIT = auto()  # number of the watchpoint that was hit, from 1 on
    HIT_AT = auto()  # the first watched address of that access
    PAUSE_AT = auto()  # after so many instructions and SVCs a debugger wants it back; 0: never
    WAITED = auto()  # cycles, for flash
    LOGGED = auto()  # exceptions that began or ended since the trace looked
    LOG = auto()  # number (0: an end), SP, cycle, handler of each
    # The last access to the bus that took several cycles: port, first cycle, cycle behind it.
    HELD_PORT = LOG + 4 * LOG_SIZE  # type: ignore[operator]
    HELD_FROM = auto()
    HELD_UNTIL = auto()
    SHIFT = auto()  # cycles that the accesses in the ring came later than it says
    BUSY = auto()  # by cycle, in a ring: (cycle - SHIFT) * 16 + port of an access to the bus
    END = BUSY + RING  # type: ignore[operator]


class Chip(IntEnum):
    """Places of the integers that both cores share."""

    EVENT_AT = 0  # when peripherals in Python want attention
    LIMIT = auto()  # of the run
    XIP_MODELLED = auto()
    XIP_OFF = auto()
    XIP_MISS = auto()  # cycles of a missed word
    XIP_ACCESSES = auto()
    XIP_HITS = auto()
    XIP_STALLS = auto()
    XIP_LRU = auto()  # whether the least recently used way gives way, not a random one
    XIP_RANDOM = auto()  # what decides otherwise
    BUS_SHARED = auto()  # whether two cores wait for each other
    ONE_BANK = auto()  # whether all ports of the bus count as one
    BUS_PRIORITY = auto()  # a bit for each core
    BUS_NEXT = auto()  # a bit for each port: the core that goes first when next both come
    LOST = auto()  # accesses that had to wait, by port
    TAKEN = LOST + PORTS  # type: ignore[operator]  # all accesses, by port, while BUSCTRL counts
    # The watchdog's ticks: see priot.sim.cpu.ticks.
    TICKS_BASE = TAKEN + PORTS
    TICKS_START = auto()
    TICKS_STEP = auto()
    TICKS_SINCE = auto()
    TICKS_SCALE = auto()
    TIMER_OFFSET = auto()  # of TIMER against the ticks; NEVER or more: ask Python
    # Registers that Python read, and until when each stays so if nothing is written.
    STEADY_COUNT = auto()
    STEADY = auto()  # address, value and that cycle of each: priot.sim.steady_registers
    # A debugger's breakpoints, and its watchpoints: kind (bits: 1 read, 2 write), first, end.
    BREAKPOINTS = STEADY + 3 * STEADY_SIZE  # type: ignore[operator]
    WATCHPOINTS = auto()
    BREAKPOINT_LIST = auto()
    WATCHPOINT_LIST = BREAKPOINT_LIST + MAX_BREAKPOINTS  # type: ignore[operator]
    # Native devices: priot.sim.devices.
    DEVICES_AT = WATCHPOINT_LIST + 3 * MAX_WATCHPOINTS  # when something happens in one of them
    DEVICES_ON = auto()  # whether anything happens in them by itself
    DMA_NEXT = auto()  # for each port: whether a core goes ahead of the DMA the next time
    DATA_REQUESTS = auto()  # to the DMA: a bit for each that is high
    PINS = auto()
    PINS_HI = PINS + PINS_SIZE  # type: ignore[operator]
    PIN_LOG_COUNT = PINS_HI + PINS_SIZE
    PIN_LOG = PIN_LOG_COUNT + 1
    PWM = PIN_LOG + 2 * PIN_LOG_SIZE
    DMA = PWM + PWM_SIZE
    PIO_AT = DMA + DMA_SIZE  # when something happens in PIO that somebody may notice
    REQUESTS_AWAITED = auto()  # data requests that the DMA waits for
    PINS_AWAITED = auto()  # whether a device does nothing until an input changes
    PIO = auto()
    CLOCK_OUTPUTS = PIO + PIO_SIZE  # type: ignore[operator]
    SERIAL_LINES = CLOCK_OUTPUTS + CLOCK_OUTPUTS_SIZE
    END = SERIAL_LINES + LINES_SIZE


class Sleep(IntEnum):
    """What a core sleeps in."""

    NOT = 0
    WFI = 1
    WFE = 2
    HELD = 3  # no sleep: a debugger lets the other core move alone


class Status(IntEnum):
    """Why the loop left off; LEAVE, CALL_SUPERVISOR and PAUSE it answers itself."""

    GO = 0
    LEAVE = 1  # a branch to EXC_RETURN
    CALL_SUPERVISOR = 2
    DUE = 3  # peripherals want attention
    BUDGET = 4
    ACCESS = 5  # a register that Python models
    BREAKPOINT = 6
    FAULT = 7
    FOREVER = 8  # it sleeps, and nothing will wake it
    RETURNED = 9  # to RETURN_ADDRESS
    TURN = 10  # the other core has its turn
    DEBUGGER = 11  # ahead of a breakpoint, or behind an access to a watchpoint
    PAUSE = 12  # between two words of an instruction


class Machine(NamedTuple):
    """What devices work on: the memories in words, lines of the XIP cache, integers that both cores
    share, those of SIO, those of each core."""

    words: npt.NDArray[np.uint32]
    lines: npt.NDArray[np.uint32]
    chip: npt.NDArray[np.int64]
    sio: npt.NDArray[np.int64]
    cores: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def machine_without_program() -> Machine:
    """Two cores that do nothing."""
    cores = np.zeros(Core.END, np.int64), np.zeros(Core.END, np.int64)
    for number, core in enumerate(cores):
        core[Core.NUMBER], core[Core.RUNS] = number, 1
    words, lines = np.zeros(MEMORY_SIZE // 4, np.uint32), np.zeros((XIP_SETS, 3), np.uint32)
    chip = np.zeros(Chip.END, np.int64)
    chip[Chip.DEVICES_AT] = chip[Chip.PIO_AT] = NEVER
    return Machine(words, lines, chip, np.zeros(SIO_SIZE, np.int64), cores)


@dataclass
class State:
    """All arrays of a machine with one or two cores."""

    memory: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(MEMORY_SIZE, np.uint8))
    chip: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(Chip.END, np.int64))
    lines: npt.NDArray[np.uint32] = field(
        default_factory=lambda: np.zeros((XIP_SETS, 3), np.uint32)
    )
    """Of the XIP cache: two ways, and which of them was used last."""
    sio: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(SIO_SIZE, np.int64))

    def __post_init__(self) -> None:
        self.halfwords = self.memory.view(np.uint16)
        self.words = self.memory.view(np.uint32)


@dataclass
class CoreState:
    """The arrays of one core."""

    core: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(Core.END, np.int64))
    registers: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(16, np.uint32))
    priorities: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(EXCEPTIONS, np.int64)
    )
    loaded: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(9, np.uint32))
    """Of the LDM or POP under way."""
