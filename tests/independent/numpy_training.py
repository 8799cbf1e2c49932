"""Training as docs/method.md tells it, in NumPy: a second implementation of what kernels/ computes.

It is written from that page alone, to be read beside it, and shares nothing with the project. All
arithmetic is in int64, and every sum that the page calls int32 is checked to be one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

Integers = NDArray[np.int64]
ByLayer = dict[int, Integers]
Shape = tuple[int, ...]

LIMIT = 127
"""Of the magnitude of every value in a tensor."""
CALIBRATION_IMAGES = 64
SELECTION_IMAGES = 128


@dataclass(frozen=True)
class Settings:
    """The options of a run, by the names that the page gives them."""

    method: str
    learning_rate_bits: int | None = None
    threshold: int | None = None
    double_threshold: int = 64
    score_spread: int = 32
    scored_fraction: float = 0.1  # of PRIOT-S
    selection: str = "random"
    trained_layers: str = "all"
    rounding: str = "pseudo-stochastic"
    angle: float = 30.0
    images: int = 1024
    test_images: int | None = None
    calibration: str = "rotated-headroom"
    calibration_images: int = CALIBRATION_IMAGES
    logit_headroom: int = 0
    epochs: int = 10
    learning_rate_schedule: str | None = None
    seed: int = 0

    @property
    def dynamic(self) -> bool:
        return self.method == "niti-dynamic"

    @property
    def trains_scores(self) -> bool:
        return self.method.startswith("priot")

    @property
    def keeps_from(self) -> int:
        """The score from which an edge takes part."""
        if self.threshold is not None:
            return self.threshold
        return 0 if self.method == "priot-s" else -64

    @property
    def fraction(self) -> float:
        """Share of the edges of each layer that have a score."""
        return self.scored_fraction if self.method == "priot-s" else 1.0

    def bits_in(self, epoch: int) -> int:
        """Learning-rate bits of an epoch, counted from 1."""
        if self.learning_rate_schedule is None:
            default = 5 if self.trains_scores else 3
            return default if self.learning_rate_bits is None else self.learning_rate_bits
        parts = self.learning_rate_schedule.split(",")
        length, longer = divmod(self.epochs, len(parts))
        last = 0
        for part, bits in enumerate(parts):
            last += length + (part < longer)
            if epoch <= last:
                return int(bits)
        raise ValueError(f"epoch {epoch} of {self.epochs}")


# --- From int32 back to int8 -----------------------------------------------------------------


def width(values: Integers) -> int:
    """Bits of the largest magnitude."""
    return int(np.abs(values).max(initial=0)).bit_length()


def round_shift(values: Integers, bits: int, rounding: str) -> Integers:
    """values / 2^bits, rounded."""
    if bits == 0:
        return values
    magnitudes = np.abs(values)
    dropped = magnitudes & ((1 << bits) - 1)
    if rounding == "nearest":
        up = dropped >= 1 << (bits - 1)
    else:
        half = bits // 2
        lower = dropped & ((1 << half) - 1)
        up = dropped >> half > (2 * lower if bits % 2 else lower)
    return np.sign(values) * ((magnitudes >> bits) + up)


def requantise(sums: Integers, bits: int, rounding: str) -> Integers:
    return np.clip(round_shift(sums, bits, rounding), -LIMIT, LIMIT)


def int32(sums: Integers) -> Integers:
    assert np.abs(sums).max(initial=0) < 1 << 31, "the network would have to be refused"
    return sums


# --- The network -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Network:
    """Layers as a backbone's record lists them, and the exponents of their weights."""

    layers: list[dict[str, Any]]
    exponents: dict[int, int]

    @property
    def weighted(self) -> list[int]:
        return [i for i, layer in enumerate(self.layers) if layer["kind"] in ("conv2d", "dense")]

    def trained(self, which: str) -> list[int]:
        if which == "dense":
            return [i for i in self.weighted if self.layers[i]["kind"] == "dense"]
        return self.weighted[-1:] if which == "last" else self.weighted


def product(left: Integers, right: Integers) -> Integers:
    """The exact matrix product: a float64 holds every integer below 2^53."""
    return int32((left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64))


def _columns(image: Integers, size: int, padding: int) -> Integers:
    """(channels * size * size, positions) of what a window covers at every position."""
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(padded, (size, size), axis=(1, 2))
    return windows.transpose(0, 3, 4, 1, 2).reshape(image.shape[0] * size * size, -1)


def convolve(image: Integers, weights: Integers, padding: int) -> Integers:
    channels, _, size, _ = weights.shape
    sums = product(weights.reshape(channels, -1), _columns(image, size, padding))
    return sums.reshape(channels, image.shape[1] + 2 * padding - size + 1, -1)


