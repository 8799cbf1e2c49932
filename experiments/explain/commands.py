"""The command that explains one configuration."""

from __future__ import annotations

from argparse import Namespace

from priot.experiments.commands import EXPECTED_ERRORS as EXPECTED_ERRORS
from priot.experiments.commands import VOID_RESULTS as VOID_RESULTS
from priot.experiments.commands import check_figure, check_variant, clock_hz_of, configuration_of
from priot.experiments.commands import implied_files as implied_files
from priot.experiments.device.placement import Placement
from priot.experiments.device.simulator import as_built, simulated_pico, trainer_elf
from priot.experiments.device.variants import Variant
from priot.experiments.environment import environment
from priot.experiments.explain import explanation
from priot.experiments.explain.energy import supply
from priot.experiments.explain.page import page
from priot.experiments.output import write_figure, write_json
from priot.experiments.progress import ProgressBar
from priot.experiments.training.inputs import load_inputs
from priot.plots.memory_map import draw_memory_map


def explain(options: Namespace) -> None:
    """``priot explain``: one page about one configuration."""
    clock_hz = clock_hz_of(options)
    check_figure(options)
    check_variant(options)
    power = supply(options.volts, options.milliamps, clock_hz)
    placement = Placement.parse(options.placement)
    configuration = configuration_of(options)
    placement.check(configuration.method)
    inputs = load_inputs(configuration.dataset, options.data, options.backbone)
    variant = Variant(options.variant or Variant.FAST)
    made_with = environment(options.elf or trainer_elf(variant, placement))
    pico = simulated_pico(options.elf, variant, placement, profiled=True)
    if options.elf is not None:
        placement = as_built(placement, pico)
    with ProgressBar(options.steps, "images", label=configuration.method.label) as progress:
        record = explanation.explain(
            configuration, inputs, pico, placement, options.steps, clock_hz, power, progress.update
        )
    print(page(record))
    if options.json is not None:
        write_json(options.json, record | {"environment": made_with})
    if options.figure is not None:
        write_figure(options.figure, lambda path: draw_memory_map(record["memory_map"], path))
