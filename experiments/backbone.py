"""Backbones: pre-trained networks, as a JSON record with its weights in an .npz file beside it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.errors import UserError
from experiments.output import write_bytes, write_json
from kernels.model import Model
from kernels.network import Network, NetworkError

EMBEDDED = "tiny_cnn.json"


@dataclass(frozen=True)
class Backbone:
    """A pre-trained model, and the record of how it came about."""

    model: Model
    record: dict[str, Any]


def load_backbone(path: Path | None) -> Backbone:
    """The backbone whose record is the JSON file ``path``; None stands for the embedded tiny CNN.

    Raises:
        UserError: when a file is missing or damaged, or the weights are not those of the record.
    """
    record_file: Path | Traversable = (
        resources.files("experiments") / "data" / EMBEDDED if path is None else path
    )
    weights_name = Path(record_file.name).with_suffix(".npz").name
    weights_file: Path | Traversable = (
        resources.files("experiments") / "data" / weights_name
        if path is None
        else path.with_name(weights_name)
    )
    try:
        record = json.loads(record_file.read_text())
        network = Network.from_json(record["network"])
        exponents = {int(index): int(value) for index, value in record["exponents"].items()}
        with np.load(io.BytesIO(weights_file.read_bytes())) as archive:
            weights = {index: archive[f"weights_{index}"] for index in network.weighted}
    except OSError as error:
        raise UserError(
            f"{error.filename}: cannot be read ({error.strerror}); a backbone is a .json record "
            "with its .npz weights beside it, as priot pretrain writes them"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, NetworkError) as error:
        raise UserError(
            f"{record_file}: not a backbone ({error}); make one with priot pretrain"
        ) from error
    model = Model(network, weights, exponents)
    if model.state_hash() != record.get("state_sha256"):
        raise UserError(
            f"{weights_file}: these are not the weights that {record_file.name} records; "
            "make both anew with priot pretrain"
        )
    return Backbone(model, record)


def save_backbone(path: Path, backbone: Backbone) -> None:
    """Write the record to ``path`` (.json) and the weights beside it (.npz).

    Raises:
        UserError: when a file cannot be written.
    """
    model = backbone.model
    archive = io.BytesIO()
    arrays: dict[str, Any] = {f"weights_{i}": values for i, values in model.weights.items()}
    np.savez_compressed(archive, **arrays)
    write_bytes(path.with_suffix(".npz"), archive.getvalue())
    write_json(path, backbone.record)


def backbone_record(model: Model, **history: Any) -> dict[str, Any]:
    """The part of a record that ``load_backbone`` needs, with ``history`` beside it."""
    return {
        "network": model.network.to_json(),
        "exponents": {str(index): value for index, value in model.exponents.items()},
        "state_sha256": model.state_hash(),
        **history,
    }
