"""How fast the simulator runs programs from SRAM and from flash, untraced and traced."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.timing import seconds
from priot import firmware_elf
from priot.experiments.clock import RATED_HZ
from priot.sim import Pico
from priot.sim.session import Console, Limits, run_session

# What is measured: link type of the program, and how the Pico is made.
SETTINGS: dict[str, tuple[str, dict[str, bool]]] = {
    "code in SRAM": ("no_flash", {}),
    "code in SRAM, traced": ("no_flash", {"trace": True}),
    "code in flash, no XIP cache": ("default", {"xip_cache": False}),
    "code in flash, XIP cache": ("default", {}),
    "code in flash, XIP cache, traced": ("default", {"trace": True}),
}


def rows(rounds: int) -> list[dict[str, Any]]:
    """Simulated cycles per second of each setting; rounds of all settings alternate."""
    speeds: dict[str, list[float]] = {name: [] for name in SETTINGS}
    picos = {}
    for name, (link_type, settings) in SETTINGS.items():
        program = firmware_elf.BUILT / f"workload.{link_type}.elf"
        picos[name] = Pico(program, **settings)  # type: ignore[arg-type]
    for _ in range(rounds):
        for name, pico in picos.items():
            pico.reset()
            time = seconds(lambda pico=pico: run_session(pico, Console(), Limits()))  # type: ignore[misc]
            speeds[name].append(pico.cycles / time)
    return [
        {
            "case": name,
            "simulated_cycles_per_second": median(speed),
            "real_time_factor": median(speed) / RATED_HZ,
        }
        for name, speed in speeds.items()
    ]
