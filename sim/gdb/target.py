"""What GDB is told of the RP2040: its registers and its memory map. GDB manual, G.5.3 and E.14."""

from priot.sim.cpu.processor import Processor
from priot.sim.memory_map import FLASH, FLASH_ALIASES, ROM
from priot.sim.peripherals import BLOCKS

_BITS = 32
_M_PROFILE = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc", "xpsr")
_M_SYSTEM = ("msp", "psp", "primask", "control")
REGISTERS = (*_M_PROFILE, *_M_SYSTEM)  # in GDB's order
REGISTER_BYTES = _BITS // 8

_POINTERS = {"sp": "data_ptr", "pc": "code_ptr", "msp": "data_ptr", "psp": "data_ptr"}
# Sector of the Pico's flash chip (W25Q16JV, 8.2.17): the smallest part that can be erased.
_SECTOR = 4096


def read_register(core: Processor, number: int) -> int:
    """A register by its place in REGISTERS."""
    return core.register(REGISTERS[number])


def write_register(core: Processor, number: int, value: int) -> None:
    """Write a register by its place in REGISTERS."""
    name = REGISTERS[number]
    core.set_registers(**{name: value | 1 if name == "pc" else value})


def description() -> bytes:
    """The target description, an XML document."""

    def feature(name: str, registers: tuple[str, ...]) -> str:
        rows = "".join(
            f'<reg name="{register}" bitsize="{_BITS}" type="{_POINTERS.get(register, "int")}"/>'
            for register in registers
        )
        return f'<feature name="org.gnu.gdb.arm.{name}">{rows}</feature>'

    features = feature("m-profile", _M_PROFILE) + feature("m-system", _M_SYSTEM)
    return (
        '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">'
        f'<target version="1.0"><architecture>arm</architecture>{features}</target>'
    ).encode()


def memory_map() -> bytes:
    """The memory map, an XML document; GDB sets hardware breakpoints in all but RAM.

    What it does not hold GDB does not touch: registers are RAM to it.
    """
    rows = _memory("rom", ROM.base, ROM.size)
    rows += _memory("flash", FLASH.base, FLASH.size, blocksize=_SECTOR)
    rows += "".join(_memory("rom", alias, FLASH.size) for alias in FLASH_ALIASES)
    taken = ("ROM", "XIP")
    for block in BLOCKS:
        if block.name not in taken:
            rows += _memory("ram", block.base, block.size)
    return (
        '<?xml version="1.0"?><!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map '
        'V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">'
        f"<memory-map>{rows}</memory-map>"
    ).encode()


def _memory(kind: str, start: int, length: int, **properties: int) -> str:
    inside = "".join(
        f'<property name="{name}">{value:#x}</property>' for name, value in properties.items()
    )
    return f'<memory type="{kind}" start="{start:#x}" length="{length:#x}">{inside}</memory>'
