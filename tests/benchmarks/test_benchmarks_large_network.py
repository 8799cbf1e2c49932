"""benchmarks.large_network: figures of each way to multiply, and none where they would be void."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import large_network, reference
from benchmarks.errors import BenchmarkError
from priot.experiments.pretraining.networks import vgg11
from priot.kernels.matrices.engine import MatrixEngine
from priot.kernels.matrices.float_products import FloatProducts


@pytest.fixture(autouse=True)
def narrow_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_network, "vgg11", lambda: vgg11(2))


def test_both_ways_are_compared_where_both_are_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"float32": FloatProducts, "int8": FloatProducts}
    monkeypatch.setattr(large_network, "ways", lambda: both)
    rows = large_network.rows(rounds=1)
    assert [row["case"] for row in rows] == [
        "pre-training, batches of 64",
        "transfer, NITI static",
        "transfer, PRIOT",
        "inference, 128 images at once",
    ]
    for row in rows:
        float32, int8, ratio = list(row.values())[1:]
        assert ratio == pytest.approx(int8 / float32)


def test_without_pytorch_float32_is_measured_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "find_spec", lambda name: None)
    assert large_network.int8_missing() == "need PyTorch"
    for row in large_network.rows(rounds=1):
        assert list(row) == ["case", "float32_images_per_second"]
        assert row["float32_images_per_second"] > 0


def test_a_processor_that_saturates_is_no_opponent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "find_spec", lambda name: object())
    monkeypatch.setattr(large_network, "fastest_products", lambda: FloatProducts)
    assert large_network.int8_missing() == "not exact, or not faster, on this processor"
    assert large_network.ways() == {"float32": FloatProducts}


@pytest.mark.parametrize(
    ("images", "case"),
    [(64, "pre-training, batches of 64"), (1, "transfer, NITI static"), (128, "inference, 128")],
)
def test_a_difference_voids_the_figures(
    monkeypatch: pytest.MonkeyPatch, images: int, case: str
) -> None:
    class Slip(FloatProducts):
        """Wrong in one logit of so many images at once."""

        def multiply(
            self, left: Any, right: Any, sums: Any, first: int = 0, add: bool = False
        ) -> None:
            super().multiply(left, right, sums, first, add)
            sums[0, 0] += (sums.shape[1] == images) << 20

    monkeypatch.setattr(large_network, "ways", lambda: {"float32": FloatProducts, "int8": Slip})
    with pytest.raises(
        BenchmarkError, match=f"^{case}.*: products in float32 and in int8 disagree"
    ):
        large_network.rows(rounds=1)


def test_steps_without_an_error_void_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lossless(MatrixEngine):
        def _compute_loss(self, exponent: int, labels: Any) -> None:
            """Leaves all errors at zero."""

    monkeypatch.setattr(large_network, "MatrixEngine", Lossless)
    with pytest.raises(BenchmarkError, match=r"^pre-training.*: a step has changed nothing"):
        large_network.rows(rounds=1)


def test_every_round_starts_from_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = []

    class Noting(MatrixEngine):
        def train(self, images: Any, labels: Any, order: Any, batch: int) -> None:
            starts.append((len(order), self._model.state_hash()))
            super().train(images, labels, order, batch)

    monkeypatch.setattr(large_network, "ways", lambda: {"float32": FloatProducts})
    monkeypatch.setattr(large_network, "MatrixEngine", Noting)
    large_network.rows(rounds=3)
    timed = [state for images, state in starts if images == large_network.STEPS]
    assert len(timed) == 2 * 3
    assert len(set(timed)) == 2, "one for each kind of transfer"
