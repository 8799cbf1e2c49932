"""What can go wrong, beside a fault of the guest: every error of this package is a SimError."""


class SimError(Exception):
    """Base of all errors of the simulator; the message is one line that says what to do."""


class ElfError(SimError):
    """The file is not an executable that an RP2040 could run."""


class SymbolError(SimError):
    """The program has no symbol of that name."""


class AddressError(SimError):
    """The host asked for bytes that lie in no memory of the guest."""


class CallError(SimError):
    """A called function did not come back: it halted or used up its cycles."""
