"""An I2C bus: SDA and SCL with all that is wired to them, byte by byte.

Source: NXP UM10204, 3.1. The lines have their pull-ups. Masters wait for a bus that is in use, so
none ever loses an arbitration.
"""

from collections.abc import Sequence
from typing import Protocol

_GENERAL_CALL, _START_BYTE = 0x00, 0x01  # 3.1.12, table 4
_TEN_BIT = 0b11110  # above bits 9 and 8 of an address and the direction
_UNDRIVEN = 0xFF
_LONG_AGO = -(1 << 62)


class I2cDevice(Protocol):
    """Something outside the chip that answers at one address of the bus."""

    def start(self, read: bool) -> bool:
        """A START or repeated START with its address; whether it acknowledges.

        Args:
            read: whether the master will read; else it will write.
        """
        ...

    def write(self, byte: int) -> bool:
        """A byte from the master; whether it acknowledges."""
        ...

    def read(self) -> int:
        """The next byte for the master."""
        ...

    def stop(self) -> None:
        """A STOP, or a repeated START that addresses another device."""
        ...


class Target(Protocol):
    """What a master may address."""

    @property
    def seven_bit_address(self) -> int | None:
        """The 7-bit address that it answers to now; None for none."""
        ...

    @property
    def ten_bit_address(self) -> int | None:
        """The 10-bit address that it answers to now; None for none."""
        ...

    @property
    def hears_general_calls(self) -> bool:
        """Whether it answers to the general call too."""
        ...

    @property
    def holds_writes(self) -> bool:
        """Whether it holds SCL low instead of taking a byte."""
        ...

    def select(self, read: bool, general_call: bool) -> bool:
        """It is addressed; whether it acknowledges."""
        ...

    def take(self, byte: int) -> bool:
        """A byte from the master; whether it acknowledges."""
        ...

    def give(self) -> int | None:
        """A byte for the master; None: it holds SCL low until it calls `I2cBus.resume`."""
        ...

    def acknowledged(self, more: bool) -> None:
        """The master's answer to that byte: ACK asks for more."""
        ...

    def release(self) -> None:
        """It is no longer addressed."""
        ...


class Controller(Target, Protocol):
    """A station of the bus that may be its master."""

    def hear_start(self) -> None:
        """A START or repeated START on the bus."""
        ...

    def hear_stop(self) -> None:
        """A STOP on the bus."""
        ...

    def kick(self) -> None:
        """What it waited for may have come."""
        ...


class _AttachedDevice:
    """An I2cDevice as a Target."""

    def __init__(self, device: I2cDevice, address: int, ten_bit: bool) -> None:
        self._device = device
        self.seven_bit_address = None if ten_bit else address
        self.ten_bit_address = address if ten_bit else None
        self.hears_general_calls = self.seven_bit_address == _GENERAL_CALL
        self.holds_writes = False

    @property
    def place(self) -> tuple[int | None, int | None]:
        """What no two devices share."""
        return self.seven_bit_address, self.ten_bit_address

    def select(self, read: bool, general_call: bool) -> bool:
        return bool(self._device.start(read))

    def take(self, byte: int) -> bool:
        return bool(self._device.write(byte))

    def give(self) -> int | None:
        return self._device.read() & 0xFF

    def acknowledged(self, more: bool) -> None:
        pass

    def release(self) -> None:
        self._device.stop()


