"""What ``priot run`` says on standard error of how a program ended, and of what it met."""

from __future__ import annotations

from collections.abc import Iterator

from priot.sim import Engine, Pico
from priot.sim.limits import AFTER_END_MS
from priot.sim.semihosting import Semihosting
from priot.sim.session import Ending, Outcome


def told_of(
    pico: Pico,
    engine: Engine,
    outcome: Outcome,
    semihosting: Semihosting,
    output_limit: float,
    files_limit: float,
) -> Iterator[str]:
    """One line or report after another.

    Args:
        engine: that has executed the program.
        output_limit: megabytes that the console may take.
        files_limit: megabytes that semihosting's files may grow by.
    """
    if outcome.fault is not None:
        yield outcome.fault.report()
    if outcome.ending in (Ending.SLEEP, Ending.TIMEOUT):
        told = "sleeps for ever" if outcome.ending is Ending.SLEEP else "ran out of time"
        for place in pico.whereabouts():
            yield f"{told}: {place}"
    if outcome.ending is Ending.USB_BOOT and pico.nothing_to_boot:
        yield (
            "was reset, and flash holds no program to boot: a board would be a USB drive now and "
            "wait for one. Link the program for flash, or copy_to_ram, if it is to begin anew"
        )
    if outcome.ending in (Ending.EXIT, Ending.BREAKPOINT):
        yield from _of_the_rest(pico)
    if outcome.ending is Ending.OUTPUT:
        yield f"wrote more than {output_limit:g} MB; allow more with --output-limit"
    if semihosting.files_are_full:
        yield (
            f"could not write more than {files_limit:g} MB into files; allow more with "
            "--files-limit"
        )
    for warning in pico.stack_warnings:
        yield f"{warning}; silence this with --stack-limit off"
    for register in pico.unmodelled:
        yield f"not modelled: {register}"
    if engine is Engine.OWN:
        yield from (f"USB: {problem}" for problem in _usb_problems(pico))


def _of_the_rest(pico: Pico) -> Iterator[str]:
    """What was still at work when the run ended, after a core was at its end."""
    places = pico.whereabouts(going_on=True)
    if pico.goes_on and not places:
        places = ["the DMA, or what was sent by USB"]
    for place in places:
        yield (
            f"was still at work {AFTER_END_MS} ms after the program's end, or at --timeout, where "
            f"the run ended: {place}"
        )


def _usb_problems(pico: Pico) -> list[str]:
    usb = pico.usb
    if usb.obstacle:
        return [f"the program pulls up D+, but the host sees no device: {usb.obstacle}"]
    return usb.problems