def convolution_gradient(image: Integers, error: Integers, shape: Shape, padding: int) -> Integers:
    columns = _columns(image, shape[-1], padding)
    return product(error.reshape(shape[0], -1), columns.T).reshape(shape)


def convolution_input_error(error: Integers, weights: Integers, padding: int) -> Integers:
    """Each window's error goes back to where its elements came from."""
    channels, inputs, size, _ = weights.shape
    shares = product(weights.reshape(channels, -1).T, error.reshape(channels, -1))
    _, rows, columns = error.shape
    result = np.zeros((inputs, rows + size - 1, columns + size - 1), np.int64)
    by_place = shares.reshape(inputs, size, size, rows, columns)
    for i, j in np.ndindex(size, size):
        result[:, i : i + rows, j : j + columns] += by_place[:, i, j]
    end = (result.shape[1] - padding, result.shape[2] - padding)
    return int32(result[:, padding : end[0], padding : end[1]])


def _pool_windows(image: Integers, size: int) -> Integers:
    """(channels, rows, columns, size * size) of disjoint windows, each row by row."""
    channels, rows, columns = image.shape[0], image.shape[1] // size, image.shape[2] // size
    cut = image[:, : rows * size, : columns * size]
    parts = cut.reshape(channels, rows, size, columns, size).transpose(0, 1, 3, 2, 4)
    return parts.reshape(channels, rows, columns, size * size)


def pool(image: Integers, size: int) -> Integers:
    return _pool_windows(image, size).max(axis=-1)


