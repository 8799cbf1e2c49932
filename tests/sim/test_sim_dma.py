"""DMA: what it moves, when, and whom it tells. RP2040 datasheet, 2.5."""

from __future__ import annotations

import binascii
import random
from collections.abc import Sequence

import numpy as np
import pytest
from native_board import NativeBoard
from sim_programs import pico

from priot.sim import StopReason
from priot.sim.cpu.state import NEVER, Chip

_SRAM = 0x2000_0000
_TXF0, _CH0_READ_ADDR_TRIG = 0x5020_0010, 0x5000_003C
_EN, _HIGH, _INCR_READ, _INCR_WRITE, _RING_WRITES = 1, 1 << 1, 1 << 4, 1 << 5, 1 << 10
_QUIET, _BSWAP, _SNIFF, _BUSY = 1 << 21, 1 << 22, 1 << 23, 1 << 24
_PERMANENT = 0x3F


class DmaBoard(NativeBoard):
    """With channels by name."""

    def configure(
        self, channel: int, source: int, target: int, count: int, control: int, *, chain: int = -1
    ) -> None:
        """All registers of a channel; writing the last begins."""
        self.write("DMA", f"CH{channel}_READ_ADDR", source)
        self.write("DMA", f"CH{channel}_WRITE_ADDR", target)
        self.write("DMA", f"CH{channel}_TRANS_COUNT", count)
        control |= (channel if chain < 0 else chain) << 11
        self.write("DMA", f"CH{channel}_CTRL_TRIG", control)

    def until_idle(self, channel: int) -> int:
        """The cycles until a channel is no longer busy."""
        begin = self.clock.cycles
        while self.read("DMA", f"CH{channel}_CTRL_TRIG") & _BUSY:
            self.pass_time(1)
            assert self.clock.cycles - begin < 1_000_000
        return self.clock.cycles - begin


