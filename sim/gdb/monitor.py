"""GDB's `monitor` commands: what a simulator can tell and a debug probe cannot."""

from collections.abc import Callable
from dataclasses import asdict

from priot.sim.errors import TraceError
from priot.sim.gdb.debugger import Debugger

_TOP = 10  # functions of a profile


class Monitor:
    """Answers monitor commands, each with one or several lines of text."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._pico = debugger.pico
        self._set_out = self._asked = 0  # cycles
        self._commands: dict[str, Callable[[], str]] = {
            "cycles": self._cycles,
            "reset": self._reset,
            "memory": self._memory,
            "profile": self._profile,
            "help": self._help,
        }

    def note_start(self) -> None:
        """The program is about to run or step."""
        self._set_out = self._pico.cycles

    def restart(self) -> None:
        """Power-on."""
        self._debugger.reset()
        self._set_out = self._asked = 0

    def answer(self, line: str) -> str:
        """What a command says; one that does not exist is told how to find those that do."""
        words = line.split()
        # What other probes call "reset halt" or "reset init" is the only reset there is.
        name = words[0] if words else "help"
        known = self._commands.get(name)
        if known is None:
            return f"no command {name!r}; try: monitor help\n"
        try:
            return known()
        except TraceError:
            return "nothing was traced; start priot run with --profile to know\n"

    def _cycles(self) -> str:
        """cycles since reset, since the program last set out, since last asked"""
        now, asked = self._pico.cycles, self._asked
        self._asked = now
        return (
            f"{now} cycles ({self._pico.seconds * 1e3:.6g} ms); {now - self._set_out} since the "
            f"last stop; {now - asked} since last asked\n"
        )

    def _reset(self) -> str:
        """power-on; then `continue` runs the program anew"""
        self.restart()
        return "reset; now: maintenance flush register-cache, then continue\n"

    def _memory(self) -> str:
        """SRAM in bytes: what is declared, and the peaks so far"""
        use = self._pico.memory_use()
        rows = asdict(use) | {"total": use.total}
        return "".join(f"{name.replace('_', ' '):<12} {value:>8}\n" for name, value in rows.items())

    def _profile(self) -> str:
        """the functions that took most cycles since reset"""
        cores = self._pico.profiles()
        text = ""
        for core in cores:
            total = max(1, core.profile.total)
            text += f"{core.name}\n" if len(cores) > 1 else ""
            text += "".join(
                f"{entry.cycles:>12} {100 * entry.cycles / total:5.1f} %  {entry.name}\n"
                for entry in core.profile.by_function()[:_TOP]
            )
        return text

    def _help(self) -> str:
        """this list"""
        return "".join(
            f"monitor {name:<8} {command.__doc__}\n" for name, command in self._commands.items()
        )
