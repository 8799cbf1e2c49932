"""Figure 3: accuracy by epoch, of every seed and in the mean."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from priot.experiments.defaults import ANGLE
from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.contenders import PRIOT, SHOWN
from priot.experiments.paper.laboratory import Laboratory, made_with_all
from priot.experiments.paper.panels import runs_of_panel
from priot.experiments.paper.protocol import Panel
from priot.experiments.sweeps.groups import flat, in_groups
from priot.plots.history import draw_history


def history(laboratory: Laboratory) -> Artefact:
    """Carry out what is missing of the runs at ANGLE and make the figure.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    scope = laboratory.scope
    rows, runs, drawn = [], [], []
    for panel in scope.panels:
        on_backbone = laboratory.on(panel.backbone)
        groups = {contender: runs_of_panel(on_backbone, panel, contender) for contender in SHOWN}
        runs.append((on_backbone, flat(groups)))
        series = []
        for contender, records in in_groups(groups, on_backbone.run).items():
            histories = [record.accuracy_by_epoch for record in records]
            epochs = records[0].measured_epochs
            emphasis = contender == PRIOT
            series.append({"label": contender.label, "emphasis": emphasis, "runs": histories})
            for epoch, *values in zip(epochs, *histories, strict=True):
                rows.append(
                    {
                        **laboratory.subject,
                        "panel": panel.name,
                        "label": contender.label,
                        "epoch": epoch,
                        "seeds": len(values),
                        "mean": round(fmean(values), 3),
                        "low": round(min(values), 3),
                        "high": round(max(values), 3),
                    }
                )
        drawn.append({"title": panel.title, "epochs": epochs, "series": series})
    return Artefact(
        "history",
        f"Accuracy by epoch at {ANGLE:g} degrees ({laboratory.label}): mean of {len(scope.seeds)} "
        "seeds; their range in the table, each seed a thin line in the figure. "
        f"{told_of(scope.panels)}",
        rows,
        made_with_all(runs),
        lambda path: draw_history(drawn, path),
        scope.network,
    )


def told_of(panels: Sequence[Panel]) -> str:
    """What a caption says of panels, beside their titles."""
    told = []
    for panel in panels:
        about = [f"backbone {panel.backbone}"] if panel.backbone else []
        about += [
            f"{name.replace('_', ' ')} {value}" for name, value in (*panel.settings, *panel.static)
        ]
        if about:
            told.append(f"{panel.title}: {', '.join(about)}.")
    return " ".join(told)
