"""Checkpoints of a long training: after any death it goes on from the last, to the same bits."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from priot.experiments.arrays import read_arrays, read_text
from priot.experiments.errors import UserError
from priot.experiments.limits import STATE_CHARACTERS, WEIGHTS_FILE
from priot.experiments.output import write_bytes
from priot.experiments.reading import parse_json
from priot.kernels.model import Model
from priot.sim.reading import read_file


@dataclass(frozen=True)
class Progress:
    """How far a training is."""

    epochs: int = 0
    """Finished."""
    images: int = 0
    """Trained on in the next epoch, in its order."""
    history: tuple[dict[str, Any], ...] = ()
    """One entry for each finished epoch."""


class Checkpoint:
    """The one file of a training, replaced in one step each time.

    Args:
        identity: JSON of all that the training follows from: only the same one is continued.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self._path, self._identity = path, json.loads(json.dumps(identity))

    def save(self, model: Model, progress: Progress) -> None:
        """Replace the file.

        Raises:
            UserError: when it cannot be written.
        """
        state = {"identity": self._identity, "state_sha256": model.state_hash()} | {
            name: getattr(progress, name) for name in ("epochs", "images", "history")
        }
        archive = io.BytesIO()
        weights: dict[str, Any] = {f"weights_{i}": array for i, array in model.weights.items()}
        np.savez(archive, state=np.array(json.dumps(state)), **weights)
        write_bytes(self._path, archive.getvalue())

    def restore(self, model: Model) -> Progress:
        """Bring ``model``, with its first weights, to the last checkpoint; none yet: no progress.

        Raises:
            UserError: when the file is damaged, or of another training.
        """
        try:
            content = read_file(self._path, WEIGHTS_FILE)
        except FileNotFoundError:
            return Progress()
        except OSError as error:
            raise UserError(f"{self._path}: cannot be read ({error.strerror})") from error
        try:
            state = parse_json(read_text(content, "state", STATE_CHARACTERS).encode())
            if state["identity"] != self._identity:
                raise UserError(
                    f"{self._path}: the checkpoint of another training "
                    f"({', '.join(self._differences(state['identity']))} differ); "
                    "name another file, or delete this one"
                )
            shapes = {f"weights_{index}": array.shape for index, array in model.weights.items()}
            arrays = read_arrays(content, shapes)
            progress = Progress(state["epochs"], state["images"], tuple(state["history"]))
            if not all(type(n) is int and n >= 0 for n in (progress.epochs, progress.images)):
                raise ValueError("not a number of epochs or images")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{self._path}: damaged; delete it to start anew") from error
        for index, weights in model.weights.items():
            weights[...] = arrays[f"weights_{index}"]
        if model.state_hash() != state["state_sha256"]:
            raise UserError(f"{self._path}: damaged weights; delete it to start anew")
        return progress

    def _differences(self, other: Mapping[str, Any]) -> list[str]:
        names = sorted(self._identity.keys() | other.keys())
        return [name for name in names if self._identity.get(name) != other.get(name)]
