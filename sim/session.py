"""One program from its start to its end: output, time limit, semihosting, and how it ended."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from priot.sim.faults import Fault, FaultReason
from priot.sim.limits import AFTER_END_MS, MEGABYTE, OUTPUT_KEPT, OUTPUT_MEGABYTES
from priot.sim.pico import Pico, StopReason
from priot.sim.semihosting import BREAKPOINT, Semihosting

SLICE_CYCLES = 2_000_000  # between two looks at what the program has written
USB_BOOT = 0xF3  # the boot ROM's breakpoint: docs/boot-rom.md
EXIT_FAILED = 1
EXIT_TIMEOUT = 124  # as of timeout(1); also of other limits
EXIT_UNMODELLED = 3
EXIT_FAULT = 139  # as of a process that a segmentation fault ended
_IPSR = 0x1FF  # of xPSR: the exception being handled


class Ending(Enum):
    """Why a session ended."""

    EXIT = "exit"  # the program asked for it, by semihosting
    BREAKPOINT = "breakpoint"
    SLEEP = "sleep"  # it waits for an event that can never come
    RESET = "reset"  # it reset the chip
    USB_BOOT = "usb boot"  # it asked for the boot loader, or was reset with no program in flash
    TIMEOUT = "timeout"
    FAULT = "fault"
    EXPECTED_TEXT = "expected text"
    FAILURE_TEXT = "failure text"
    OUTPUT = "too much output"
    CALLED = "called"  # it goes on: see `is_called` of `run_session`


_OF_ONE_CORE = Ending.EXIT, Ending.BREAKPOINT


class Console:
    """What a program writes, by UART0, USB or semihosting, passed on as it comes.

    Attributes:
        output: the first bytes of it, OUTPUT_KEPT at most.
        written: how many there were.
    """

    def __init__(self, echo: Callable[[bytes], None] | None = None) -> None:
        self.output = bytearray()
        self.written = 0
        self._echo = echo
        self._searches: dict[str, _Search] = {}

    def write(self, data: bytes) -> None:
        """Take a piece of output."""
        self.written += len(data)
        self.output += data[: OUTPUT_KEPT - len(self.output)]
        for search in self._searches.values():
            search.look_at(data)
        if self._echo:
            self._echo(data)

    def wrote(self, text: str | None) -> bool:
        """Whether a text is in what was written since it was first asked for, or is kept of it."""
        if not text:
            return False
        if text not in self._searches:
            self._searches[text] = _Search(os.fsencode(text))
            self._searches[text].look_at(self.output)
        return self._searches[text].found

    def uart(self, byte: int) -> None:
        """Take one byte, as `Pico(uart=...)` gives it."""
        self.write(bytes((byte,)))


class _Search:
    """Looks for a text in what comes piece by piece, at each byte once."""

    def __init__(self, text: bytes) -> None:
        self.found = False
        self._text, self._end = text, b""

    def look_at(self, data: bytes | bytearray) -> None:
        """Go on; what came before need not be kept."""
        if not self.found:
            both = self._end + data
            self.found = self._text in both
            self._end = both[max(0, len(both) - len(self._text) + 1) :]


@dataclass(frozen=True)
class Keyboard:
    """Somebody who types.

    Attributes:
        typed: gives what was typed since the last call; told to wait for something if the program
            sleeps until it comes. Nothing then ends the session.
        send: takes it to the program.
    """

    typed: Callable[[bool], bytes]
    send: Callable[[bytes], None]


@dataclass(frozen=True)
class Limits:
    """When a session ends by itself, and what the program may ask of the host.

    Attributes:
        timeout_ms: simulated milliseconds; None: no limit.
        expected_text: ends the session well once the output holds it; to end without is failure.
        failure_text: ends the session as failed once the output holds it.
        output_megabytes: what it may write to its console.
    """

    timeout_ms: float | None = None
    expected_text: str | None = None
    failure_text: str | None = None
    output_megabytes: float = OUTPUT_MEGABYTES


@dataclass(frozen=True)
class Outcome:
    """How a session ended: `exit_code` is the program's own where it gave one."""

    ending: Ending
    exit_code: int
    fault: Fault | None = None


