"""Networks are data: a list of layers, from which every shape follows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from priot.kernels.errors import KernelError
from priot.kernels.operations import OPERATIONS, Dense, Operation, Shape, Weighted

INT32_MAX = 2**31 - 1
MOST_LAYERS = 100
"""VGG11 has 29. To lay them out takes the square of their number."""
MOST_VALUES = 2**24
"""Weights of a network, and activations of a layer: VGG11 has 9.2 million weights."""
MOST_CHARACTERS = 100
"""Of a name."""
_BY_NAME = {operation.name: operation for operation in OPERATIONS}


class NetworkError(KernelError):
    """The layers do not fit together, or a sum inside them could leave 32 bits."""


@dataclass(frozen=True)
class Network:
    """A feed-forward network for one image of shape (C, H, W).

    Raises:
        NetworkError: when layers do not fit, or a sum of products could exceed int32.
    """

    name: str
    input_shape: tuple[int, int, int]
    layers: tuple[Operation, ...]

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise NetworkError(f"{self.name}: input shape {self.input_shape} is not (C, H, W)")
        if not self.layers or not isinstance(self.layers[-1], Dense):
            raise NetworkError(f"{self.name}: the last layer must be dense, it gives the logits")
        if len(self.layers) > MOST_LAYERS:
            raise NetworkError(f"{self.name}: {len(self.layers):,} layers; at most {MOST_LAYERS}")
        if self.classes < 2:
            raise NetworkError(f"{self.name}: {self.classes} class(es) leave nothing to learn")
        for index in range(len(self.layers)):
            self._check_layer(index)
        if self.weight_count > MOST_VALUES:
            raise NetworkError(
                f"{self.name}: {self.weight_count:,} weights; no more than {MOST_VALUES:,} are "
                "worked on, hundreds of times what a Pico holds"
            )

    @property
    def classes(self) -> int:
        """Number of logits."""
        last = self.layers[-1]
        assert isinstance(last, Dense)
        return last.features

    @property
    def weighted(self) -> tuple[int, ...]:
        """Indices of the layers that have weights, in forward order."""
        return tuple(i for i, layer in enumerate(self.layers) if isinstance(layer, Weighted))

    def input_shape_of(self, index: int) -> Shape:
        """Shape of the activations that layer ``index`` reads."""
        shape: Shape = self.input_shape
        for layer in self.layers[:index]:
            shape = layer.output_shape(shape)
        return shape

    def output_shape_of(self, index: int) -> Shape:
        """Shape of the activations that layer ``index`` writes; -1 stands for the input."""
        return self.input_shape_of(index + 1)

    def weight_shape_of(self, index: int) -> Shape:
        """Shape of the int8 weights of layer ``index``; empty for a layer without any."""
        return self.layers[index].weight_shape(self.input_shape_of(index))

    @property
    def weight_count(self) -> int:
        """Number of weights of all layers."""
        return sum(math.prod(self.weight_shape_of(index)) for index in self.weighted)

    def name_of(self, index: int) -> str:
        """A layer's name in tables, numbered by kind: "conv2d 1", "dense 2"."""
        kind = type(self.layers[index])
        number = sum(isinstance(layer, kind) for layer in self.layers[: index + 1])
        return f"{kind.name} {number}"

    def to_json(self) -> dict[str, Any]:
        """A plain description that ``from_json`` reads back."""
        return {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "layers": [{"kind": layer.name, **asdict(layer)} for layer in self.layers],
        }

    @classmethod
    def from_json(cls, description: dict[str, Any]) -> Network:
        """Build a network from ``to_json``'s description.

        Raises:
            NetworkError: when a key is missing or a kind of layer is unknown.
        """
        try:
            layers = []
            for entry in description["layers"]:
                settings = dict(entry)
                layer = _BY_NAME[settings.pop("kind")](**settings)
                if not all(type(value) is int for value in settings.values()):
                    raise NetworkError(f"a layer's sizes are whole numbers, not {settings!s:.80}")
                layers.append(layer)
            name, shape = description["name"], description["input_shape"]
            if not isinstance(name, str) or len(name) > MOST_CHARACTERS:
                raise NetworkError(f"name: give a text of at most {MOST_CHARACTERS} characters")
            if not all(type(size) is int for size in shape):
                raise NetworkError(f"input_shape: whole numbers, not {shape!r:.80}")
            channels, height, width = shape
            return cls(name, (channels, height, width), tuple(layers))
        except NetworkError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NetworkError(f"not a description of a network: {error!s:.200}") from error

    def _check_layer(self, index: int) -> None:
        layer, shape = self.layers[index], self.input_shape_of(index)
        where = f"{self.name}, layer {index} ({self.name_of(index)})"
        if fault := layer.fault(shape):
            raise NetworkError(f"{where}: {fault}")
        output = layer.output_shape(shape)
        if min(output) < 1:
            raise NetworkError(f"{where}: input {shape} leaves an output of {output}")
        if math.prod(output) > MOST_VALUES:
            raise NetworkError(
                f"{where}: an output of {output} is {math.prod(output):,} values; no more than "
                f"{MOST_VALUES:,} are worked on"
            )
        bound = self.largest_sum_of(index)
        if bound > INT32_MAX:
            raise NetworkError(f"{where}: a sum can reach {bound}, more than int32 holds")

    def largest_sum_of(self, index: int) -> int:
        """Bound of every 32-bit sum of layer ``index``: output, input error, score gradient."""
        return self.layers[index].largest_sum(self.input_shape_of(index))
