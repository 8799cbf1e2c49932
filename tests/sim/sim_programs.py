"""Programs for the tests: assembled by mnemonic, wrapped into ELF files in memory."""

import struct
from dataclasses import dataclass, field

import keystone

from priot.sim import Pico, Program

SRAM_BASE = 0x2000_0000
FLASH_BASE = 0x1000_0000
_HEADER, _PROGRAM_HEADER, _SECTION_HEADER = 52, 32, 40
_WRITE, _ALLOC, _EXECUTE = 1, 2, 4
_FUNCTION, _OBJECT = 2, 1

# Core 0 launches core 1 (RP2040 datasheet, 2.8.2) and goes on at `both`, core 1 at `work`, both
# with SIO in r7. `push` sends r0, `pop` receives to r0.
LAUNCH = """
    ldr r7, =0xd0000000
    ldr r4, =greeting
    movs r5, #0
drain:
    ldr r0, [r7, #0x58]
    ldr r0, [r7, #0x50]
    lsls r0, r0, #31
    bne drain
    str r0, [r7, #0x50]
next:
    ldr r0, [r4, r5]
    bl push
    bl pop
    adds r5, r5, #4
    cmp r5, #24
    bne next
    b both
push:
    str r0, [r7, #0x54]
    sev
    bx lr
pop:
    ldr r0, [r7, #0x50]
    lsls r0, r0, #31
    bne ready
    wfe
    b pop
ready:
    ldr r0, [r7, #0x58]
    bx lr
other:
    ldr r7, =0xd0000000
    b work
    .align 2
greeting:
    .word 0, 0, 1, 0x20000000, 0x20041000, other + 1
    .pool
"""

_assembler = keystone.Ks(keystone.KS_ARCH_ARM, keystone.KS_MODE_THUMB)


def assemble(source: str, address: int = SRAM_BASE) -> bytes:
    """Thumb code for `source`; instructions separated by ";" or newlines."""
    code, _ = _assembler.asm(source, address, as_bytes=True)
    assert code is not None, f"nothing assembled from {source!r}"
    return bytes(code)


# DDI0419E, B4.2.3
_SYSTEM_REGISTERS = {"ipsr": 5, "msp": 8, "psp": 9, "primask": 16, "control": 20}


def msr(special: str, register: int) -> str:
    """MSR to a system register, as directives: keystone does not know the M profile's."""
    first, second = struct.unpack("<HH", assemble(f"msr apsr, r{register}"))
    second = second & 0xF0FF | 0x800 | _SYSTEM_REGISTERS[special]
    return f".short {first}; .short {second}"


def mrs(register: int, special: str) -> str:
    """MRS from a system register (DDI0419E, A6.7.39), as directives for the same reason."""
    return f".short 0xF3EF; .short {0x8000 | register << 8 | _SYSTEM_REGISTERS[special]}"


@dataclass
class ElfSource:
    """What goes into an ELF file."""

    code: bytes
    address: int = SRAM_BASE
    entry: int | None = None
    functions: dict[str, tuple[int, int]] = field(default_factory=dict)  # name: address, size
    objects: dict[str, tuple[int, int]] = field(default_factory=dict)
    local: tuple[tuple[str, int, int, int], ...] = ()  # name, value, size, type
    bss: tuple[int, int] | None = None  # address, size
    machine: int = 40  # EM_ARM
    kind: int = 2  # ET_EXEC

    def build(self) -> bytes:
        """The file: header, one segment, its section, .bss, symbol and string tables."""
        names = b"\0.text\0.bss\0.symtab\0.strtab\0"
        strings, symbols = bytearray(names), bytearray(16)
        for name, value, size, kind in self.local:
            symbols += struct.pack("<IIIBBH", len(strings), value, size, kind, 0, 1)
            strings += name.encode() + b"\0"
        for table, kind in ((self.functions, _FUNCTION), (self.objects, _OBJECT)):
            for name, (address, size) in table.items():
                thumb = 1 if kind == _FUNCTION else 0
                symbols += struct.pack(
                    "<IIIBBH", len(strings), address | thumb, size, 16 | kind, 0, 1
                )
                strings += name.encode() + b"\0"
        code_at = _HEADER + _PROGRAM_HEADER
        symbols_at = code_at + len(self.code) + len(self.code) % 4
        strings_at = symbols_at + len(symbols)
        sections_at = strings_at + len(strings)
        bss_address, bss_size = self.bss or (SRAM_BASE, 0)

        def section(
            name: bytes, kind: int, flags: int, at: tuple[int, int, int], *rest: int
        ) -> bytes:
            offset = names.index(name + b"\0") if name else 0
            address, start, size = at
            return struct.pack("<10I", offset, kind, flags, address, start, size, *rest)

        sections = [
            section(b"", 0, 0, (0, 0, 0), 0, 0, 0, 0),
            section(
                b".text", 1, _ALLOC | _EXECUTE, (self.address, code_at, len(self.code)), 0, 0, 2, 0
            ),
            section(b".bss", 8, _ALLOC | _WRITE, (bss_address, 0, bss_size), 0, 0, 4, 0),
            section(b".symtab", 2, 0, (0, symbols_at, len(symbols)), 4, 1, 4, 16),
            section(b".strtab", 3, 0, (0, strings_at, len(strings)), 0, 0, 1, 0),
        ]
        entry = self.address if self.entry is None else self.entry
        header = b"\x7fELF\1\1\1" + bytes(9)
        header += struct.pack(
            "<HHIIIIIHHHHHH",
            *(self.kind, self.machine, 1, entry | 1, _HEADER, sections_at, 0x0500_0000),
            *(_HEADER, _PROGRAM_HEADER, 1, _SECTION_HEADER, len(sections), 4),
        )
        size = len(self.code)
        segment = struct.pack(
            "<8I", 1, code_at, self.address, self.address, size, size, _WRITE | _ALLOC | _EXECUTE, 4
        )
        padding = bytes(len(self.code) % 4)
        body = self.code + padding + bytes(symbols) + bytes(strings) + b"".join(sections)
        return header + segment + body


def program(source: str, address: int = SRAM_BASE, **fields: object) -> Program:
    """A Program that starts at the first instruction of `source`."""
    code = assemble(source, address)
    return Program.parse(ElfSource(code, address, **fields).build())  # type: ignore[arg-type]


def pico(source: str, address: int = SRAM_BASE, **fields: object) -> Pico:
    """A traced Pico about to execute `source`, with SP at the top of SRAM."""
    return Pico(program(source, address, **fields), trace=True)


def set_registers(target: Pico, **values: int) -> None:
    """Give a Pico's registers the values of a test."""
    target._core.set_registers(**values)
