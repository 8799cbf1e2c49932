"""The registers of the RP2040 as its datasheet lists them, and a chip whose bus a test holds.

registers.csv has a row for each register: block, offset, name, reset value, and the masks (hex) of
the bits that keep what is written, that are read alone, that are written alone (they do something
or clear themselves) and that a written 1 clears; `read_acts` marks a read with an effect.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sim_programs import SRAM_BASE, program

from priot.sim import Pico
from priot.sim.peripherals import BLOCKS

TWINS = {"UART1": "UART0", "SPI1": "SPI0", "I2C1": "I2C0", "PIO1": "PIO0", "PLL_USB": "PLL_SYS"}
XOR, SET, CLEAR = 0x1000, 0x2000, 0x3000  # 2.1.2
_BASES = {block.name: block.base for block in BLOCKS}
_LOADS, _STORES = {4: "ldr", 2: "ldrh", 1: "ldrb"}, {4: "str", 2: "strh", 1: "strb"}
_ENOUGH = 1000  # cycles of one access
_POLLS = 10_000


@dataclass(frozen=True)
class Listed:
    """One register of the datasheet."""

    block: str
    offset: int
    name: str
    reset: int | None
    read_write: int
    read_only: int
    write_only: int
    one_clears: int
    read_acts: bool

    @property
    def address(self) -> int:
        return _BASES[self.block] + self.offset

    @property
    def full_name(self) -> str:
        return f"{self.block}.{self.name}"


@cache
def listed() -> tuple[Listed, ...]:
    """All registers, those of a second instance of a block too."""
    return tuple(_listed())


def _listed() -> Iterator[Listed]:
    with Path(__file__).with_name("registers.csv").open() as file:
        for row in csv.DictReader(file):
            instances = [row["block"]]
            instances += [twin for twin, of in TWINS.items() if of == row["block"]]
            for block in instances:
                numbers = {
                    name: int(row[name] or "0", 16)
                    for name in ("offset", "read_write", "read_only", "write_only", "one_clears")
                }
                yield Listed(
                    block,
                    name=row["name"],
                    reset=int(row["reset"], 16) if row["reset"] else None,
                    read_acts=bool(row["read_acts"]),
                    **numbers,
                )


class Probe:
    """Loads and stores of core 0, one at a time, with nothing else on the chip."""

    def __init__(self) -> None:
        functions, code = {}, []
        for number, name in enumerate([*_LOADS.values(), *_STORES.values()]):
            register = "r0" if name.startswith("ld") else "r1"
            functions[name] = (SRAM_BASE + 4 * number, 4)
            code.append(f"{name} {register}, [r0]; bx lr")
        self.pico = Pico(program(";".join(code), functions=functions))

    def reset(self) -> None:
        """Power-on, and all blocks let out of their reset (2.14)."""
        self.pico.reset()
        self.store(_BASES["RESETS"], 0)

    def load(self, address: int, size: int = 4) -> int:
        return self.pico.call(_LOADS[size], address, max_cycles=_ENOUGH)

    def store(self, address: int, value: int, size: int = 4) -> None:
        self.pico.call(_STORES[size], address, value, max_cycles=_ENOUGH)

    def wait_for(self, address: int, bits: int) -> None:
        """Poll until all the bits are set."""
        for _ in range(_POLLS):
            if self.load(address) & bits == bits:
                return
        raise AssertionError(f"{address:#010x}: {bits:#x} were never set")

    def is_modelled(self, register: Listed) -> bool:
        """Whether the register answers."""
        before = len(self.pico.unmodelled)
        self.load(register.address)
        return len(self.pico.unmodelled) == before
