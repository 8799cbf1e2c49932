"""INTERP0 and INTERP1 of SIO. Source: RP2040 datasheet, 2.3.1.6 and the registers in 2.3.1.7."""

from collections.abc import Callable
from dataclasses import dataclass

from priot.sim.peripherals.registers import ALL_BITS, Register, field

_SIGNED, _CROSS_INPUT, _CROSS_RESULT, _ADD_RAW = 1 << 15, 1 << 16, 1 << 17, 1 << 18
_BLEND, _CLAMP = 1 << 21, 1 << 22
_OVERF0, _OVERF1, _OVERF = 1 << 23, 1 << 24, 1 << 25
_CTRL = 0x1F_FFFF  # what both lanes have: SHIFT to FORCE_MSB
_ADDEND = 0xFF_FFFF  # ACCUMx_ADD takes 24 bits


def _signed(value: int, bits: int = 32) -> int:
    sign = 1 << bits - 1
    return (value & (1 << bits) - 1 ^ sign) - sign


@dataclass(frozen=True)
class _Lane:
    """What the data path of one lane gives: without sign, 32 bits."""

    raw: int  # the input, neither shifted nor masked
    masked: int  # shifted, masked and sign-extended
    overflow: bool  # a bit above the mask was set


class Interpolator:
    """One interpolator; index 0 can blend, index 1 can clamp."""

    def __init__(self, index: int) -> None:
        self._index = index
        self.reset()

    def reset(self) -> None:
        """All registers zero."""
        self._accumulators = [0, 0]
        self._bases = [0, 0, 0]
        self._control = [0, 0]

    def registers(self) -> list[Register]:
        """INTERPx_ACCUM0 to INTERPx_BASE_1AND0 at their offsets in SIO."""
        base = 0x80 + 0x40 * self._index

        def register(
            offset: int,
            name: str,
            on_read: Callable[[], int],
            on_write: Callable[[int], None] | None = None,
            peek: Callable[[], int] | None = None,
        ) -> Register:
            name = f"INTERP{self._index}_{name}"
            return Register(base + offset, name, 0, 0, on_read, on_write, peek=peek)

        def word(offset: int, name: str, words: Callable[[], list[int]], at: int) -> Register:
            return register(
                offset, name, lambda: words()[at], lambda value: words().__setitem__(at, value)
            )

        return [
            *(word(0x00 + 4 * i, f"ACCUM{i}", lambda: self._accumulators, i) for i in range(2)),
            *(word(0x08 + 4 * i, f"BASE{i}", lambda: self._bases, i) for i in range(3)),
            register(0x14, "POP_LANE0", lambda: self._pop(0), peek=lambda: self._peek(0)),
            register(0x18, "POP_LANE1", lambda: self._pop(1), peek=lambda: self._peek(1)),
            register(0x1C, "POP_FULL", lambda: self._pop(2), peek=lambda: self._peek(2)),
            register(0x20, "PEEK_LANE0", lambda: self._peek(0)),
            register(0x24, "PEEK_LANE1", lambda: self._peek(1)),
            register(0x28, "PEEK_FULL", lambda: self._peek(2)),
            register(0x2C, "CTRL_LANE0", self._read_control0, lambda v: self._set_control(0, v)),
            register(
                0x30, "CTRL_LANE1", lambda: self._control[1], lambda v: self._set_control(1, v)
            ),
            register(0x34, "ACCUM0_ADD", lambda: self._lane(0).masked, lambda v: self._add(0, v)),
            register(0x38, "ACCUM1_ADD", lambda: self._lane(1).masked, lambda v: self._add(1, v)),
            register(0x3C, "BASE_1AND0", lambda: 0, self._set_bases),
        ]

    def _lane(self, lane: int) -> _Lane:
        control = self._control[lane]
        raw = self._accumulators[lane ^ bool(control & _CROSS_INPUT)]
        shifted = raw >> field(control, 4, 0)
        low, high = field(control, 9, 5), field(control, 14, 10)
        masked = shifted & (1 << high + 1) - 1 & -(1 << low)
        if control & _SIGNED:
            masked = _signed(masked, high + 1) & ALL_BITS
        return _Lane(raw, masked, bool(shifted >> high + 1))

    @property
    def _blends(self) -> bool:
        return bool(self._control[0] & _BLEND)  # INTERP1 has no such bit

    def _results(self) -> tuple[int, int, int]:
        """Results of lane 0, lane 1 and both, before FORCE_MSB."""
        lanes = self._lane(0), self._lane(1)
        added = [
            lane.raw if control & _ADD_RAW else lane.masked
            for lane, control in zip(lanes, self._control, strict=True)
        ]
        base0, base1, base2 = self._bases
        result0, result1 = base0 + added[0], base1 + added[1]
        full = base2 + lanes[0].masked + lanes[1].masked
        if self._blends:
            result0 = alpha = lanes[1].masked & 0xFF
            if self._control[1] & _SIGNED:
                base0, base1 = _signed(base0), _signed(base1)
            result1 = base0 + (alpha * (base1 - base0) >> 8)
            full = base2 + lanes[0].masked
        if self._control[0] & _CLAMP:  # INTERP1 alone
            low, value, high = base0, lanes[0].masked, base1
            if self._control[0] & _SIGNED:
                low, value, high = _signed(low), _signed(value), _signed(high)
            result0 = low if value < low else min(value, high)
        return result0 & ALL_BITS, result1 & ALL_BITS, full & ALL_BITS

    def _peek(self, which: int) -> int:
        return self._on_bus(self._results(), which)

    def _on_bus(self, results: tuple[int, int, int], which: int) -> int:
        forced = field(self._control[which], 20, 19) << 28 if which < 2 else 0
        return results[which] | forced

    def _pop(self, which: int) -> int:
        results = self._results()
        for lane in range(2):
            crossed = bool(self._control[lane] & _CROSS_RESULT)
            self._accumulators[lane] = results[lane ^ crossed]
        return self._on_bus(results, which)

    def _add(self, lane: int, value: int) -> None:
        self._accumulators[lane] = self._accumulators[lane] + (value & _ADDEND) & ALL_BITS

    def _set_control(self, lane: int, value: int) -> None:
        mode = (_BLEND, _CLAMP)[self._index] if lane == 0 else 0
        self._control[lane] = value & (_CTRL | mode)

    def _read_control0(self) -> int:
        over0, over1 = self._lane(0).overflow, self._lane(1).overflow
        flags = _OVERF0 * over0 | _OVERF1 * over1 | _OVERF * (over0 or over1)
        return self._control[0] | flags

    def _set_bases(self, value: int) -> None:
        """Both halves, each with the sign of its lane; in blend mode both with lane 1's."""
        for lane, half in enumerate((value & 0xFFFF, value >> 16)):
            signed = self._control[1 if self._blends else lane] & _SIGNED
            self._bases[lane] = _signed(half, 16) & ALL_BITS if signed else half
