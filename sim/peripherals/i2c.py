"""I2C0 and I2C1: Synopsys DW_apb_i2c. Source: RP2040 datasheet, 4.3.

Bits, START and STOP take the times that the registers give them, to the cycle. Where somebody looks
at the pins a master drives them bit by bit. IC_SDA_SETUP moves nothing.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

from priot.sim.peripherals.i2c_bus import I2cBus
from priot.sim.peripherals.i2c_line import I2cLine, Times
from priot.sim.peripherals.i2c_master import READ, Abort, Addressing, Master
from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.registers import Register, field
from priot.sim.peripherals.requests import RequestLine
from priot.sim.peripherals.scheduler import Scheduler
from priot.sim.peripherals.serial_pins import I2cPins
from priot.sim.peripherals.timed_block import TimedBlock

_FIFO_DEPTH = 16
# IC_CON
_MASTER, _TEN_BIT_SLAVE, _TEN_BIT_MASTER, _RESTARTS = 1 << 0, 1 << 3, 1 << 4, 1 << 5
_SLAVE_DISABLE, _STOP_IF_ADDRESSED, _EMPTY_AFTER_SHIFT, _HOLD_FULL = 1 << 6, 1 << 7, 1 << 8, 1 << 9
_STANDARD, _FAST = 1, 2  # IC_CON.SPEED
_GC_OR_START, _SPECIAL = 1 << 10, 1 << 11  # IC_TAR
_FIRST_BYTE = 1 << 11  # IC_DATA_CMD
_ENABLE, _ABORT, _BLOCK = 1 << 0, 1 << 1, 1 << 2  # IC_ENABLE
# Interrupts
_RX_UNDER, _RX_OVER, _RX_FULL, _TX_OVER, _TX_EMPTY = (1 << bit for bit in range(5))
_RD_REQ, _TX_ABRT, _RX_DONE, _ACTIVITY, _STOP_DET = (1 << bit for bit in range(5, 10))
_START_DET, _GEN_CALL, _RESTART_DET = (1 << bit for bit in range(10, 13))
_BY_PROGRAM = 0x1FFF & ~(_RX_FULL | _TX_EMPTY)  # the others follow the FIFOs
_ENDED_BY_DISABLING = _RX_UNDER | _RX_OVER | _TX_OVER | _ACTIVITY | _GEN_CALL
_CLEARING = {
    "RX_UNDER": (0x44, _RX_UNDER),
    "RX_OVER": (0x48, _RX_OVER),
    "TX_OVER": (0x4C, _TX_OVER),
    "RD_REQ": (0x50, _RD_REQ),
    "TX_ABRT": (0x54, _TX_ABRT),
    "RX_DONE": (0x58, _RX_DONE),
    "ACTIVITY": (0x5C, _ACTIVITY),
    "STOP_DET": (0x60, _STOP_DET),
    "START_DET": (0x64, _START_DET),
    "GEN_CALL": (0x68, _GEN_CALL),
    "RESTART_DET": (0xA8, _RESTART_DET),
}
_FLUSHED_SHIFT = 23  # IC_TX_ABRT_SOURCE.TX_FLUSH_CNT
_SLAVE_DISABLED_WHILE_BUSY, _SLAVE_RX_DATA_LOST = 1 << 1, 1 << 2  # IC_ENABLE_STATUS
# 4.3.17: writes have no effect while IC_ENABLE.ENABLE is set.
_LOCKED = {
    *("IC_CON", "IC_TAR", "IC_SAR", "IC_SS_SCL_HCNT", "IC_SS_SCL_LCNT", "IC_FS_SCL_HCNT"),
    *("IC_FS_SCL_LCNT", "IC_SDA_HOLD", "IC_SLV_DATA_NACK_ONLY", "IC_SDA_SETUP", "IC_FS_SPKLEN"),
}


class I2c(TimedBlock):
    """One controller.

    Args:
        scheduler: the owner of time.
        line: its interrupt request.
        transmit, receive: its requests to the DMA.
        bus: what its pins are wired to.
        pins: what carries SDA and SCL.
        line_out: what it does to its pins.

    Attributes:
        bus: what its pins are wired to now.
    """

    def __init__(
        self,
        name: str,
        base: int,
        scheduler: Scheduler,
        line: InterruptLine,
        transmit: RequestLine,
        receive: RequestLine,
        bus: I2cBus,
        pins: I2cPins,
        line_out: I2cLine,
    ) -> None:
        self.name, self.base = name, base
        self._line = line
        self._transmit_request, self._receive_request = transmit, receive
        self._reaches_bus = pins.reach_bus
        self._master = Master(scheduler, self, bus, line_out)
        bus.add(self)

        def steady() -> int:
            return scheduler.next

        super().__init__(
            scheduler,
            Register(0x00, "IC_CON", 0x65, 0x3FF, on_write=self._write_control),
            Register(0x04, "IC_TAR", 0x55, 0xFFF),
            Register(0x08, "IC_SAR", 0x55, 0x3FF),
            Register(0x10, "IC_DATA_CMD", 0, 0, self._read_data, self._write_data),
            *self._counts(),
            Register(0x2C, "IC_INTR_STAT", 0, 0, self._interrupts, steady_until=steady),
            Register(0x30, "IC_INTR_MASK", 0x8FF, 0x1FFF),
            Register(0x34, "IC_RAW_INTR_STAT", 0, 0, self._raw, steady_until=steady),
            Register(0x38, "IC_RX_TL", 0, 0xFF, on_write=self._bound("IC_RX_TL", 0, _FIFO_DEPTH)),
            Register(0x3C, "IC_TX_TL", 0, 0xFF, on_write=self._bound("IC_TX_TL", 0, _FIFO_DEPTH)),
            Register(0x40, "IC_CLR_INTR", 0, 0, partial(self._clear, _BY_PROGRAM)),
            *(
                Register(offset, f"IC_CLR_{name}", 0, 0, partial(self._clear, bit))
                for name, (offset, bit) in _CLEARING.items()
            ),
            Register(0x6C, "IC_ENABLE", 0, 0, on_write=self._write_enable),
            Register(0x70, "IC_STATUS", 0x6, 0, self._status, steady_until=steady),
            Register(0x74, "IC_TXFLR", 0, 0, lambda: len(self._commands), steady_until=steady),
            Register(0x78, "IC_RXFLR", 0, 0, lambda: len(self._received), steady_until=steady),
            Register(0x7C, "IC_SDA_HOLD", 1, 0xFF_FFFF),
            Register(0x80, "IC_TX_ABRT_SOURCE", 0, 0, steady_until=steady),
            Register(0x84, "IC_SLV_DATA_NACK_ONLY", 0, 0x1),
            Register(0x88, "IC_DMA_CR", 0, 0x3),
            Register(0x8C, "IC_DMA_TDLR", 0, 0xF),
            Register(0x90, "IC_DMA_RDLR", 0, 0xF),
            Register(0x94, "IC_SDA_SETUP", 0x64, 0xFF),
            Register(0x98, "IC_ACK_GENERAL_CALL", 1, 0x1),
            Register(0x9C, "IC_ENABLE_STATUS", 0, 0, self._enable_status, steady_until=steady),
            Register(0xA0, "IC_FS_SPKLEN", 0x7, 0xFF, on_write=self._bound("IC_FS_SPKLEN", 1)),
            Register(0xF4, "IC_COMP_PARAM_1", 0, 0),
            Register(0xF8, "IC_COMP_VERSION", 0x3230_312A, 0),
            Register(0xFC, "IC_COMP_TYPE", 0x4457_0140, 0),
        )
        self._names = {register.offset: register.name for register in self.registers}
        self.reset()

    def reset(self) -> None:
        """Off, the FIFOs empty, the bus free."""
        super().reset()
        self._commands: deque[int] = deque()
        self._received: deque[int] = deque()
        self._noted = 0  # interrupts that stay until the program clears them
        self._is_selected = False  # by another master, as a slave
        self._is_called_by_all = False
        self._took_data = False  # in the transfer in which it is selected
        self._is_first = False
        self._disabled_busy = 0  # IC_ENABLE_STATUS
        self._master.reset()
        self.bus.leave(self)
        self._tell()

    @property
    def bus(self) -> I2cBus:
        """See the class."""
        return self._master.bus

    @bus.setter
    def bus(self, bus: I2cBus) -> None:
        if bus is not self.bus:
            self.bus.leave(self)
            self._master.bus = bus

    # What the scheduler and the processor see.

    def due(self) -> int:
        """See Timed."""
        return self._master.due

    def advance(self) -> None:
        """See Timed."""
        self._master.advance()
        self._settle()

    def read(self, offset: int) -> int | None:
        """See Peripheral."""
        value = super().read(offset)
        self._tell()
        return value

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        if self._is_enabled and self._names.get(offset) in _LOCKED:
            return True
        known = super().write(offset, value)
        self._settle()
        return known

    @property
    def _is_enabled(self) -> bool:
        return bool(self["IC_ENABLE"] & _ENABLE)

    @property
    def _is_active(self) -> bool:
        return self._master.active or self._is_selected

    def _settle(self) -> None:
        """After any change."""
        if self._is_active:
            self._noted |= _ACTIVITY
        elif not self._is_enabled:
            self._noted &= ~_ENDED_BY_DISABLING
        self._tell()

    def _tell(self) -> None:
        self._line.set(bool(self._interrupts()))
        control = self["IC_DMA_CR"]
        self._receive_request.set(bool(control & 1) and len(self._received) > self["IC_DMA_RDLR"])
        self._transmit_request.set(bool(control & 2) and len(self._commands) <= self["IC_DMA_TDLR"])

    def _changed(self) -> None:
        """Something but an access changed it."""
        self._settle()
        self.reschedule()

    def _counts(self) -> list[Register]:
        """Of SCL high and low; 4.3.17 gives the least that they can be."""
        listed = [
            (0x14, "IC_SS_SCL_HCNT", 0x28, 6),
            (0x18, "IC_SS_SCL_LCNT", 0x2F, 8),
            (0x1C, "IC_FS_SCL_HCNT", 0x06, 6),
            (0x20, "IC_FS_SCL_LCNT", 0x0D, 8),
        ]
        return [
            Register(offset, name, reset, 0xFFFF, on_write=self._bound(name, least))
            for offset, name, reset, least in listed
        ]

    def _bound(self, name: str, least: int, most: int = 0xFFFF) -> Callable[[int], None]:
        """Keeps what is written to a register within bounds."""

        def bound(_value: int) -> None:
            self[name] = min(max(self[name], least), most)

        return bound

    def _write_control(self, _value: int) -> None:
        if field(self["IC_CON"], 2, 1) not in (_STANDARD, _FAST):  # 4.3.17: the highest there is
            self["IC_CON"] = self["IC_CON"] & ~0b110 | _FAST << 1

    def _interrupts(self) -> int:
        return self._raw() & self["IC_INTR_MASK"]

    def _raw(self) -> int:
        raw = self._noted
        if len(self._received) > self["IC_RX_TL"]:
            raw |= _RX_FULL
        if not self._is_enabled:
            return raw | _TX_EMPTY * self._is_active
        is_shifting = self["IC_CON"] & _EMPTY_AFTER_SHIFT and self._master.shifting
        if len(self._commands) <= self["IC_TX_TL"] and not is_shifting:
            raw |= _TX_EMPTY
        return raw

    def _clear(self, bits: int) -> int:
        if self._is_active:
            bits &= ~_ACTIVITY
        self._noted &= ~bits
        if bits & _TX_ABRT:
            lasting = Abort.START_BYTE_NO_RESTART if self._wants_impossible_start_byte else 0
            self["IC_TX_ABRT_SOURCE"] &= lasting
        return 0

    @property
    def _wants_impossible_start_byte(self) -> bool:
        to = self.addressing
        return to.start_byte and not to.restarts

    def _status(self) -> int:
        master, slave = self._master.active, self._is_selected
        flags = [
            master or slave,
            len(self._commands) < _FIFO_DEPTH,
            not self._commands,
            bool(self._received),
            len(self._received) == _FIFO_DEPTH,
            master,
            slave,
        ]
        return sum(flag << bit for bit, flag in enumerate(flags))

    def _enable_status(self) -> int:
        if self._is_enabled:
            return 1
        return self._is_active | self._disabled_busy

    def _write_enable(self, value: int) -> None:
        was_enabled = self._is_enabled
        aborting = self["IC_ENABLE"] & _ABORT
        if was_enabled and value & _ENABLE:
            aborting |= value & _ABORT  # a program sets it alone, and only while it is enabled
        self["IC_ENABLE"] = value & (_ENABLE | _BLOCK) | aborting
        if value & _ENABLE:
            self._disabled_busy = 0
        elif was_enabled:
            self._disable()
        self._master.kick()

    def _disable(self) -> None:
        """The FIFOs are held empty; a transfer goes on to the end of its byte."""
        self._commands.clear()
        self._received.clear()
        self["IC_TX_ABRT_SOURCE"] &= (1 << _FLUSHED_SHIFT) - 1
        if self._is_selected:
            self._disabled_busy = _SLAVE_DISABLED_WHILE_BUSY
            self._disabled_busy |= _SLAVE_RX_DATA_LOST * self._took_data
            self.bus.resume()

    def _read_data(self) -> int:
        if not self._received:
            self._noted |= _RX_UNDER
            return 0
        word = self._received.popleft()
        self._master.kick()
        if self._is_selected:
            self.bus.resume()
        return word

    def _write_data(self, value: int) -> None:
        if not self._is_enabled or self._noted & _TX_ABRT:
            return  # the FIFO is held empty
        if not self["IC_CON"] & _MASTER and self["IC_CON"] & _SLAVE_DISABLE:
            self.abort(Abort.MASTER_DISABLED)
            return
        if self._is_selected and value & READ and not self["IC_CON"] & _MASTER:
            self.abort(Abort.SLAVE_READ_COMMAND)
            return
        if len(self._commands) == _FIFO_DEPTH:
            self._noted |= _TX_OVER
            return
        self._commands.append(value & 0x7FF)
        self._master.kick()
        if self._is_selected:
            self.bus.resume()

    # What the master sees.

    @property
    def times(self) -> Times:
        """4.3.14: what the counts of the registers come to, and which of them hold conditions."""
        is_standard = field(self["IC_CON"], 2, 1) == _STANDARD
        speed = "SS" if is_standard else "FS"
        low = self[f"IC_{speed}_SCL_LCNT"] + 1
        high = self[f"IC_{speed}_SCL_HCNT"] + self["IC_FS_SPKLEN"] + 7
        hold = min(max(1, field(self["IC_SDA_HOLD"], 15, 0)), low - 1)  # IC_SDA_TX_HOLD
        return Times(low, high, setup=low if is_standard else high, free=low, hold=hold)

    @property
    def addressing(self) -> Addressing:
        """See Port."""
        control, target = self["IC_CON"], self["IC_TAR"]
        is_start_byte = bool(target & _GC_OR_START)
        is_special = bool(target & _SPECIAL)
        return Addressing(
            target & 0x3FF,
            ten_bit=bool(control & _TEN_BIT_MASTER),
            general_call=is_special and not is_start_byte,
            start_byte=is_special and is_start_byte,
            restarts=bool(control & _RESTARTS),
        )

    @property
    def may_start(self) -> bool:
        """See Port."""
        enable = self["IC_ENABLE"]
        return bool(enable & _ENABLE and not enable & _BLOCK and self["IC_CON"] & _MASTER)

    @property
    def reaches_bus(self) -> bool:
        """See Port."""
        return self._reaches_bus()

    @property
    def abort_asked(self) -> bool:
        """See Port."""
        return bool(self["IC_ENABLE"] & _ABORT)

    def next_command(self) -> int | None:
        """See Port."""
        return self._commands[0] if self._commands else None

    def pop_command(self) -> int | None:
        """See Port."""
        return self._commands.popleft() if self._commands else None

    def receive(self, byte: int, first: bool) -> bool:
        """See Port."""
        if not self._is_enabled:
            return True  # the FIFO is held empty
        if len(self._received) == _FIFO_DEPTH:
            if self["IC_CON"] & _HOLD_FULL:
                return False
            self._noted |= _RX_OVER
        else:
            self._received.append(byte | _FIRST_BYTE * first)
        return True

    def abort(self, reason: int) -> None:
        """See Port."""
        if reason == Abort.USER:
            self["IC_ENABLE"] &= ~_ABORT
        flushed = len(self._commands) << _FLUSHED_SHIFT
        source = self["IC_TX_ABRT_SOURCE"] & (1 << _FLUSHED_SHIFT) - 1
        self["IC_TX_ABRT_SOURCE"] = source | reason | flushed
        self._commands.clear()
        self._received.clear()
        self._noted |= _TX_ABRT

    # What the bus sees.

    @property
    def _is_slave(self) -> bool:
        return self._is_enabled and not self["IC_CON"] & _SLAVE_DISABLE and self._reaches_bus()

    @property
    def seven_bit_address(self) -> int | None:
        """See Target."""
        if not self._is_slave or self["IC_CON"] & _TEN_BIT_SLAVE:
            return None
        return self["IC_SAR"] & 0x7F

    @property
    def ten_bit_address(self) -> int | None:
        """See Target."""
        return self["IC_SAR"] if self._is_slave and self["IC_CON"] & _TEN_BIT_SLAVE else None

    @property
    def hears_general_calls(self) -> bool:
        """See Target."""
        return self._is_slave and bool(self["IC_ACK_GENERAL_CALL"])

    @property
    def holds_writes(self) -> bool:
        """See Target."""
        is_full = len(self._received) == _FIFO_DEPTH
        return is_full and self._is_enabled and bool(self["IC_CON"] & _HOLD_FULL)

    def select(self, read: bool, general_call: bool) -> bool:
        """See Target."""
        self._is_selected, self._is_called_by_all = True, general_call
        self._is_first, self._took_data = True, False
        if general_call:
            self._noted |= _GEN_CALL
        if read and self._commands:
            self.abort(Abort.SLAVE_FLUSH)  # they were for an earlier transfer
        self._changed()
        return True

    def take(self, byte: int) -> bool:
        """See Target."""
        self._took_data = True
        if not self._is_enabled or self["IC_SLV_DATA_NACK_ONLY"]:
            return False
        self.receive(byte, self._is_first)
        self._is_first = False
        self._changed()
        return True

    def give(self) -> int | None:
        """See Target."""
        if not self._is_enabled:
            return 0xFF
        if self._commands:
            byte = self._commands.popleft() & 0xFF
            self._changed()
            return byte
        self._noted |= _RD_REQ
        self._changed()
        return None

    def acknowledged(self, more: bool) -> None:
        """See Target."""
        if not more:
            self._noted |= _RX_DONE
            if self._commands:
                self.abort(Abort.SLAVE_FLUSH)
            self._changed()

    def release(self) -> None:
        """See Target."""
        self._is_selected = False
        self._changed()

    def hear_start(self) -> None:
        """See Controller."""
        if self._master.active or (self._is_enabled and self._reaches_bus()):
            self._noted |= _START_DET
            if self._is_selected:
                self._noted |= _RESTART_DET
            self._changed()

    def hear_stop(self) -> None:
        """See Controller."""
        only_if_addressed = self["IC_CON"] & _STOP_IF_ADDRESSED and not self["IC_CON"] & _MASTER
        is_addressed = self._is_selected and not self._is_called_by_all
        hears = self._master.active or (self._is_enabled and self._reaches_bus())
        if hears and (is_addressed or not only_if_addressed):
            self._noted |= _STOP_DET
            self._changed()

    def kick(self) -> None:
        """See Controller."""
        self._master.kick()
        self._changed()