def _control(size: int, *flags: int, paced_by: int = _PERMANENT) -> int:
    return _EN | {1: 0, 2: 1, 4: 2}[size] << 2 | paced_by << 15 | sum(flags)


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("seed", range(10))
def test_moves_like_a_loop(size: int, seed: int) -> None:
    """Against the words of the datasheet: sizes, increments, rings, byte swap."""
    rng = random.Random(f"{size} {seed}")
    board = DmaBoard()
    board.sram[:0x1000] = np.frombuffer(rng.randbytes(0x1000), np.uint8)
    expected = bytearray(board.sram[:0x1000].tobytes())
    count = rng.randrange(1, 60)
    flags = [flag for flag in (_INCR_READ, _INCR_WRITE, _RING_WRITES, _BSWAP) if rng.random() < 0.6]
    ring = rng.choice([0, 3, 4, 5])
    source, target = (size * rng.randrange(0x800 // size) for _ in range(2))
    target += 0x800 - size if target + 64 * size >= 0x800 else 0x600
    target = min(target, 0xF00) & -size
    control = _control(size, *flags) | ring << 6
    board.configure(3, _SRAM + source, _SRAM + target, count, control)
    board.until_idle(3)
    read, write = source, target
    for _ in range(count):
        data = expected[read : read + size]
        expected[write : write + size] = data[::-1] if _BSWAP in flags else data
        for incremented in (_INCR_READ, _INCR_WRITE):
            if incremented not in flags:
                continue
            at = read if incremented == _INCR_READ else write
            is_ring = ring and (_RING_WRITES in flags) == (incremented == _INCR_WRITE)
            mask = (1 << ring) - 1 if is_ring else -1
            at = at & ~mask | at + size & mask
            read, write = (at, write) if incremented == _INCR_READ else (read, at)
    assert board.sram[:0x1000].tobytes() == bytes(expected)
    assert board.read("DMA", "CH3_READ_ADDR") == _SRAM + read
    assert board.read("DMA", "CH3_WRITE_ADDR") == _SRAM + write
    assert board.read("DMA", "CH3_TRANS_COUNT") == 0
    assert board.read("DMA", "INTR") == 1 << 3


def test_one_transfer_a_cycle() -> None:
    board = DmaBoard()
    times = {}
    for count in (100, 300):
        board.configure(0, _SRAM, _SRAM + 0x800, count, _control(4, _INCR_READ, _INCR_WRITE))
        times[count] = board.until_idle(0)
    assert times[300] - times[100] == 200


def test_interrupts_come_in_the_cycle_in_which_the_last_write_is_done() -> None:
    board = DmaBoard()
    board.write("DMA", "INTE1", 1)
    begin = board.clock.cycles
    board.configure(0, _SRAM, _SRAM + 0x800, 50, _control(4))
    while 12 not in board.interrupts:
        board.pass_time(1)
    assert 11 not in board.interrupts
    assert board.clock.cycles - begin == 3 + 50 - 1 + 2  # start, 50 reads, the pipeline
    board.write("DMA", "INTS1", 1)
    assert not board.interrupts


def test_timers_pace() -> None:
    """2.5.5.1: X times in Y cycles."""
    board = DmaBoard()
    board.write("DMA", "TIMER1", 3 << 16 | 100)
    board.configure(0, _SRAM, _SRAM + 0x800, 30, _control(1, paced_by=0x3C))
    assert abs(board.until_idle(0) - 1000) <= 40


def test_high_priority_goes_first_and_others_take_turns() -> None:
    board = DmaBoard()
    board.write("DMA", "MULTI_CHAN_TRIGGER", 0)
    for channel, flags in ((0, 0), (1, 0), (2, _HIGH)):
        control = _control(1, flags) | channel << 11
        board.write("DMA", f"CH{channel}_AL1_CTRL", control)
        for name, value in (("READ_ADDR", _SRAM), ("WRITE_ADDR", _SRAM + 64 + channel)):
            board.write("DMA", f"CH{channel}_AL1_{name}", value)
        board.write("DMA", f"CH{channel}_TRANS_COUNT", 40)
    board.write("DMA", "MULTI_CHAN_TRIGGER", 0b111)
    board.pass_time(3 + 40)
    left = [board.read("DMA", f"CH{channel}_TRANS_COUNT") for channel in range(3)]
    assert left == [40, 40, 0]
    board.pass_time(20)
    left = [board.read("DMA", f"CH{channel}_TRANS_COUNT") for channel in range(3)]
    assert left == [30, 30, 0]


def test_chains_and_control_blocks() -> None:
    """2.5.6.2: a channel writes the registers of another and is chained to by it."""
    board = DmaBoard()
    text = b"one two three "
    board.sram[: len(text)] = np.frombuffer(text, np.uint8)
    blocks = [(4, 4), (3, 0), (6, 8), (0, 0)]  # COUNT and READ_ADDR_TRIG; a null trigger ends it
    words = [word for count, at in blocks for word in (count, _SRAM + at if count else 0)]
    board.sram[0x100 : 0x100 + 4 * len(words)] = np.array(words, np.uint32).view(np.uint8)
    moving = _control(1, _INCR_READ, _INCR_WRITE, _QUIET) | 0 << 11  # chained to channel 0
    board.write("DMA", "CH1_AL1_CTRL", moving)
    board.write("DMA", "CH1_WRITE_ADDR", _SRAM + 0x200)
    ring = _control(4, _INCR_READ, _INCR_WRITE, _RING_WRITES) | 3 << 6
    board.configure(0, _SRAM + 0x100, 0x5000_0078, 2, ring)  # CH1_AL3_TRANS_COUNT, ..._TRIG
    board.pass_time(200)
    assert board.sram[0x200 : 0x200 + 13].tobytes() == b"two onethree "
    assert board.read("DMA", "INTR") & 0b10  # the null trigger of a quiet channel


def _crc16(data: bytes) -> int:
    return binascii.crc_hqx(data, 0xFFFF)


def _bits_reversed(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_sniffer(size: int) -> None:
    data = random.Random(size).randbytes(64)
    words = np.frombuffer(data, {1: np.uint8, 2: np.uint16, 4: np.uint32}[size]).tolist()
    big_endian = b"".join(word.to_bytes(size, "big") for word in words)
    reversed_bytes = bytes(_bits_reversed(byte, 8) for byte in big_endian)
    crc32_normal = _bits_reversed(binascii.crc32(reversed_bytes) ^ 0xFFFF_FFFF, 32)
    expected = {
        (0, 0xFFFF_FFFF): crc32_normal,
        # With the result reversed and inverted it is zlib's (SDK, dma_sniffer...).
        (1 | 0b11 << 5, 0xFFFF_FFFF): binascii.crc32(data),
        (2, 0xFFFF): _crc16(big_endian),
        (14, 0): sum(word.bit_count() for word in words) & 1,
        (15, 5): sum(words) + 5 & 0xFFFF_FFFF,
    }
    for (calculation, seed), result in expected.items():
        board = DmaBoard()
        board.sram[:64] = np.frombuffer(data, np.uint8)
        board.write("DMA", "SNIFF_DATA", seed)
        board.write("DMA", "SNIFF_CTRL", 1 | 2 << 1 | calculation << 5)
        control = _control(size, _INCR_READ, _SNIFF)
        board.configure(2, _SRAM, _SRAM + 0x400, 64 // size, control)
        board.until_idle(2)
        assert board.read("DMA", "SNIFF_DATA") == result, calculation


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [
        (0xD000_0000, _SRAM, 1 << 30),
        (_SRAM, 0x0000_0000, 1 << 29),
        (0x2100_0000, 0x3000_0000, 1 << 29),
    ],
)
def test_bus_errors_halt_the_channel(source: int, target: int, error: int) -> None:
    board = DmaBoard()
    board.configure(5, source, target, 4, _control(4))
    board.pass_time(20)
    assert board.read("DMA", "CH5_CTRL_TRIG") & 0xE100_0000 == 1 << 31 | error
    assert board.read("DMA", "INTR") == 0
    board.write("DMA", "CH5_AL1_CTRL", error)
    assert board.read("DMA", "CH5_CTRL_TRIG") & 0xE000_0000 == 0


def test_abort_raises_no_interrupt() -> None:
    board = DmaBoard()
    board.configure(1, _SRAM, _SRAM + 4, 1000, _control(4))
    board.pass_time(100)
    board.write("DMA", "CHAN_ABORT", 1 << 1)
    assert board.read("DMA", "CHAN_ABORT") == 0
    assert board.read("DMA", "CH1_CTRL_TRIG") & _BUSY == 0
    assert board.read("DMA", "CH1_TRANS_COUNT") == 0
    board.pass_time(100)
    assert board.read("DMA", "INTR") == 0
    assert board.machine.chip[Chip.DEVICES_AT] == NEVER


def _stores(base: int, values: Sequence[tuple[int, int]]) -> str:
    lines = [f"ldr r0, ={base}"]
    for offset, value in values:
        lines.append(f"ldr r1, ={value}; movs r2, #{offset}; str r1, [r0, r2]")
    return "; ".join(lines)


def test_a_program_copies_and_sleeps_until_the_interrupt() -> None:
    target = pico(
        f"""
        {_stores(0x5000_0400, [(4, 1)])}
        {_stores(0x5000_0000, [(0, 0x2000_1000), (4, 0x2000_2000), (8, 64)])}
        ldr r1, ={_control(4, _INCR_READ, _INCR_WRITE)}; str r1, [r0, #12]
        ldr r0, =0xE000E100; movs r1, #1; lsls r1, r1, #11; cpsid i; str r1, [r0]; wfi; bkpt #0
        """.replace("\n", ";")
    )
    data = random.Random(0).randbytes(256)
    target.write(0x2000_1000, data)
    assert target.run(10_000).reason is StopReason.HALT
    assert target.read(0x2000_2000, np.uint8, 256).tobytes() == data


def test_it_reads_registers_that_python_models() -> None:
    """CHIP_ID, through the bus of the peripherals."""
    target = pico(
        f"""
        {_stores(0x5000_0000, [(0, 0x4000_0000), (4, 0x2000_2000), (8, 2)])}
        ldr r1, ={_control(4, _INCR_WRITE)}; str r1, [r0, #12]; ldr r2, =0x1000000
        l: ldr r1, [r0, #12]; tst r1, r2; bne l; bkpt #0
        """.replace("\n", ";")
    )
    assert target.run(10_000).reason is StopReason.HALT
    assert target.read(0x2000_2000, np.uint32, 2).tolist() == [0x2000_2927] * 2


def _races(bank_of_dma: int, priority: int = 0) -> tuple[int, int]:
    """Cycles that a core waits for the DMA, and those that 1,000 transfers take meanwhile.

    The core loads from one word again and again, the DMA moves a word of a bank to scratch X.
    """
    target = pico(
        f"""
        ldr r0, =0x40030000; ldr r1, ={priority}; str r1, [r0]
        {_stores(0x5000_0000, [(0, _SRAM + 0x1000 + 4 * bank_of_dma), (4, 0x2004_0000), (8, 1000)])}
        ldr r1, ={_control(4)}; ldr r3, =0x20001000; ldr r4, =0x1000000
        str r1, [r0, #12]
        l: ldr r2, [r3]; ldr r2, [r3]; ldr r2, [r3]; ldr r2, [r3]; ldr r2, [r3]; ldr r2, [r3]
        ldr r1, [r0, #12]; tst r1, r4; bne l
        bkpt #0
        """.replace("\n", ";")
    )
    assert target.run(100_000).reason is StopReason.HALT
    return target.bus_stalls[0], target.cycles


def test_a_core_and_the_dma_wait_for_each_other_on_one_bank() -> None:
    """2.1.1: equal priorities take turns; else the higher never waits."""
    alone, least = _races(1)
    waits, cycles = _races(0)
    assert alone < waits
    assert cycles > least
    high_core, _ = _races(0, 1 << 0)
    high_dma, _ = _races(0, 1 << 8 | 1 << 12)
    assert high_core <= alone < waits < high_dma


def test_a_core_goes_on_alone_where_the_dma_has_ended() -> None:
    """Its turns were bounded while it shared the bus."""
    target = pico(
        f"""
        {_stores(0x5000_0000, [(0, _SRAM + 0x1000), (4, 0x2004_0000), (8, 100)])}
        ldr r1, ={_control(4)}; movs r3, #200; ldr r4, =0x40000000; str r1, [r0, #12]
        m: subs r3, #1; bne m; ldr r3, =50000; ldr r2, [r4]
        l: subs r3, #1; bne l
        bkpt #0
        """.replace("\n", ";")
    )
    assert target.run(1_000_000).reason is StopReason.HALT
    assert target.cycles > 150_000


def test_reads_from_flash_wait_for_the_cache() -> None:
    board = DmaBoard()
    board.machine.chip[Chip.XIP_MODELLED], board.machine.chip[Chip.XIP_MISS] = 1, 50
    board.configure(0, 0x1000_0000, _SRAM, 16, _control(4, _INCR_READ, _INCR_WRITE))
    first = board.until_idle(0)
    board.configure(0, 0x1000_0000, _SRAM, 16, _control(4, _INCR_READ, _INCR_WRITE))
    assert first - board.until_idle(0) == 16 * 50


@pytest.mark.parametrize("late", range(1, 17))
def test_a_channel_that_another_one_triggers_is_paced_by_pio(late: int) -> None:
    """2.5.2.1 and 2.5.3: PIO's requests are heard, however late somebody looks at the first."""
    board = DmaBoard()
    pull_and_wait = 0x9FA0  # 32 cycles
    board.write("PIO0", "INSTR_MEM0", pull_and_wait)
    board.write("PIO0", "SM0_EXECCTRL", 0)  # wraps there
    board.write("PIO0", "CTRL", 1)
    board.write("DMA", "CH0_AL1_CTRL", _control(4, _INCR_READ, paced_by=0))
    board.write("DMA", "CH0_WRITE_ADDR", _TXF0)
    board.write("DMA", "CH0_TRANS_COUNT", 20)
    board.sram[:4] = np.frombuffer((_SRAM + 0x100).to_bytes(4, "little"), np.uint8)
    board.configure(1, _SRAM, _CH0_READ_ADDR_TRIG, 1, _control(4))
    board.clock.advance(board.clock.cycles + late)
    board.read("DMA", "INTR")
    while board.machine.chip[Chip.DEVICES_AT] < NEVER:  # else a core would sleep for ever
        board.pass_time(1)
    assert board.read("DMA", "INTR") == 0b11
    assert board.clock.cycles > 32 * (20 - 5)  # but for what PIO had room for
