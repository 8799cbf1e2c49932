"""What can go wrong, beside a fault of the guest: every error of this package is a SimError."""


class SimError(Exception):
    """Base of all errors of the simulator; the message is one line that says what to do."""


class ProgramError(SimError):
    """The file is not a program that an RP2040 could run."""


class ElfError(ProgramError):
    """The ELF file is damaged, or not an executable for an RP2040."""


class Uf2Error(ProgramError):
    """The UF2 file is damaged, or not made for an RP2040."""


class BinError(ProgramError):
    """The raw image is empty or does not fit where it is to go."""


class SymbolError(SimError):
    """The program has no symbol of that name."""


class AddressError(SimError):
    """The host asked for bytes that lie in no memory of the guest."""


class CallError(SimError):
    """A called function did not come back: it halted or used up its cycles."""


class FlashError(SimError):
    """The program asked the boot ROM to erase or program flash that is not there, or not whole."""


class TraceError(SimError):
    """The host asked for calls or the stack's history of a Pico that does not trace them."""
