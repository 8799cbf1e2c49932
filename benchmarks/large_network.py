"""How fast VGG11 trains and infers, with each way to multiply matrices, on one core.

Weights, scores, images and labels are random: no data set is needed, and hardly an image is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import BenchmarkError
from benchmarks.reference import pytorch_missing
from benchmarks.timing import median_ratio, seconds
from priot.experiments.pretraining.networks import vgg11
from priot.kernels.calibration import calibrate
from priot.kernels.matrices.engine import INFERENCE_IMAGES, MatrixEngine
from priot.kernels.matrices.float_products import FloatProducts
from priot.kernels.matrices.products import Products, fastest_products
from priot.kernels.methods import Method, method
from priot.kernels.model import Initial, Model, initial_model, with_scores

BATCH = 64  # of pre-training
STEPS = 16  # on single images
SEED = 0


def int8_missing() -> str | None:
    """Why nothing is multiplied in int8, or None where it is."""
    if pytorch_missing():
        return "need PyTorch"
    return (
        "not exact, or not faster, on this processor"
        if fastest_products() is FloatProducts
        else None
    )


def ways() -> dict[str, type[Products]]:
    """The ways to multiply that are at hand, by the type of operands; float32 is the first."""
    int8 = {} if int8_missing() else {"int8": fastest_products()}
    return {"float32": FloatProducts, **int8}


def rows(rounds: int) -> list[dict[str, Any]]:
    """One row for pre-training, for steps of each kind of transfer, and for inference.

    A round does the same with one way after the other. All have to come to the same bits.
    """
    return [
        _training_row(f"pre-training, batches of {BATCH}", "niti-dynamic", BATCH, BATCH, rounds),
        _training_row("transfer, NITI static", "niti-static", STEPS, 1, rounds),
        _training_row("transfer, PRIOT", "priot", STEPS, 1, rounds),
        _inference_row(f"inference, {INFERENCE_IMAGES} images at once", rounds),
    ]


class Training:
    """Steps on random images, from the same first model in every round."""

    def __init__(self, settings: Method, images: int, batch: int, products: type[Products]) -> None:
        self._first = _first_model(settings)
        self._model = self._first.copy()
        self._images, self._labels = _random_images(images)
        self._order, self._batch = np.arange(images), batch
        scales = None
        if not settings.dynamic:
            scales = calibrate(self._first, settings, self._images, self._labels)
        self._engine = MatrixEngine(self._model, settings, scales, products=products)

    def states(self) -> list[str]:
        """The model's hash at first, and after each step."""
        hashes = [self._model.state_hash()]
        for start in range(0, len(self._order), self._batch):
            self._train(self._order[start : start + self._batch])
            hashes.append(self._model.state_hash())
        return hashes

    def seconds(self) -> float:
        """What all steps take, from the first model on."""
        for index, values in self._first.trained.items():
            self._model.trained[index][...] = values
        return seconds(lambda: self._train(self._order))

    def _train(self, order: NDArray[np.int64]) -> None:
        self._engine.train(self._images, self._labels, order, self._batch)


def _training_row(case: str, name: str, images: int, batch: int, rounds: int) -> dict[str, Any]:
    trainings = {
        way: Training(method(name), images, batch, products) for way, products in ways().items()
    }
    states = [training.states() for training in trainings.values()]
    _check_equal(case, states)
    if len(set(states[0])) < len(states[0]):
        # Without an error a step ends with the forward pass, and its time says nothing.
        raise BenchmarkError(f"{case}: a step has changed nothing")
    return _row(case, images, {way: t.seconds for way, t in trainings.items()}, rounds)


def _inference_row(case: str, rounds: int) -> dict[str, Any]:
    settings = method("niti-dynamic")
    images, _ = _random_images(INFERENCE_IMAGES)
    engines = {
        way: MatrixEngine(_first_model(settings), settings, None, products=products)
        for way, products in ways().items()
    }
    _check_equal(case, [engine.logits_of(images).tobytes() for engine in engines.values()])
    runs = {
        way: partial(seconds, partial(engine.logits_of, images)) for way, engine in engines.items()
    }
    return _row(case, len(images), runs, rounds)


def _row(
    case: str, images: int, runs: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, Any]:
    """Figures of runs on so many images; a run returns the seconds that it took."""
    times: dict[str, list[float]] = {way: [] for way in runs}
    for _ in range(rounds):
        for way, run in runs.items():
            times[way].append(run())
    row: dict[str, Any] = {"case": case}
    for way in runs:
        row[f"{way}_images_per_second"] = images / median(times[way])
    if "int8" in runs:
        row["int8_times_as_fast"] = median_ratio(times["float32"], times["int8"])
    return row


def _check_equal(case: str, outcomes: Sequence[object]) -> None:
    if any(outcome != outcomes[0] for outcome in outcomes):
        raise BenchmarkError(f"{case}: products in float32 and in int8 disagree")


def _first_model(settings: Method) -> Model:
    return with_scores(initial_model(vgg11(), SEED, Initial.HE), settings, SEED)


def _random_images(count: int) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Images (N,C,H,W) of pixels 0..127, and labels (N,)."""
    generator, network = np.random.default_rng(SEED), vgg11()
    shape = (count, *network.input_shape)
    images = generator.integers(0, 127, shape, np.int8, endpoint=True)
    return images, generator.integers(0, network.classes, count, np.uint8)