class I2cBus:
    """Routes what the bus's master sends to those that it addresses.

    Args:
        parts: buses whose lines are wired to this one's.

    Attributes:
        master: who has the bus; None while it is free.
        free_since: the cycle of the last STOP.
    """

    def __init__(self, *parts: "I2cBus") -> None:
        self._parts = parts
        self._own_devices: list[_AttachedDevice] = []
        self._own_controllers: list[Controller] = []
        self.free_since = _LONG_AGO
        self.master: Controller | None = None
        self._selected: Sequence[Target] = ()
        self._ten_bit_high: int | None = None  # bits 9 and 8 while the other eight are awaited
        self._of_ten_bits: list[Target] = []  # whom this transfer addressed with ten bits

    @property
    def _devices(self) -> list[_AttachedDevice]:
        own = self._own_devices
        return own + [one for part in self._parts for one in part._devices]

    @property
    def _controllers(self) -> list[Controller]:
        own = self._own_controllers
        return own + [one for part in self._parts for one in part._controllers]

    def leave(self, controller: Controller) -> None:
        """A controller is reset: it lets go of the lines."""
        if self.master is controller:
            self.master = None
            for target in self._selected:
                target.release()
            self._selected = ()
        self._selected = [target for target in self._selected if target is not controller]
        if self.master is None:
            self.free_since = _LONG_AGO

    def add(self, controller: Controller) -> None:
        """Wire a controller to the bus."""
        self._own_controllers.append(controller)

    def attach(self, device: I2cDevice, address: int, ten_bit: bool) -> None:
        """Wire a device to the bus.

        Raises:
            ValueError: that is no address, or another device has it.
        """
        if not 0 <= address < (1 << 10 if ten_bit else 1 << 7):
            raise ValueError(
                f"I2C address {address:#x} has more than {10 if ten_bit else 7} bits; "
                "give ten_bit=True for ten, and leave out the bit for the direction"
            )
        attached = _AttachedDevice(device, address, ten_bit)
        if attached.place in {one.place for one in self._own_devices}:
            raise ValueError(f"there is a device at I2C address {address:#x} already")
        self._own_devices.append(attached)

    def start(self, master: Controller) -> None:
        """A START or repeated START."""
        if self.master is None:
            self._of_ten_bits = []
        self.master = master
        self._ten_bit_high = None
        for controller in self._controllers:
            controller.hear_start()

    def address(self, byte: int) -> bool:
        """A byte of an address; whether anybody acknowledges."""
        others = [one for one in self._controllers if one is not self.master]
        targets: list[Target] = [*self._devices, *others]
        if self._ten_bit_high is not None:
            address = self._ten_bit_high << 8 | byte
            self._ten_bit_high = None
            chosen = [one for one in targets if one.ten_bit_address == address]
            self._of_ten_bits = chosen
            return self._select(chosen, read=False)
        read = bool(byte & 1)
        if byte >> 3 == _TEN_BIT:
            high = byte >> 1 & 3
            if read:
                return self._select(self._of_ten_bits, read)
            self._ten_bit_high = high
            return any(
                one.ten_bit_address is not None and one.ten_bit_address >> 8 == high
                for one in targets
            )
        if byte == _START_BYTE:
            return False
        if byte == _GENERAL_CALL:
            listeners = [one for one in targets if one.hears_general_calls]
            return self._select(listeners, read, general_call=True)
        return self._select([one for one in targets if one.seven_bit_address == byte >> 1], read)

    def _select(self, chosen: list[Target], read: bool, general_call: bool = False) -> bool:
        for target in self._selected:
            if target not in chosen:
                target.release()
        self._selected = [one for one in chosen if one.select(read, general_call)]
        return bool(self._selected)

    def write(self, byte: int) -> bool | None:
        """A byte to whom the master addressed; whether anybody acknowledges; None: SCL is held."""
        if any(target.holds_writes for target in self._selected):
            return None
        answers = [target.take(byte) for target in self._selected]  # all of them take it
        return any(answers)

    def read(self) -> int | None:
        """A byte from whom the master addressed; None: SCL is held."""
        levels = _UNDRIVEN
        for target in self._selected:
            byte = target.give()
            if byte is None:
                return None
            levels &= byte
        return levels

    def acknowledge(self, more: bool) -> None:
        """The master's answer to what it read."""
        for target in self._selected:
            target.acknowledged(more)

    def stop(self, cycle: int) -> None:
        """A STOP."""
        self.master, self.free_since = None, cycle
        selected, self._selected = self._selected, ()
        for controller in self._controllers:
            controller.hear_stop()
        for target in selected:
            target.release()

    def invite(self) -> None:
        """Whoever waits for a free bus may go on."""
        for controller in self._controllers:
            controller.kick()

    def resume(self) -> None:
        """A target lets go of SCL."""
        if self.master is not None:
            self.master.kick()
