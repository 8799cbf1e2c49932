"""What cycles, memory and numbers of a step on the simulated Pico follow from."""

from priot.experiments.training.code import TRAINING

_SIMULATOR = (
    "sim.bus",
    "sim.cpu",
    "sim.crossbar",
    "sim.engine",
    "sim.instructions",
    "sim.interruption",
    "sim.kernel_engine",
    "sim.loading.boot",
    "sim.loading.elf",
    "sim.loading.program",
    "sim.loading.second_stage",
    "sim.memory_map",
    "sim.peripherals.scheduler",
    "sim.peripherals.xip_ssi",
    "sim.pico",
    "sim.register_accesses",
    "sim.reports.memory_use",
    "sim.rp2040",
    "sim.second_core",
    "sim.xip_cache",
)
"""Cores, memories, the bus and who counts; not what trainers never touch."""
ON_DEVICE = (
    "experiments.device.host",
    "experiments.device.image",
    "experiments.device.layout",
    "experiments.device.operations",
    "experiments.device.placement",
    "experiments.device.planner",
    "experiments.device.schema",
    "experiments.device.simulator",
    "experiments.device.variants",
    *_SIMULATOR,
)
"""Modules between the firmware and the numbers that it gives."""
COSTS = (*TRAINING, *ON_DEVICE, "experiments.device.comparison", "experiments.device.costs")
"""All that a record of costs follows from (priot.experiments.code)."""
