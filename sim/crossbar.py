"""The crossbar of the bus, as BUSCTRL sees it. An access is native: priot.sim.cpu.crossbar."""

from collections.abc import Sequence

from priot.sim.cpu.native import from_python
from priot.sim.cpu.processor import Processor
from priot.sim.cpu.special import guard
from priot.sim.cpu.state import PORTS, Chip, Core, State

_guard = from_python(guard)


class Crossbar:
    """Priorities and counts."""

    def __init__(self, state: State, processors: Sequence[Processor]) -> None:
        self._chip, self._processors = state.chip, processors

    def prioritise(self, masters: Sequence[bool]) -> None:
        """Let the accesses of core 0, core 1, reads and writes of the DMA go ahead of others."""
        self._chip[Chip.BUS_PRIORITY] = sum(high << n for n, high in enumerate(masters))

    def count(self, on: bool) -> None:
        """Count accesses, which takes all of them the long way."""
        for processor in self._processors:
            processor.core[Core.COUNTED] = on
            _guard(processor.core)

    def events(self, number: int) -> int:
        """How often something happened, by its number in PERFSEL; 2.1.5."""
        port, is_any = divmod(number, 2)
        if port >= PORTS:
            return 0
        return int(self._chip[(Chip.TAKEN if is_any else Chip.LOST) + port])
