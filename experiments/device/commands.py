"""The commands that plan what lies where on the device."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from priot.experiments.commands import EXPECTED_ERRORS as EXPECTED_ERRORS
from priot.experiments.commands import VOID_RESULTS as VOID_RESULTS
from priot.experiments.commands import (
    check_seed,
    methods_of,
    placements_of,
    purpose_of,
    variants_of,
)
from priot.experiments.commands import implied_files as implied_files
from priot.experiments.device.need_table import need_table, width_table
from priot.experiments.device.needs import Need, needs_by_width, needs_of, planned_methods
from priot.experiments.device.placement import Placement
from priot.experiments.device.plan_table import plan_table
from priot.experiments.errors import UserError
from priot.experiments.output import write_csv, write_json
from priot.experiments.pretraining.networks import VGG11_WIDTHS, network_of, vgg11
from priot.kernels.network import Network


def plan(options: Namespace) -> None:
    """``priot plan``: what a training step would need, without running it."""
    check_seed(options.seed)
    if options.widths and options.network != "vgg11":
        raise UserError(f"--widths: {options.network} has one width; name the network vgg11")
    if options.widths and options.buffers:
        raise UserError("--buffers is for one network, --widths for many: leave one out")
    methods = methods_of(options) or planned_methods()
    placements = placements_of(options) if options.placement else Placement.every()
    variants, purpose = variants_of(options), purpose_of(options)

    def needs(network: Network) -> list[Need]:
        found = needs_of(network, methods, placements, variants, options.seed, purpose)
        if not found:
            raise UserError("none of these methods can have such a placement")
        return found

    if options.widths:
        by_width = needs_by_width(vgg11, VGG11_WIDTHS, needs)
        planned = [need for of_width in by_width.values() for need in of_width]
        print(width_table(by_width))
    else:
        planned = needs(network_of(options.network))
        print(_buffers(planned) if options.buffers else need_table(planned))
    records = [need.record for need in planned]
    if options.json is not None:
        write_json(options.json, records)
    if options.csv is not None:
        write_csv(options.csv, records)


def _buffers(planned: Sequence[Need]) -> str:
    return "\n\n".join(plan_table(need.layout) for need in planned)
