"""What is made of an ELF file: second stage's checksum, BIN and UF2 files, table of functions."""

from __future__ import annotations

import io
import struct

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

_BOOT2_SIZE = 256
_UF2_PAYLOAD = 256  # the only size that the RP2040's boot ROM takes
_UF2_FLAGS_FAMILY = 0x2000
_UF2_FAMILY_RP2040 = 0xE48B_FF56


def boot2_crc(code: bytes) -> int:
    """CRC-32 of the second stage's first 252 bytes as the boot ROM computes it.

    Polynomial 0x04C11DB7, most significant bit first, from 0xFFFFFFFF, without a final XOR
    (RP2040 datasheet 2.8.1.3.1).
    """
    crc = 0xFFFF_FFFF
    for byte in code:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C1_1DB7 if crc & 0x8000_0000 else 0)) & 0xFFFF_FFFF
    return crc


def sealed(elf: bytes) -> bytes:
    """The ELF file with the checksum written into its second stage, if it has one."""
    section = ELFFile(io.BytesIO(elf)).get_section_by_name(".boot2")
    if section is None:
        return elf
    start = section["sh_offset"]
    code = elf[start : start + _BOOT2_SIZE - 4]
    return elf[: start + len(code)] + struct.pack("<I", boot2_crc(code)) + elf[start + 256 :]


def to_bin(elf: bytes) -> tuple[int, bytes]:
    """The address and the bytes of everything that is loaded; zeros in the gaps."""
    loaded = [
        (segment["p_paddr"], segment.data())
        for segment in ELFFile(io.BytesIO(elf)).iter_segments("PT_LOAD")
        if segment["p_filesz"]
    ]
    base = min(address for address, _ in loaded)
    image = bytearray(max(address + len(data) for address, data in loaded) - base)
    for address, data in loaded:
        image[address - base : address - base + len(data)] = data
    return base, bytes(image)


def to_uf2(elf: bytes) -> bytes:
    """The same as a UF2 file; the last page is filled up with zeros."""
    base, image = to_bin(elf)
    pages = [image[start : start + _UF2_PAYLOAD] for start in range(0, len(image), _UF2_PAYLOAD)]
    return b"".join(
        struct.pack(
            "<8I476sI",
            *(0x0A32_4655, 0x9E5D_5157, _UF2_FLAGS_FAMILY, base + number * _UF2_PAYLOAD),
            *(_UF2_PAYLOAD, number, len(pages), _UF2_FAMILY_RP2040),
            page,
            0x0AB1_6F30,
        )
        for number, page in enumerate(pages)
    )


def symbols(elf: bytes) -> bytes:
    """The table of functions: a line of address, size and name each, by address.

    One whose size the assembler was not told reaches to the next.
    """
    table = ELFFile(io.BytesIO(elf)).get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    functions = {
        entry["st_value"] & ~1: (entry["st_size"], entry.name.removeprefix("rom_"))
        for entry in sorted(table.iter_symbols(), key=lambda entry: entry.name, reverse=True)
        if entry["st_info"]["type"] == "STT_FUNC"
    }
    starts = sorted(functions)
    lines = []
    for start, after in zip(starts, [*starts[1:], starts[-1] + 2], strict=True):
        size, name = functions[start]
        lines.append(f"{start:#06x} {size or after - start} {name}\n")
    return "".join(lines).encode()
