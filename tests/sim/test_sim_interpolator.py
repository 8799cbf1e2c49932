"""INTERP0 and INTERP1 against a model written from the datasheet, lane by lane and bit by bit.

RP2040 datasheet, 2.3.1.6 and the fields of CTRL_LANE0 and CTRL_LANE1 in 2.3.1.7.
"""

import random
from dataclasses import dataclass, field

import pytest
from peripheral_board import Board

_WORD = 0xFFFF_FFFF
_REGISTERS = ("ACCUM0", "ACCUM1", "BASE0", "BASE1", "BASE2", "CTRL_LANE0", "CTRL_LANE1")
_RESULTS = ("LANE0", "LANE1", "FULL")


def _int(bits: str) -> int:
    """A number in two's complement, its sign first."""
    return int(bits, 2) - (int(bits[0]) << len(bits))


@dataclass
class _Model:
    """Registers as words. Bits are written as text, the highest first."""

    index: int
    at: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_REGISTERS, 0))

    def flag(self, lane: int, bit: int) -> bool:
        return bool(self.at[f"CTRL_LANE{lane}"] >> bit & 1)

    @property
    def blends(self) -> bool:
        return self.index == 0 and self.flag(0, 21)

    @property
    def clamps(self) -> bool:
        return self.index == 1 and self.flag(0, 22)

    def raw(self, lane: int) -> int:
        return self.at[f"ACCUM{lane ^ 1 if self.flag(lane, 16) else lane}"]

    def shifted(self, lane: int) -> str:
        """The lane's bits behind the shifter."""
        shift = self.at[f"CTRL_LANE{lane}"] & 31
        return ("0" * shift + f"{self.raw(lane):032b}")[:32]

    def masked(self, lane: int) -> int:
        control = self.at[f"CTRL_LANE{lane}"]
        low, high = control >> 5 & 31, control >> 10 & 31
        bits = [
            bit if low <= 31 - place <= high else "0"
            for place, bit in enumerate(self.shifted(lane))
        ]
        if self.flag(lane, 15):
            sign = bits[31 - high]
            bits[: 31 - high] = sign * (31 - high)
        return int("".join(bits), 2)

    def overflows(self, lane: int) -> bool:
        high = self.at[f"CTRL_LANE{lane}"] >> 10 & 31
        return "1" in self.shifted(lane)[: 31 - high]

    def result(self, which: str) -> int:
        base = [self.at[f"BASE{number}"] for number in range(3)]
        if which == "FULL":
            second = 0 if self.blends else self.masked(1)
            return base[2] + self.masked(0) + second & _WORD
        lane = int(which[-1])
        if self.blends:
            alpha = self.masked(1) & 0xFF
            if lane == 0:
                return alpha
            start, end = base[:2]
            if self.flag(1, 15):
                start, end = _int(f"{start:032b}"), _int(f"{end:032b}")
            return start + (end - start) * alpha // 256 & _WORD
        if self.clamps and lane == 0:
            bounds = [base[0], self.masked(0), base[1]]
            if self.flag(0, 15):
                bounds = [_int(f"{word:032b}") for word in bounds]
            low, value, high = bounds
            return (low if value < low else high if value > high else value) & _WORD
        added = self.raw(lane) if self.flag(lane, 18) else self.masked(lane)
        return base[lane] + added & _WORD

    def read(self, name: str) -> int:
        action, _, which = name.partition("_")
        if action in ("PEEK", "POP"):
            results = {which: self.result(which) for which in _RESULTS}
            value = results[which]
            if which != "FULL":
                value |= (self.at[f"CTRL_{which}"] >> 19 & 3) << 28
            if action == "POP":
                for lane in range(2):
                    of = lane ^ 1 if self.flag(lane, 17) else lane
                    self.at[f"ACCUM{lane}"] = results[f"LANE{of}"]
            return value
        if name.endswith("_ADD"):
            return self.masked(int(name[5]))
        if name == "CTRL_LANE0":
            over = [self.overflows(lane) for lane in range(2)]
            return self.at[name] | over[0] << 23 | over[1] << 24 | any(over) << 25
        return 0 if name == "BASE_1AND0" else self.at[name]

    def write(self, name: str, value: int) -> None:
        if name.endswith("_ADD"):
            accumulator = name.removesuffix("_ADD")
            self.at[accumulator] = self.at[accumulator] + (value & 0xFF_FFFF) & _WORD
        elif name == "BASE_1AND0":
            for lane in range(2):
                half = value >> 16 * lane & 0xFFFF
                signed = self.flag(1 if self.blends else lane, 15)
                self.at[f"BASE{lane}"] = _int(f"{half:016b}") & _WORD if signed else half
        elif name.startswith("CTRL"):
            mode = (1 << 21, 1 << 22)[self.index] if name == "CTRL_LANE0" else 0
            self.at[name] = value & (0x1F_FFFF | mode)
        elif name in self.at:
            self.at[name] = value


_READ = [
    *(*_REGISTERS, "ACCUM0_ADD", "ACCUM1_ADD", "BASE_1AND0"),
    *(f"{action}_{which}" for action in ("POP", "PEEK") for which in _RESULTS),
]
_ODD = (0, 1, 0xFF, 0x100, 0x8000_0000, 0xFFF6_FFEC, _WORD)
_PROGRAMS, _STEPS = 1500, 12


def _word(rng: random.Random) -> int:
    return rng.choice([rng.getrandbits(32), rng.getrandbits(9), rng.choice(_ODD)])


def _control(rng: random.Random) -> int:
    """Often one that takes whole words, since a narrow mask hides the rest."""
    masks = 31 << 10 if rng.random() < 0.5 else rng.getrandbits(15)
    return rng.getrandbits(32) & ~0x7FFF | masks


@pytest.mark.parametrize("index", [0, 1])
def test_all_registers_equal_the_model(index: int) -> None:
    rng = random.Random(index)
    board = Board()
    sio = board.blocks["SIO"]
    for number in range(_PROGRAMS):
        sio.reset()
        model = _Model(index)

        def write(name: str, value: int, model: _Model = model) -> None:
            model.write(name, value)
            board.write("SIO", f"INTERP{index}_{name}", value)

        for name in _REGISTERS:
            write(name, _control(rng) if name.startswith("CTRL") else _word(rng))
        for _ in range(_STEPS):
            name = rng.choice(_READ)
            if rng.random() < 0.5:
                write(name, _control(rng) if name.startswith("CTRL") else _word(rng))
            for looked_at in (name, "BASE0", "BASE1", "ACCUM0", "ACCUM1"):
                found = board.read("SIO", f"INTERP{index}_{looked_at}")
                assert found == model.read(looked_at), (number, looked_at)
