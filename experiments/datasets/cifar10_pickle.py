"""CIFAR-10's batches for Python: a pickled dictionary of pixels and labels, read without trust."""

import io
import pickle
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.errors import UserError

_PIXELS = 3 * 32 * 32
# All that the published files name; anything else a pickle could call is refused.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def parse_pickle(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Decode a batch to records as the binary form has them.

    Args:
        content: the whole file.
        name: what errors call the file.

    Returns:
        uint8 (N,3073): a label, then the red, green and blue plane.

    Raises:
        UserError: the file is damaged, or not such a batch.
    """
    try:
        batch = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        pixels, labels = batch[b"data"], np.asarray(batch[b"labels"])
    except Exception as error:  # a damaged pickle can raise anything
        raise UserError(
            f"{name}: not a pickled batch of CIFAR-10 ({error}); fetch the original file again"
        ) from error
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.dtype != np.uint8
        or pixels.shape != (len(labels), _PIXELS)
        or not labels.size
        or labels.ndim != 1
        or labels.dtype.kind != "i"
        or not 0 <= labels.min() <= labels.max() <= 255
    ):
        raise UserError(
            f"{name}: its pixels or labels are not those of CIFAR-10; fetch the original file again"
        )
    return np.column_stack((labels.astype(np.uint8), pixels))
