"""What GDB is told of the RP2040: its registers and its memory map. GDB manual, G.5.3 and E.14."""

from sim.cpu.processor import Processor
from sim.memory_map import FLASH, REGIONS, SRAM

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
    """The memory map, an XML document; GDB sets hardware breakpoints in all but RAM."""
    rows = ""
    for region in REGIONS:
        kind = {FLASH: "flash", SRAM: "ram"}.get(region, "rom")
        rows += f'<memory type="{kind}" start="{region.base:#x}" length="{region.size:#x}">'
        if region is FLASH:
            rows += f'<property name="blocksize">{_SECTOR:#x}</property>'
        rows += "</memory>"
    return (
        '<?xml version="1.0"?><!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map '
        'V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">'
        f"<memory-map>{rows}</memory-map>"
    ).encode()
