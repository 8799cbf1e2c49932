"""A slow model of both PIO blocks, cycle by cycle, written from the RP2040 datasheet, chapter 3.

It knows nothing of the simulator: every cycle it steps clock dividers, synchronisers and all eight
machines. Where the datasheet leaves something open, its choice is noted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ALL = 0xFFFF_FFFF
PINS = 0x3FFF_FFFF


def bits(value: int, high: int, low: int) -> int:
    return value >> low & (1 << high - low + 1) - 1


def rotate(value: int, count: int) -> int:
    return (value << count | value >> 32 - count) & ALL


class Divider:
    """3.5.5, as a down-counter; the carry of the fractions lengthens the next period."""

    def __init__(self) -> None:
        self.integer, self.fraction = 1, 0
        self.restart()

    def restart(self) -> None:
        self.counter, self.total, self.carry = 1, 0, 0

    def write(self, value: int) -> None:
        self.integer, self.fraction = value >> 16 or 65536, bits(value, 15, 8)

    def step(self) -> bool:
        if self.counter > 1:
            self.counter -= 1
            return False
        self.counter = self.integer + self.carry
        self.total += self.fraction
        self.carry, self.total = self.total >> 8, self.total & 0xFF
        return True


@dataclass
class Stalled:
    """What is under way while an instruction stalls."""

    op: int
    given: bool  # not from PC
    written: bool  # to INSTR


class Machine:
    def __init__(self, block: Block, number: int) -> None:
        self.block, self.number = block, number
        self.divider = Divider()
        self.execctrl, self.shiftctrl, self.pinctrl = 31 << 12, 3 << 18, 5 << 26
        self.pc = self.x = self.y = self.osr = 0
        self.tx: list[int] = []
        self.rx: list[int] = []
        self.restart()

    def restart(self) -> None:
        self.isr = self.isr_count = self.delay = 0
        self.osr_count = 32
        self.begun = False
        self.written: tuple[int, int] | None = None  # to INSTR, and cycles until it is executed
        self.pending: Stalled | None = None  # an instruction not from PC, for the next clock enable
        self.held: tuple[bool, int, int] | None = None

    # --- configuration

    @property
    def tx_depth(self) -> int:
        return 0 if self.shiftctrl >> 31 else 8 if self.shiftctrl >> 30 & 1 else 4

    @property
    def rx_depth(self) -> int:
        return 0 if self.shiftctrl >> 30 & 1 else 8 if self.shiftctrl >> 31 else 4

    @property
    def pull_threshold(self) -> int:
        return bits(self.shiftctrl, 29, 25) or 32

    @property
    def push_threshold(self) -> int:
        return bits(self.shiftctrl, 24, 20) or 32

    @property
    def autopull(self) -> bool:
        return bool(self.shiftctrl >> 17 & 1)

    @property
    def autopush(self) -> bool:
        return bool(self.shiftctrl >> 16 & 1)

    @property
    def side_bits(self) -> int:
        return min(5, bits(self.pinctrl, 31, 29))

    @property
    def exec_stalled(self) -> bool:
        return self.pending is not None and self.pending.written

    def write_shiftctrl(self, value: int) -> None:
        if (value ^ self.shiftctrl) >> 30:
            self.tx.clear()
            self.rx.clear()
        self.shiftctrl = value & 0xFFFF_0000

    def write_execctrl(self, value: int) -> None:
        self.execctrl = value & 0x7FFF_FF9F
        if not value >> 17 & 1:
            self.held = None

    def write_instr(self, value: int) -> None:
        self.written = value & 0xFFFF, 2

    # --- one cycle

    def step(self, enabled: bool, inputs: int, flags: int) -> None:
        if self.held:
            self.put(*self.held, hold=False)
        pulse = self.divider.step()
        op, wait = self.written or (0, -1)
        if wait > 0:
            self.written = op, wait - 1
        if wait == 0:  # takes the cycle, whatever the divider says
            self.written, self.pending, self.begun = None, None, False
            if not self.execute(op, inputs, flags, given=True):
                self.pending = Stalled(op, True, True)
            return
        if not pulse or not (enabled or self.exec_stalled):
            return
        if self.pending is None and self.delay:
            self.delay -= 1
            self.pull_in_background()
            return
        now, self.pending = self.pending or Stalled(self.fetch(), False, False), None
        if not self.execute(now.op, inputs, flags, given=now.given):
            if now.given:
                self.pending = now
        elif self.pending is None and not now.written:
            self.delay = bits(now.op, 12, 8) & (1 << 5 - self.side_bits) - 1

    def fetch(self) -> int:
        return self.block.memory[self.pc]

    def execute(self, op: int, inputs: int, flags: int, given: bool) -> bool:
        """Whether it completes."""
        kind = op >> 13
        meaning = (
            *(self.jmp, self.wait, self.shift_in, self.out),
            *(self.push_or_pull, self.mov, self.irq, self.set),
        )[kind]
        self.jumped = False
        done = meaning(op, inputs, flags)
        if not self.begun:
            self.side_set(op)
        if kind != 3:
            self.pull_in_background()
        self.begun = not done
        if done and not given and not self.jumped:
            top, bottom = bits(self.execctrl, 16, 12), bits(self.execctrl, 11, 7)
            self.pc = bottom if self.pc == top else (self.pc + 1) % 32
        return done

    def jump(self, target: int) -> None:
        self.pc, self.jumped = target % 32, True

    def jmp(self, op: int, inputs: int, flags: int) -> bool:
        condition = bits(op, 7, 5)
        taken = (
            True,
            self.x == 0,
            self.x != 0,
            self.y == 0,
            self.y != 0,
            self.x != self.y,
            bool(inputs >> bits(self.execctrl, 28, 24) & 1),
            self.osr_count < self.pull_threshold,
        )[condition]
        if condition == 2:
            self.x = (self.x - 1) % (1 << 32)
        if condition == 4:
            self.y = (self.y - 1) % (1 << 32)
        if taken:
            self.jump(op % 32)
        return True

    def flag(self, index: int) -> int:
        number = index % 8
        if index >= 16:
            number = number & 4 | (number + self.number) % 4
        return number

    def wait(self, op: int, inputs: int, flags: int) -> bool:
        polarity, source, index = op >> 7 & 1, bits(op, 6, 5), op % 32
        if source == 0:
            return inputs >> index & 1 == polarity
        if source == 1:
            return inputs >> (index + bits(self.pinctrl, 19, 15)) % 32 & 1 == polarity
        if source == 3:  # reserved: a level that stays low
            return polarity == 0
        flag = self.flag(index)
        if flags >> flag & 1 != polarity:
            return False
        if polarity:
            self.block.lowered |= 1 << flag
        return True

    def source(self, number: int, inputs: int) -> int:
        pins = rotate(inputs, (32 - bits(self.pinctrl, 19, 15)) % 32)
        return {0: pins, 1: self.x, 2: self.y, 6: self.isr, 7: self.osr}.get(number, 0)

    def push(self) -> bool:
        if len(self.rx) >= self.rx_depth:
            self.block.fdebug |= 1 << self.number
            return False
        self.rx.append(self.isr)
        self.isr = self.isr_count = 0
        return True

    def shift_in(self, op: int, inputs: int, flags: int) -> bool:
        if not self.begun:
            count = op % 32 or 32
            data = self.source(bits(op, 7, 5), inputs) % (1 << count)
            if self.shiftctrl >> 18 & 1:
                self.isr = (self.isr | data << 32) >> count & ALL
            else:
                self.isr = (self.isr << count | data) & ALL
            self.isr_count = min(32, self.isr_count + count)
        if self.autopush and self.isr_count >= self.push_threshold:
            return self.push()
        return True

    def pull(self) -> None:
        self.osr, self.osr_count = self.tx.pop(0), 0

    def pull_in_background(self) -> None:
        if self.autopull and self.osr_count >= self.pull_threshold and self.tx:
            self.pull()

    def out(self, op: int, inputs: int, flags: int) -> bool:
        if self.autopull and self.osr_count >= self.pull_threshold:
            if self.tx:
                self.pull()
            else:
                self.block.fdebug |= 1 << 24 + self.number
            return False
        count, destination = op % 32 or 32, bits(op, 7, 5)
        if self.shiftctrl >> 19 & 1:
            data, self.osr = self.osr % (1 << count), self.osr >> count
        else:
            both = self.osr << count
            data, self.osr = both >> 32, both & ALL
        self.osr_count = min(32, self.osr_count + count)
        match destination:
            case 0 | 4:
                self.out_pins(data, destination == 4)
            case 1:
                self.x = data
            case 2:
                self.y = data
            case 5:
                self.jump(data)
            case 6:
                self.isr, self.isr_count = data, count
            case 7:
                self.pending = Stalled(data & 0xFFFF, True, False)
        self.pull_in_background()
        return True

    def push_or_pull(self, op: int, inputs: int, flags: int) -> bool:
        conditional, blocking = bool(op & 0x40), bool(op & 0x20)
        if not op & 0x80:
            if conditional and self.isr_count < self.push_threshold:
                return True
            if self.push():
                return True
            if not blocking:
                self.isr = self.isr_count = 0
            return not blocking
        if (conditional or self.autopull) and self.osr_count < self.pull_threshold:
            return True
        if self.tx:
            self.pull()
            return True
        if blocking:
            self.block.fdebug |= 1 << 24 + self.number
            return False
        self.osr, self.osr_count = self.x, 0
        return True

    def mov(self, op: int, inputs: int, flags: int) -> bool:
        source, operation, destination = op % 8, bits(op, 4, 3), bits(op, 7, 5)
        value = self.source(source, inputs)
        if source == 5:
            level = len(self.rx if self.execctrl >> 4 & 1 else self.tx)
            value = ALL if level < self.execctrl % 16 else 0
        if operation == 1:
            value ^= ALL
        if operation == 2:
            value = int(f"{value:032b}"[::-1], 2)
        match destination:
            case 0:
                self.put(False, *self.mapped(value, *self.out_mapping()), hold=True)
            case 1:
                self.x = value
            case 2:
                self.y = value
            case 4:
                self.pending = Stalled(value & 0xFFFF, True, False)
            case 5:
                self.jump(value)
            case 6:
                self.isr, self.isr_count = value, 0
            case 7:
                self.osr, self.osr_count = value, 0
        return True

    def irq(self, op: int, inputs: int, flags: int) -> bool:
        flag = self.flag(op % 32)
        if op & 0x40:
            self.block.lowered |= 1 << flag
            return True
        if not self.begun:
            self.block.raised |= 1 << flag
            return not op & 0x20
        return not flags >> flag & 1

    def set(self, op: int, inputs: int, flags: int) -> bool:
        destination, data = bits(op, 7, 5), op % 32
        if destination in (0, 4):
            base, count = bits(self.pinctrl, 9, 5), min(5, bits(self.pinctrl, 28, 26))
            self.put(destination == 4, *self.mapped(data, base, count), hold=True)
        elif destination == 1:
            self.x = data
        elif destination == 2:
            self.y = data
        return True

    # --- pins

    def out_mapping(self) -> tuple[int, int]:
        return bits(self.pinctrl, 4, 0), min(32, bits(self.pinctrl, 25, 20))

    def mapped(self, data: int, base: int, count: int) -> tuple[int, int]:
        """Mask and levels where the pins are."""
        mask = rotate((1 << count) - 1, base) & PINS
        return mask, rotate(data, base) & mask

    def out_pins(self, data: int, directions: bool) -> None:
        if self.execctrl >> 18 & 1 and not data >> bits(self.execctrl, 23, 19) & 1:
            self.held = None
            return
        self.put(directions, *self.mapped(data, *self.out_mapping()), hold=True)

    def put(self, directions: bool, mask: int, data: int, hold: bool) -> None:
        block = self.block
        if directions:
            block.padoe = block.padoe & ~mask | data
        else:
            block.padout = block.padout & ~mask | data
        if hold and self.execctrl >> 17 & 1:
            self.held = directions, mask, data

    def side_set(self, op: int) -> None:
        count = self.side_bits
        value = bits(op, 12, 8) >> 5 - count
        if not count:
            return
        if self.execctrl >> 30 & 1:
            count -= 1
            if not value >> count & 1:
                return
        mask, data = self.mapped(value % (1 << count), bits(self.pinctrl, 14, 10), count)
        self.put(bool(self.execctrl >> 29 & 1), mask, data, hold=False)


@dataclass
class Block:
    """The registers and machines of one block."""

    memory: list[int] = field(default_factory=lambda: [0] * 32)
    enabled: int = 0
    flags: int = 0
    raised: int = 0
    lowered: int = 0
    fdebug: int = 0
    bypass: int = 0
    padout: int = 0
    padoe: int = 0
    inte: list[int] = field(default_factory=lambda: [0, 0])
    intf: list[int] = field(default_factory=lambda: [0, 0])

    def __post_init__(self) -> None:
        self.machines = [Machine(self, number) for number in range(4)]

    def step(self, pads: int, synchronised: int) -> None:
        inputs = pads & self.bypass | synchronised & ~self.bypass
        flags = self.flags
        for number, machine in enumerate(self.machines):
            machine.step(bool(self.enabled >> number & 1), inputs, flags)
        self.flags = self.flags & ~self.lowered | self.raised
        self.raised = self.lowered = 0

    @property
    def intr(self) -> int:
        value = (self.flags & 15) << 8
        for number, machine in enumerate(self.machines):
            value |= bool(machine.rx) << number
            value |= (len(machine.tx) < machine.tx_depth) << 4 + number
        return value

    def ints(self, line: int) -> int:
        return self.intr & self.inte[line] | self.intf[line]

    def read(self, name: str) -> int:
        """A register by name; RXF gives its word away."""
        machines = self.machines
        match name:
            case "CTRL":
                return self.enabled
            case "FSTAT":
                return sum(
                    (len(one.rx) >= one.rx_depth) << at
                    | (not one.rx) << 8 + at
                    | (len(one.tx) >= one.tx_depth) << 16 + at
                    | (not one.tx) << 24 + at
                    for at, one in enumerate(machines)
                )
            case "FLEVEL":
                return sum(
                    len(one.tx) << 8 * at | len(one.rx) << 8 * at + 4
                    for at, one in enumerate(machines)
                )
            case "FDEBUG":
                return self.fdebug
            case "IRQ":
                return self.flags
            case "DBG_PADOUT":
                return self.padout
            case "DBG_PADOE":
                return self.padoe
            case "INTR":
                return self.intr
            case "IRQ0_INTS" | "IRQ1_INTS":
                return self.ints(int(name[3]))
        machine = machines[int(name[2 if name.startswith("SM") else 3])]
        match name[4:]:
            case "ADDR":
                return machine.pc
            case "EXECCTRL":
                return machine.execctrl | machine.exec_stalled << 31
        assert name.startswith("RXF")
        if machine.rx:
            return machine.rx.pop(0)
        self.fdebug |= 1 << 8 + machine.number
        return -1  # whatever

    def write(self, name: str, value: int) -> None:
        machines = self.machines
        match name:
            case "CTRL":
                self.enabled = value & 15
                for number, machine in enumerate(machines):
                    if value >> 4 + number & 1:
                        machine.restart()
                    if value >> 8 + number & 1:
                        machine.divider.restart()
                return
            case "FDEBUG":
                self.fdebug &= ~value
                return
            case "IRQ":
                self.flags &= ~value
                return
            case "IRQ_FORCE":
                self.flags |= value & 0xFF
                return
            case "INPUT_SYNC_BYPASS":
                self.bypass = value
                return
            case "IRQ0_INTE" | "IRQ1_INTE":
                self.inte[int(name[3])] = value & 0xFFF
                return
            case "IRQ0_INTF" | "IRQ1_INTF":
                self.intf[int(name[3])] = value & 0xFFF
                return
        if name.startswith("INSTR_MEM"):
            self.memory[int(name[9:])] = value & 0xFFFF
            return
        machine = machines[int(name[2 if name.startswith("SM") else 3])]
        match name[4:] if name.startswith("SM") else name[:3]:
            case "TXF":
                if len(machine.tx) < machine.tx_depth:
                    machine.tx.append(value)
                else:
                    self.fdebug |= 1 << 16 + machine.number
            case "CLKDIV":
                machine.divider.write(value)
            case "EXECCTRL":
                machine.write_execctrl(value)
            case "SHIFTCTRL":
                machine.write_shiftctrl(value)
            case "PINCTRL":
                machine.pinctrl = value
            case "INSTR":
                machine.write_instr(value)


class Model:
    """Both blocks and the pins; `given` are the pins that each block has."""

    def __init__(self, given: tuple[int, int]) -> None:
        self.blocks = Block(), Block()
        self.given = given
        self.outside = 0  # levels of what no block drives
        self.first = self.second = self.levels()

    def levels(self) -> int:
        out = enable = 0
        for block, pins in zip(self.blocks, self.given, strict=True):
            out |= block.padout & pins
            enable |= block.padoe & pins
        return (out & enable | self.outside & ~enable) & PINS

    def step(self) -> None:
        pads = self.levels()
        for block in self.blocks:
            block.step(pads, self.second)
        self.first, self.second = pads, self.first

    @property
    def interrupts(self) -> set[int]:
        """Numbers of the requests that are raised."""
        return {
            7 + 2 * at + line
            for at, block in enumerate(self.blocks)
            for line in range(2)
            if block.ints(line)
        }
