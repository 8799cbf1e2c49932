"""Arithmetic on 32-bit words as the manual's pseudocode has it (A2.2)."""

MASK = 0xFFFF_FFFF


def bits(value: int, high: int, low: int) -> int:
    """The manual's value<high:low>."""
    return value >> low & (1 << high - low + 1) - 1


def sign_extend(value: int, width: int) -> int:
    """A number of `width` bits as a word."""
    if value >> width - 1 & 1:
        value -= 1 << width
    return value & MASK


def add_with_carry(x: int, y: int, carry_in: bool) -> tuple[int, bool, bool]:
    """Result, carry and overflow (A2.2.1)."""
    unsigned_sum = x + y + carry_in
    signed_sum = _signed(x) + _signed(y) + carry_in
    result = unsigned_sum & MASK
    return result, unsigned_sum != result, signed_sum != _signed(result)


def lsl_c(value: int, amount: int) -> tuple[int, bool]:
    """Result and carry of a shift to the left by one or more."""
    extended = value << amount
    return extended & MASK, bool(extended >> 32 & 1)


def lsr_c(value: int, amount: int) -> tuple[int, bool]:
    """Result and carry of a shift to the right by one or more."""
    return value >> amount, bool(value >> amount - 1 & 1)


def asr_c(value: int, amount: int) -> tuple[int, bool]:
    """Result and carry of an arithmetic shift to the right by one or more."""
    number = _signed(value)
    return number >> amount & MASK, bool(number >> amount - 1 & 1)


def ror_c(value: int, amount: int) -> tuple[int, bool]:
    """Result and carry of a rotation to the right by one or more."""
    amount %= 32
    result = (value >> amount | value << 32 - amount) & MASK
    return result, bool(result >> 31)


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word
