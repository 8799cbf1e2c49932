"""Memory against time: what each way to train costs on the device, and what it learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from priot.experiments.clock import RATED_HZ
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.defaults import ANGLE
from priot.experiments.device.cost_runs import CostRuns
from priot.experiments.device.costs import Setup, milliseconds, possible_setups
from priot.experiments.device.placement import Placement
from priot.experiments.device.variants import Variant
from priot.experiments.errors import UserError
from priot.experiments.paper.accuracy import runs_of, summary
from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.contenders import Contender
from priot.experiments.paper.laboratory import Laboratory
from priot.experiments.paper.pareto import on_front
from priot.experiments.records.artefacts import TradeoffRecord, TradeoffRow
from priot.experiments.records.costs import DoesNotFit, StepCosts
from priot.experiments.sweeps.groups import flat, in_groups
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import carry_out
from priot.kernels.methods import method
from priot.plots.tradeoff import draw_tradeoff


class Tradeoff(Artefact):
    """An artefact whose record has all rows."""

    @property
    def record(self) -> TradeoffRecord:
        """What is written beside the table, but for the environment."""
        return TradeoffRecord(
            name=self.name,
            caption=self.caption,
            made_with=self.made_with,
            rows=tuple(TradeoffRow(**row) for row in self.rows),
        )


def tradeoff(laboratory: Laboratory, angle: float = ANGLE, clock_hz: int = RATED_HZ) -> Tradeoff:
    """Train every row of Table 1, and measure it in every placement and variant that is possible.

    Raises:
        MismatchError: at the first difference between device and reference.
        UserError: when nothing fits the device, and as ``run_sweep`` does.
    """
    scope = laboratory.scope
    contenders = laboratory.contenders()
    groups = {contender: runs_of(laboratory, "paper", contender, angle) for contender in contenders}
    learned = {
        groups[contender][0].method: (contender, summary(records))
        for contender, records in in_groups(groups, laboratory.run).items()
    }
    setups = possible_setups(list(learned), Placement.every(), tuple(Variant))
    seed = scope.seeds[0]
    task = transfer_task(laboratory.inputs.source, angle, scope.cost_images, 0, seed)
    kind = CostRuns(laboratory.inputs.backbone, task, seed)
    store = RunStore(laboratory.store.path.with_name(f"{scope.dataset}-costs.jsonl"))
    measured = carry_out(setups, kind, store, laboratory.workers)
    rows = with_front(
        [
            _row(*learned[setup.method], setup, record, clock_hz)
            for setup, record in zip(setups, measured, strict=True)
            if isinstance(record, StepCosts)
        ]
    )
    too_large = [one.does_not_fit for one in measured if isinstance(one, DoesNotFit)]
    if not rows:
        raise UserError(too_large[0])
    return Tradeoff(
        "tradeoff",
        f"Peak SRAM, time and accuracy ({laboratory.label}, {angle:g} degrees) of every method in "
        "every placement and variant of the firmware. Time of one training step on the emulated "
        f"Pico at {clock_hz / 1e6:g} MHz, mean of the first {scope.cost_images} images of "
        "training, every tensor equal to the reference's. Final accuracy with one setting for all "
        f"methods, mean of {len(scope.seeds)} seeds. Pareto front: no other row is at least as "
        "good in all three and better in one.",
        rows,
        laboratory.made_with(flat(groups))
        | {
            "measurements": len(setups),
            "measuring_seconds": round(sum(store.seconds[kind.key(setup)] for setup in setups)),
            "clock_hz": clock_hz,
            "too_large": too_large,
        },
        lambda path: _draw(rows, path),
    )


def with_front(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with whether it is on the front of SRAM, time and accuracy."""
    costs = [(row["peak_sram_bytes"], row["ms"], -row["final_mean"]) for row in rows]
    return [{**row, "pareto": best} for row, best in zip(rows, on_front(costs), strict=True)]


def _row(
    contender: Contender,
    learned: Mapping[str, Any],
    setup: Setup,
    record: StepCosts,
    clock_hz: int,
) -> dict[str, Any]:
    return {
        "label": record.label,
        "method": contender.method,
        "scored_fraction": contender.scored_fraction,
        "selection": contender.selection,
        "trained_layers": contender.trained_layers,
        "learning_rate_bits": setup.method.learning_rate_bits,
        "placement": str(setup.placement),
        "variant": str(setup.variant),
        "angle": record.angle,
        "images": record.images,
        "clock_hz": clock_hz,
        "peak_sram_bytes": record.peak_sram_bytes,
        "flash_bytes": record.flash_bytes,
        "cycles": record.cycles_per_image.mean,
        "ms": round(milliseconds(record, clock_hz), 4),
        **{name: learned[name] for name in ("seeds", "final_mean", "final_std", "collapsed_share")},
    }


def _draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    draw_tradeoff([{**row, "family": method(row["method"]).family} for row in rows], path)
