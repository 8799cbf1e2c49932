"""The planner's plan as text: which buffers there are, when they are needed and where they lie."""

from __future__ import annotations

from priot.experiments.device.layout import Layout
from priot.experiments.device.planner import Buffer, Plan
from priot.experiments.output import format_table
from priot.kernels.network import Network


def plan_table(layout: Layout) -> str:
    """Every buffer of a step in the order of its offset, and what sharing bytes saves."""
    sizes = sum(buffer.size for buffer in layout.plan.buffers)
    parts = [
        f"{layout.method.label}, {layout.variant}, placement {layout.placement}: "
        f"{layout.size:,} bytes of SRAM for buffers of {sizes:,}",
        _rows(layout, layout.plan),
    ]
    if layout.flash.buffers:
        parts += [f"In flash, {layout.flash.size:,} bytes", _rows(layout, layout.flash)]
    return "\n\n".join(parts)


def _rows(layout: Layout, plan: Plan) -> str:
    moments = moment_names(layout.network)
    rows = []
    for buffer in sorted(plan.buffers, key=lambda buffer: (plan.offsets[buffer.name], buffer.name)):
        offset = plan.offsets[buffer.name]
        rows.append(
            [
                buffer_name(buffer, layout.network),
                f"{offset:,}",
                f"{offset + buffer.size:,}",
                f"{buffer.size:,}",
                _lifetime(buffer, moments),
            ]
        )
    return format_table(("buffer", "from", "to", "bytes", "needed"), rows)


def buffer_name(buffer: Buffer, network: Network) -> str:
    """ "outputs 1" as "outputs of relu 1"; the header and the network's input have no layer."""
    part, _, index = buffer.name.partition(" ")
    part = part.replace("_", " ")
    if part == "header":
        return "header and layer table"
    return "input" if int(index) < 0 else f"{part} of {network.name_of(int(index))}"


def moment_names(network: Network) -> list[str]:
    """The operations of a step in their order, as ``lay_out`` counts them."""
    names = [network.name_of(index) for index in range(len(network.layers))]
    moments = [f"{name} forward" for name in names] + ["loss"]
    for name in reversed(names):
        moments += [f"{name} backward", f"{name} update"]
    return moments


def _lifetime(buffer: Buffer, names: list[str]) -> str:
    """Runs of moments, each from its first to its last."""
    if buffer.moments is None:
        return "always"
    ordered = sorted(buffer.moments)
    starts = [moment for moment in ordered if moment - 1 not in buffer.moments]
    ends = [moment for moment in ordered if moment + 1 not in buffer.moments]
    return ", ".join(
        names[start] if start == end else f"{names[start]} to {names[end]}"
        for start, end in zip(starts, ends, strict=True)
    )