def pool_input_error(image: Integers, error: Integers, size: int) -> Integers:
    result = np.zeros_like(image)
    first = _pool_windows(image, size).argmax(axis=-1)
    channel, row, column = np.indices(error.shape)
    result[channel, row * size + first // size, column * size + first % size] = error
    return result


# --- Loss ------------------------------------------------------------------------------------


def loss_error(logits: Integers, exponent: int, label: int, rounding: str) -> Integers:
    """The error of the logits; Python's integers, which have no width."""
    exponent = min(max(exponent, -24), 16)
    values = [int(value) for value in logits]
    if exponent > -7:
        z = [math.floor(value * 47274 * Fraction(2) ** (exponent - 15)) for value in values]
        z = [max(value - max(z) + 10, 0) for value in z]
        y = [2**value - 1 for value in z]
    else:
        y = [2 ** (1 - 2 * exponent) + o * 2 ** (1 - exponent) + o * o for o in values]
    p = [2**11 * value // sum(y) for value in y]
    p[label] -= sum(p)
    return requantise(np.array(p, np.int64), 4, rounding)


# --- One image forward and backward ----------------------------------------------------------


@dataclass
class Shifts:
    """By layer with weights; of the gradients the width of the largest, less which is shifted."""

    forward: dict[int, int] = field(default_factory=dict)
    errors: dict[int, int] = field(default_factory=dict)
    gradients: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Pass:
    """What an image goes through; ``fixed`` are calibrated shifts, None for those it has itself."""

    network: Network
    weights: ByLayer
    rounding: str
    fixed: Shifts | None
    used: Shifts = field(default_factory=Shifts)
    inputs: list[Integers] = field(default_factory=list)
    """Of every layer, and the logits at the end."""

    def _requantise(self, sums: Integers, kind: str, index: int) -> Integers:
        shifts = getattr(self.used, kind)
        if self.fixed is None:
            shifts[index] = max(0, width(sums) - 7)
        else:
            shifts[index] = getattr(self.fixed, kind)[index]
        return requantise(sums, shifts[index], self.rounding)

    def forward(self, image: Integers) -> Integers:
        self.inputs.append(image)
        for index, layer in enumerate(self.network.layers):
            value = self.inputs[-1]
            if layer["kind"] == "conv2d":
                sums = convolve(value, self.weights[index], layer["padding"])
                value = self._requantise(sums, "forward", index)
            elif layer["kind"] == "dense":
                sums = product(self.weights[index], value.reshape(-1))
                value = self._requantise(sums, "forward", index)
            elif layer["kind"] == "relu":
                value = np.maximum(value, 0)
            else:
                value = pool(value, layer["size"])
            self.inputs.append(value)
        return self.inputs[-1]

    def error(self, label: int) -> Integers:
        exponent = -7 + sum(self.network.exponents.values()) + sum(self.used.forward.values())
        return loss_error(self.inputs[-1], exponent, label, self.rounding)

    def backward(self, error: Integers, trained: list[int]) -> ByLayer:
        """Gradients of the weights of the trained layers."""
        gradients = {}
        for index in reversed(range(trained[0], len(self.network.layers))):
            layer, value = self.network.layers[index], self.inputs[index]
            error = error.reshape(self.inputs[index + 1].shape)
            if layer["kind"] == "relu":
                error = np.where(self.inputs[index + 1] > 0, error, 0)
            elif layer["kind"] == "max_pool2d":
                error = pool_input_error(value, error, layer["size"])
            else:
                weights = self.weights[index]
                if layer["kind"] == "conv2d":
                    padding = layer["padding"]
                    gradients[index] = convolution_gradient(value, error, weights.shape, padding)
                else:
                    gradients[index] = np.outer(error, value.reshape(-1))
                if index == trained[0]:
                    break
                if layer["kind"] == "conv2d":
                    sums = convolution_input_error(error, weights, padding)
                else:
                    sums = product(error, weights)
                error = self._requantise(sums, "errors", index)
        return gradients


# --- The methods -----------------------------------------------------------------------------


class Learner:
    """A network that learns by one of the methods."""

    def __init__(self, settings: Settings, network: Network, weights: ByLayer) -> None:
        self.settings = settings
        self.network = network
        self.weights = {index: values.astype(np.int64) for index, values in weights.items()}
        self.trained = network.trained(settings.trained_layers)
        self.fixed: Shifts | None = None
        self.scored: dict[int, NDArray[np.bool_]] = {}
        """Which edges have a score."""
        self.scores: ByLayer = {}
        """Of the weights' shapes; what it holds for edges without a score means nothing."""
        self._counted: ByLayer = {}
        """Weights as the scores let them count, until these change."""

    def effective_weights(self) -> ByLayer:
        if not self.settings.trains_scores:
            return self.weights
        if not self._counted:
            self._counted = {index: self._by_score(index) for index in self.network.weighted}
        return self._counted

    def _by_score(self, index: int) -> Integers:
        weights, scores = self.weights[index], self.scores[index]
        counted = np.where(scores >= self.settings.keeps_from, weights, 0)
        if self.settings.method == "priot-ternary":
            twice = np.clip(2 * weights, -LIMIT, LIMIT)
            counted = np.where(scores >= self.settings.double_threshold, twice, counted)
        return np.where(self.scored[index], counted, weights)

    def passing(self, image: Integers) -> Pass:
        """An image, gone forward."""
        result = Pass(self.network, self.effective_weights(), self.settings.rounding, self.fixed)
        result.forward(image)
        return result

    def gradients(self, passed: Pass, error: Integers) -> ByLayer:
        """Of what the method trains."""
        gradients = passed.backward(error, self.trained)
        if not self.settings.trains_scores:
            return gradients
        return {
            index: int32(np.where(self.scored[index], gradient * self.weights[index], 0))
            for index, gradient in gradients.items()
        }

    def predict(self, image: Integers) -> int:
        return int(self.passing(image).inputs[-1].argmax())

    def step(self, image: Integers, label: int, bits: int) -> None:
        passed = self.passing(image)
        error = passed.error(label)
        if not error.any():
            return
        gradients = self.gradients(passed, error)
        values = self.scores if self.settings.trains_scores else self.weights
        for index, gradient in gradients.items():
            largest = width(gradient) if self.fixed is None else self.fixed.gradients[index]
            change = requantise(gradient, max(0, largest - bits), self.settings.rounding)
            values[index] = np.clip(values[index] - change, -LIMIT, LIMIT)
        self._counted = {}


# --- Scored edges and first scores -----------------------------------------------------------


def _largest(values: Integers, count: int) -> Integers:
    """Flat positions of the largest; of equal ones the first."""
    return np.argsort(-values.reshape(-1), kind="stable")[:count]


def gradient_magnitudes(learner: Learner, images: Integers, labels: Integers) -> ByLayer:
    """Sums of |dL/ds| over images, on the backbone with nothing pruned."""
    weights = learner.weights
    totals = {index: np.zeros_like(values) for index, values in weights.items()}
    for image, label in zip(images, labels, strict=True):
        passed = Pass(learner.network, weights, learner.settings.rounding, None)
        passed.forward(image)
        gradients = passed.backward(passed.error(int(label)), learner.network.weighted)
        for index, gradient in gradients.items():
            totals[index] += np.abs(int32(gradient * weights[index]))
    return totals


def choose_edges(learner: Learner, images: Integers, labels: Integers) -> None:
    """``images`` are those that selection by gradient looks at."""
    settings = learner.settings
    generator = np.random.default_rng(settings.seed)
    if settings.selection == "gradient":
        totals = gradient_magnitudes(learner, images, labels)
    for index in learner.network.weighted:
        weights = learner.weights[index]
        count = max(1, round(settings.fraction * weights.size))
        if settings.selection == "magnitude":
            chosen = _largest(np.abs(weights), count)
        elif settings.selection == "gradient":
            chosen = _largest(totals[index], count)
        else:
            chosen = generator.permutation(weights.size)[:count]
        learner.scored[index] = np.isin(np.arange(weights.size), chosen).reshape(weights.shape)
        drawn = np.rint(generator.normal(0.0, settings.score_spread, weights.shape))
        learner.scores[index] = np.clip(drawn, -LIMIT, LIMIT).astype(np.int64)


# --- Calibration -----------------------------------------------------------------------------


def choose_shift(values: list[int], how: str) -> int:
    if how == "largest":
        return max(values)
    if how == "smallest":
        return min(values)
    if how == "p90":
        return min(v for v in values if 10 * sum(u <= v for u in values) >= 9 * len(values))
    return max(values, key=lambda v: (values.count(v), v))


def rule_of(calibration: str, kind: str) -> str:
    """How the shifts of one kind are chosen: "", "largest", "smallest" or "p90"."""
    _, _, how = calibration.partition("-")
    how, _, only = how.partition("-")
    if how not in ("largest", "smallest", "p90") or only not in ("", kind):
        return ""
    return how


def calibrate(learner: Learner, images: Integers, labels: Integers) -> Shifts:
    """``images`` is the whole pool, of which no more is looked at than is needed."""
    settings = learner.settings
    seen: list[tuple[Shifts, bool]] = []
    enough = settings.calibration_images
    for image, label in zip(images, labels, strict=True):
        if len(seen) == enough:
            if any(has_error for _, has_error in seen):
                break
            enough += CALIBRATION_IMAGES
        passed = learner.passing(image)
        error = passed.error(int(label))
        gradients = learner.gradients(passed, error)
        passed.used.gradients.update({i: width(g) for i, g in gradients.items()})
        seen.append((passed.used, bool(error.any())))
    assert any(has_error for _, has_error in seen), "the run would have to be refused"
    every = settings.calibration.endswith("-all")
    result = Shifts()
    for kind in ("forward", "errors", "gradients"):
        chosen = getattr(result, kind)
        for index in learner.network.weighted:
            values = [
                getattr(shifts, kind).get(index, 0)
                for shifts, has_error in seen
                if kind == "forward" or every or has_error
            ]
            chosen[index] = choose_shift(values, rule_of(settings.calibration, kind))
    last = learner.network.weighted[-1]
    headroom = settings.logit_headroom + 2 * settings.calibration.endswith("-headroom")
    result.forward[last] = min(max(0, result.forward[last] + headroom), 31)
    return result


# --- The transfer task -----------------------------------------------------------------------


def rotated(pixels: NDArray[np.uint8], angle: float) -> NDArray[np.uint8]:
    return np.stack(
        [
            np.asarray(Image.fromarray(image).rotate(angle, resample=Image.Resampling.BILINEAR))
            for image in pixels
        ]
    )


def quantised(pixels: NDArray[np.uint8]) -> Integers:
    """(images, 1, rows, columns) of 0..127."""
    return (pixels >> 1).astype(np.int64)[:, np.newaxis]


@dataclass(frozen=True)
class Outcome:
    """A run, seen from outside."""

    right: list[int]
    """Test images classified rightly before training and after each epoch."""
    shifts: Shifts | None
    """Static ones."""
    weights: ByLayer
    scores: ByLayer
    scored: dict[int, NDArray[np.bool_]]


def train(
    settings: Settings,
    network: Network,
    weights: ByLayer,
    pixels: NDArray[np.uint8],
    labels: Integers,
) -> Outcome:
    """One run: ``pixels`` (images, rows, columns) and ``labels`` are the whole source."""
    pool = max(settings.images, CALIBRATION_IMAGES)
    end = None if settings.test_images is None else pool + settings.test_images
    order = np.random.default_rng([settings.seed, 0]).permutation(len(pixels))[:end]
    images = quantised(rotated(pixels[order], settings.angle))
    labels = labels[order]

    learner = Learner(settings, network, weights)
    if settings.trains_scores:
        seen = min(SELECTION_IMAGES, pool)
        choose_edges(learner, images[:seen], labels[:seen])
    if not settings.dynamic:
        upright = settings.calibration.startswith("upright")
        source = quantised(pixels[order[:pool]]) if upright else images[:pool]
        learner.fixed = calibrate(learner, source, labels[:pool])

    def right() -> int:
        predicted = [learner.predict(image) for image in images[pool:]]
        return int(np.count_nonzero(predicted == labels[pool:]))

    history = [right()]
    for epoch in range(1, settings.epochs + 1):
        generator = np.random.default_rng([settings.seed, epoch])
        for number in generator.permutation(settings.images):
            learner.step(images[number], int(labels[number]), settings.bits_in(epoch))
        history.append(right())
    return Outcome(history, learner.fixed, learner.weights, learner.scores, learner.scored)