def run_session(
    pico: Pico,
    console: Console,
    limits: Limits,
    keyboard: Keyboard | None = None,
    semihosting: Semihosting | None = None,
    is_called: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run a program to its end, or to one of the limits.

    Args:
        pico: with the program loaded and `console.uart` as its UART.
        console: takes the output.
        keyboard: who types while the program runs.
        semihosting: answers the program's calls, and stays open; by default one without files.
        is_called: whether somebody wants to go on with the Pico in its own way.

    Raises:
        SemihostingError: the program asked the host for what it does not provide.
    """
    host = semihosting or Semihosting(pico, console.write)
    _told(console, limits)  # from now on both texts are looked for
    try:
        outcome = _run(pico, console, limits, host, keyboard, is_called)
    finally:
        pico.end()
        if semihosting is None:
            host.close()
    if outcome.ending is Ending.CALLED:
        return outcome
    missed = limits.expected_text is not None and outcome.ending is not Ending.EXPECTED_TEXT
    if missed and outcome.exit_code == 0:
        return Outcome(outcome.ending, EXIT_FAILED)
    return outcome


def _run(
    pico: Pico,
    console: Console,
    limits: Limits,
    semihosting: Semihosting,
    keyboard: Keyboard | None,
    is_called: Callable[[], bool],
) -> Outcome:
    """Where one core ends, the other and the DMA go on, as on a board: until nothing does, or for
    AFTER_END_MS. The first exit code that is not 0 is that of all."""
    timeout = math.inf if limits.timeout_ms is None else limits.timeout_ms / 1000
    first: Outcome | None = None
    while True:
        try:
            end = _slice(pico, console, limits, semihosting, timeout)
        except Fault as fault:
            code = EXIT_UNMODELLED if fault.reason is FaultReason.UNMODELLED else EXIT_FAULT
            end = _told(console, limits) or Outcome(Ending.FAULT, code, fault)
        if end is not None and end.ending in _OF_ONE_CORE:
            timeout = min(timeout, pico.seconds + AFTER_END_MS / 1000)
            first = end if first is None else _both(first, end)
            pico.retire()
        elif first is None:
            waits = end is not None and end.ending is Ending.SLEEP
            keys = keyboard.typed(waits) if keyboard and (end is None or waits) else b""
            if keyboard and keys:
                keyboard.send(keys)
            elif end is not None:
                return end
            elif is_called():
                return Outcome(Ending.CALLED, 0)
        elif end is not None:
            return _both(first, end)
        if first is not None and not pico.goes_on:
            return first


def _slice(
    pico: Pico, console: Console, limits: Limits, semihosting: Semihosting, timeout: float
) -> Outcome | None:
    """Run a little; an end of the program, or of a core of it. Raises Fault."""
    left = (timeout - pico.seconds) * pico.clock_hz
    stop = pico.run(max_cycles=max(0, math.ceil(min(SLICE_CYCLES, left))))
    asks = stop.reason is StopReason.HALT and stop.immediate == BREAKPOINT
    if asks:
        semihosting.serve()
    if told := _told(console, limits):
        return told
    if semihosting.exit_code is not None:
        code, semihosting.exit_code = semihosting.exit_code, None
        return Outcome(Ending.EXIT, code)
    if console.written > limits.output_megabytes * MEGABYTE:
        return Outcome(Ending.OUTPUT, EXIT_TIMEOUT)
    if stop.reason is StopReason.BUDGET:
        return Outcome(Ending.TIMEOUT, EXIT_TIMEOUT) if pico.seconds >= timeout else None
    if stop.reason is not StopReason.HALT:
        # A program that a watchdog had to reset must not pass for a good one.
        reset = stop.reason is StopReason.RESET
        return Outcome(Ending(stop.reason.value), EXIT_FAILED if reset else 0)
    if stop.immediate == USB_BOOT:
        return Outcome(Ending.USB_BOOT, EXIT_FAILED if pico.nothing_to_boot else 0)
    return None if asks else Outcome(Ending.BREAKPOINT, _breakpoint_code(pico))


def _both(first: Outcome, then: Outcome) -> Outcome:
    """The end of a program of which one core had ended before."""
    code = first.exit_code or then.exit_code
    if then.ending in _OF_ONE_CORE:
        return replace(first, exit_code=code)
    if then.ending is Ending.FAULT:
        return replace(then, exit_code=code)
    texts = Ending.EXPECTED_TEXT, Ending.FAILURE_TEXT, Ending.OUTPUT
    return then if then.ending in texts else first


def _told(console: Console, limits: Limits) -> Outcome | None:
    """The end that the output so far makes."""
    if console.wrote(limits.failure_text):
        return Outcome(Ending.FAILURE_TEXT, EXIT_FAILED)
    if console.wrote(limits.expected_text):
        return Outcome(Ending.EXPECTED_TEXT, 0)
    return None


def _breakpoint_code(pico: Pico) -> int:
    """What a breakpoint says of the program.

    The Pico SDK's `_exit`, in which main, exit() and panic() end, halts with the status in R0; its
    handlers of exceptions that nobody expected halt too.
    """
    registers = pico.registers
    if registers.xpsr & _IPSR:
        return EXIT_FAILED
    function = pico.program.function_at(registers.pc)
    return registers.r0 & 0xFF if function and function.linker_name == "_exit" else 0
