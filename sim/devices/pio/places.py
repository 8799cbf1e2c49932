"""Where the state of both PIO blocks lies among the chip's integers.

Constants, not enumerations: they are all that compiled code knows by value.
"""

from priot.sim.cpu.state import PIO_SIZE, Chip
from priot.sim.devices.pins import Bank

MACHINES_OF_A_BLOCK = 4
MEMORY_SIZE = 32  # instructions
PIN_MASK = 0x3FFF_FFFF
FIFO_SIZE = 12  # integers

# --- behind Chip.PIO: what both blocks share

SHARED = int(Chip.PIO)
(
    NOW,  # all cycles before this one are done
    FIRST,  # inputs in the first flip-flop of the synchronisers, one cycle old
    SECOND,  # in the second, two cycles old
    TOLD,  # 0: a FIFO or flag changed that interrupts may follow
    RIVAL,  # the cycle in which a second machine of a block does something
) = range(SHARED, SHARED + 5)

# --- behind the place of a block

(
    NEXT,  # the cycle at which one of its machines next does something
    ENABLED,
    FLAGS,  # the eight IRQ flags
    RAISED,  # those that this cycle sets
    LOWERED,  # those that it clears
    FDEBUG,
    BYPASS,
    PADOUT,
    PADOE,
    INTE,  # of IRQ0; then INTF of IRQ0; the same for IRQ1
    INTF,
    _INTE1,
    _INTF1,
    HELD_BY,  # machines that hold a write (OUT_STICKY)
    RAISES,  # whether an instruction in memory may set a flag
    MEMORY,
) = range(16)
MACHINES = MEMORY + MEMORY_SIZE

# --- behind the place of a machine

(
    AT,  # the cycle at which it next does something; NEVER while only others can change that
    PULSE,  # its clock enable that is next, in 1/256 cycles: see divider
    TICK,  # the cycle of that
    DELAY,  # clock enables from that one to the one at which it goes on
    AHEAD,  # clock enables that have been passed because it is delayed in them
    DIVISOR,  # in 1/256 cycles
    PC,
    X,
    Y,
    ISR,
    OSR,
    ISR_COUNT,
    OSR_COUNT,
    STALL,  # what it waits for
    BEGUN,  # whether the present instruction has been tried: it stalls
    GIVEN,  # the instruction to execute instead of the one at PC; -1 for none
    ONCE_AT,  # the cycle in which what was written to INSTR is executed; NEVER: nothing was
    WRITTEN,  # that instruction
    GIVEN_STALLS,  # whether it was written to INSTR and stalls
    REQUEST,  # number of its DREQ for TX; that for RX is 4 more
    # Registers as they were written
    CLKDIV,
    EXECCTRL,
    SHIFTCTRL,
    PINCTRL,
    # What follows from them: masks of pins are where the pins are.
    WRAP_TOP,
    WRAP_BOTTOM,
    JMP_PIN,
    SIDE_BITS,
    SIDE_OPTIONAL,
    SIDE_DIRECTIONS,
    SIDE_MASK,
    SIDE_BASE,
    DELAY_MASK,
    OUT_MASK,
    OUT_BASE,
    SET_MASK,
    SET_BASE,
    IN_BASE,
    IN_RIGHT,
    OUT_RIGHT,
    AUTOPUSH,
    AUTOPULL,
    PUSH_THRESHOLD,
    PULL_THRESHOLD,
    STICKY,
    ENABLE_BIT,  # of OUT data; -1: none
    # The write that it holds
    HELD,
    HELD_MASK,
    HELD_DIRECTIONS,
    TX,
) = range(50)
RX = TX + FIFO_SIZE
MACHINE_SIZE = RX + FIFO_SIZE

# --- behind the place of a FIFO

COUNT, HEAD, DEPTH, WORDS = range(4)

BLOCK_SIZE = MACHINES + MACHINES_OF_A_BLOCK * MACHINE_SIZE
BLOCKS = SHARED + 8
assert 8 + 2 * BLOCK_SIZE <= PIO_SIZE
assert WORDS + 8 <= FIFO_SIZE

BANK = int(Chip.PINS)
INPUTS = BANK + int(Bank.INPUTS)

# --- what a machine waits for

GOES, FIFO, PIN, FLAG, NEXT_PULSE = range(5)
