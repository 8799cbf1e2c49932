"""The trainer on both cores: equal bit for bit, and its two parts are independent."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from experiment_models import compared_on, labels_for, prepared, random_images
from hypothesis import given, settings
from hypothesis import strategies as st

from priot.experiments.cli import main
from priot.experiments.device.comparison import Comparison
from priot.experiments.device.host import Device
from priot.experiments.device.simulator import simulated_pico
from priot.experiments.device.variants import Variant
from priot.kernels.methods import METHODS, method
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, Operation, ReLU
from priot.sim import Contention

_FIFO_WR, _FIFO_RD = 0xD000_0054, 0xD000_0058


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Small ones with channels enough for two."""
    shape = (draw(st.integers(1, 7)), draw(st.integers(4, 7)), draw(st.integers(4, 7)))
    layers: list[Operation] = []
    for _ in range(draw(st.integers(0, 2))):
        layers.append(Conv2d(draw(st.integers(1, 10)), draw(st.integers(2, 4)), 1))
        layers += [ReLU()] * draw(st.integers(0, 1))
    layers += [MaxPool2d()] * draw(st.integers(0, 1))
    layers += [Dense(draw(st.integers(1, 14)))] * draw(st.integers(0, 1))
    return Network("drawn", shape, (*layers, Dense(draw(st.integers(2, 12)))))


def train(comparison: Comparison, images: int) -> None:
    network = comparison.network
    labels = labels_for(network, images)
    for image, label in zip(random_images(network, images, 1), labels, strict=True):
        comparison.step(image, int(label))


@pytest.mark.parametrize("name", METHODS)
@given(network=networks())
@settings(max_examples=8)
def test_both_cores_compute_what_the_reference_computes(name: str, network: Network) -> None:
    comparison = compared_on(network, method(name), Variant.DUAL)
    train(comparison, 2)
    device = comparison.device
    assert device.target.memory_use().arena <= device.layout.size


WIDE = Network(
    "wide", (5, 6, 8), (Conv2d(8), ReLU(), MaxPool2d(), Conv2d(9), ReLU(), Dense(12), Dense(6))
)


def test_contention_changes_time_and_nothing_else() -> None:
    hashes, cycles = set(), []
    for contention in Contention:
        training = method("priot")
        model, scales = prepared(WIDE, training)
        pico = simulated_pico(None, Variant.DUAL, contention=contention)
        device = Device(pico, model, training, scales, Variant.DUAL)
        for image, label in zip(random_images(WIDE, 2, 1), labels_for(WIDE, 2), strict=True):
            device.step(image, int(label))
        hashes.add(device.model.state_hash())
        cycles.append(pico.cycles)
        assert (sum(pico.bus_stalls) > 0) == (contention is not Contention.NONE)
    assert len(hashes) == 1
    assert cycles == sorted(set(cycles))


@pytest.mark.parametrize("placement", ["weights=flash", "code=flash"])
def test_flash_is_refused_for_two_cores(placement: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--variant", "dual", "--placement", placement]) == 2
    assert "the dual variant is built for SRAM" in capsys.readouterr().err


def test_costs_show_both_cores_beside_one(
    small_backbone: Path, record_of: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["costs", "--variant", "dual", "--images", "1", "--backbone", small_backbone]
    records = record_of(*command, "--full")
    table = capsys.readouterr().out
    assert "Both cores: speed over fast" in table
    assert "Times as fast as on one core, dual" in table
    for fast, dual in pairwise(records):
        if dual["variant"] == "dual":
            assert (fast["variant"], fast["cores"], fast["contention"]) == ("fast", 1, None)
            assert (dual["label"], dual["cores"], dual["contention"]) == (fast["label"], 2, "banks")
            means = [record["cycles_per_image"]["mean"] for record in (dual, fast)]
            assert dual["ratio_to_fast"] == means[0] / means[1]
            assert dual["final_state_sha256"] == fast["final_state_sha256"]
            assert dual["sram"]["stack"] > fast["sram"]["stack"]
