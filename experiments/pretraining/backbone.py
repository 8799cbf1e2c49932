"""Backbones: pre-trained networks, as a JSON record with its weights in an .npz file beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from priot.experiments.arrays import ArraysError, read_arrays
from priot.experiments.errors import UserError
from priot.experiments.limits import WEIGHTS_FILE
from priot.experiments.output import write_bytes, write_json
from priot.experiments.reading import read_json
from priot.kernels.model import Initial, Model, initial_model
from priot.kernels.network import Network, NetworkError
from priot.sim.reading import read_file

_SHIPPED = Path(str(resources.files("priot.experiments"))) / "data" / "backbones"
DEFAULT = Path("integer-uniform-0")
"""The backbone where none is named: the tiny CNN of one of ``backbone_names``."""
IN_REPOSITORY = {"vgg11": Path("results/backbones/vgg11.json")}
"""Backbones by network that are too large for the package, from the repository's root."""
_DAMAGE = (ValueError, KeyError, TypeError, AttributeError)
"""What reading damaged JSON, a wrong record, and damaged archives raise."""
_MOST_EXPONENT = 127
"""Of a power of two that weights are read with, either way."""


@dataclass(frozen=True)
class Backbone:
    """A pre-trained model, and the record of how it came about."""

    model: Model
    record: dict[str, Any]
    trained: bool = True
    """Not where first, random weights stand in for trained ones."""


def untrained_backbone(network: Network, seed: int) -> Backbone:
    """First weights (He et al. 2015) in a backbone's place: for costs, which need no accuracy."""
    model = initial_model(network, seed, Initial.HE)
    return Backbone(model, backbone_record(model), trained=False)


def backbone_names() -> tuple[str, ...]:
    """Names of the backbones that ship with the package: a kind and its seed, "short-0"."""
    return tuple(sorted(record.stem for record in _SHIPPED.glob("*.json")))


def record_of(name: Path) -> Path:
    """The record that a backbone's name stands for; a path to one stands for itself.

    Raises:
        UserError: when there is no backbone of that name.
    """
    if str(name) in backbone_names():
        return _SHIPPED / f"{name}.json"
    if not name.suffix and not name.exists():
        raise UserError(
            f"backbone {name}: name a record (.json), or one of {', '.join(backbone_names())}"
        )
    return name


def load_backbone(path: Path | None, of: str | None = None) -> Backbone:
    """The backbone of one of ``backbone_names``, or whose record is the JSON file ``path``.

    Args:
        path: None stands for the one of a network, IN_REPOSITORY or DEFAULT.
        of: the network's name.

    Raises:
        UserError: when a file is missing or damaged, or the weights are not those of the record.
    """
    if path is None and of in IN_REPOSITORY:
        path = IN_REPOSITORY[of]
        if not path.exists():
            raise UserError(
                f"{path}: no backbone of {of} is here; start in the repository's root, name "
                "its record with --backbone, or make it, which takes hours: priot pretrain "
                f"--network {of} --dataset cifar10 --data DIR --out {path}"
            )
    path = record_of(DEFAULT if path is None else path)
    record, network, exponents = _read_record(path)
    weights_file = weights_of(path)
    model = Model(network, _read_weights(weights_file, network), exponents)
    if model.state_hash() != record.get("state_sha256"):
        raise UserError(
            f"{weights_file}: these are not the weights that {path.name} records; "
            "make both anew with priot pretrain"
        )
    return Backbone(model, record)


def backbone_files(path: Path | None) -> list[Path]:
    """What ``load_backbone`` reads: of None, the files of all backbones that it can stand for."""
    records = [record_of(DEFAULT), *IN_REPOSITORY.values()] if path is None else [record_of(path)]
    return [file for record in records for file in (record, weights_of(record))]


def weights_of(record: Path) -> Path:
    """The file of a backbone's weights, beside its record."""
    return record.parent / f"{record.name.removesuffix('.json')}.npz"


def _read_record(file: Path) -> tuple[dict[str, Any], Network, dict[int, int]]:
    with _explained(file):
        record = read_json(file)
        network = Network.from_json(record["network"])
        exponents = {index: record["exponents"][str(index)] for index in network.weighted}
        if not all(
            type(value) is int and abs(value) <= _MOST_EXPONENT for value in exponents.values()
        ):
            raise ValueError("exponents")
    return record, network, exponents


def _read_weights(file: Path, network: Network) -> dict[int, NDArray[np.int8]]:
    shapes = {f"weights_{index}": network.weight_shape_of(index) for index in network.weighted}
    with _explained(file):
        arrays = read_arrays(read_file(file, WEIGHTS_FILE), shapes)
    return {index: arrays[f"weights_{index}"] for index in network.weighted}


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Turn what a missing or damaged file can raise into a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{file}: cannot be read ({error.strerror}); a backbone is a .json record "
            "with its .npz weights beside it, as priot pretrain writes them"
        ) from error
    except _DAMAGE as error:
        raise UserError(
            f"{file}: not a backbone ({_reason(error)}); make one with priot pretrain"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {str(error.args[0]).split(' ')[0]}"
    return str(error) if isinstance(error, NetworkError | ArraysError) else "it is damaged"


def save_backbone(path: Path, backbone: Backbone) -> None:
    """Write the record to ``path`` (.json) and the weights beside it (.npz).

    Raises:
        UserError: when a file cannot be written.
    """
    model = backbone.model
    archive = io.BytesIO()
    arrays: dict[str, Any] = {f"weights_{i}": values for i, values in model.weights.items()}
    np.savez_compressed(archive, **arrays)
    write_bytes(weights_of(path), archive.getvalue())
    write_json(path, backbone.record)


def backbone_record(model: Model, **history: Any) -> dict[str, Any]:
    """The part of a record that ``load_backbone`` needs, with ``history`` beside it."""
    return {
        "network": model.network.to_json(),
        "exponents": {str(index): value for index, value in model.exponents.items()},
        "state_sha256": model.state_hash(),
        **history,
    }
