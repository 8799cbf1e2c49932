"""Labelled images: the MNIST extract that ships with the package, and full MNIST from a folder.

Source: Y. LeCun, C. Cortes and C. J. C. Burges, *The MNIST database of handwritten digits*.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from priot.experiments.datasets.idx import parse_idx
from priot.experiments.errors import UserError
from priot.experiments.limits import DATA_FILE
from priot.sim.reading import read_file

Split = Literal["train", "test"]

SIDE = 28
"""Height and width of an image in pixels."""

CLASSES = 10
"""Labels run from 0 to ``CLASSES - 1``."""

SAMPLE_STRIDE = 20
"""The embedded sample is MNIST's training images 0, 20, 40, ... (3,000 of 60,000)."""

TRANSFER_DATASETS = ("mnist-sample", "mnist", "cifar10-sample", "cifar10")
"""Where a transfer task may take its images: some training images, or a full set's test images."""

_FILE_PREFIX: dict[Split, str] = {"train": "train", "test": "t10k"}
_STEMS = ("images-idx3-ubyte", "labels-idx1-ubyte")
SPLIT_NAME: dict[Split, str] = {"train": "training", "test": "test"}
PUBLISHED: dict[Split, str] = {
    "train": "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
    "test": "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b",
}
"""SHA-256 of the published pixels followed by the labels: ``Images.sha256``."""


class _File(NamedTuple):
    name: str
    content: bytes


@dataclass(frozen=True, eq=False)
class Images:
    """A labelled set of N images, grey or in colour.

    Attributes:
        pixels: uint8, shape (N, 28, 28) for MNIST: 0 is background, 255 full ink;
            shape (N, 3, 32, 32) for CIFAR-10: red, green and blue plane.
        labels: uint8, shape (N,): 0..9.
        origin: what the set is, for records ("MNIST sample, 3,000 training images"). It bears the
            name of a data set only where the digest is that of the published one.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    origin: str

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "Images":
        """The first ``count`` images; all where there are no more.

        Raises:
            UserError: for a count below 1.
        """
        if count < 1:
            raise UserError(f"{count:,} images of {self.origin}: take 1 or more")
        if count >= len(self):
            return self
        origin = f"the first {count:,} of {self.origin}"
        return Images(self.pixels[:count], self.labels[:count], origin)

    @property
    def sha256(self) -> str:
        """SHA-256 of the pixels followed by the labels, in hexadecimal; for records."""
        digest = hashlib.sha256(self.pixels.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


def unknown_set(name: str, sha256: str) -> str:
    """What a set is called that is not the published one its files are named after."""
    return f"{name} (own data, SHA-256 {sha256[:16]}...)"


@cache
def mnist_sample() -> Images:
    """The extract of MNIST's training images that ships with the package: 3,000 images.

    It holds every ``SAMPLE_STRIDE``-th training image, in the original order. The arrays are
    read-only.
    """
    images, labels = (_File(path.name, path.read_bytes()) for path in mnist_sample_files())
    pixels, classes = _decode(images, labels)
    return Images(pixels, classes, f"MNIST sample, {len(classes):,} training images")


def mnist_sample_files() -> list[Path]:
    """What ``mnist_sample`` reads: images and labels."""
    folder = Path(str(resources.files("priot.experiments"))) / "data" / "mnist_sample"
    return [folder / f"sample-{stem}.gz" for stem in _STEMS]


def default_directory(dataset: str = "mnist") -> Path:
    """Where a full data set is kept if the user names no folder: in the user's cache, under priot.

    The cache is ``$XDG_CACHE_HOME``, or ``~/.cache`` where that is unset.
    """
    cache_home = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache_home) if cache_home else Path.home() / ".cache") / "priot" / dataset


def mnist(directory: Path | None, split: Split) -> Images:
    """One split of full MNIST, read from its IDX files.

    Args:
        directory: the folder that holds the files, under their published names, with or without
            ``.gz`` (whether they are gzipped is told by their content); None stands for
            ``default_directory()``.
        split: "train" or "test".

    Returns:
        60,000 ("train") or 10,000 ("test") images where the files are the published ones;
        any N that the files hold otherwise; then ``origin`` names file and digest, not MNIST. The
        arrays are read-only.

    Raises:
        UserError: a file is missing, unreadable, damaged, or not a set of 28 x 28 images with
            labels 0..9; or images and labels differ in number.
    """
    directory = directory or default_directory()
    images, labels = (_read(directory, f"{_FILE_PREFIX[split]}-{stem}") for stem in _STEMS)
    read = Images(*_decode(images, labels), "")
    name = f"MNIST {SPLIT_NAME[split]} set"
    if read.sha256 != PUBLISHED[split]:
        name = unknown_set(Path(images.name).name, read.sha256)
    return replace(read, origin=f"{name}, {len(read):,} images")


def mnist_files(directory: Path | None) -> list[Path]:
    """All that ``mnist`` may read."""
    directory = directory or default_directory()
    return [
        path
        for prefix in _FILE_PREFIX.values()
        for stem in _STEMS
        for path in _names(directory, f"{prefix}-{stem}")
    ]


def train_without_sample(images: Images) -> Images:
    """MNIST's training images less the embedded sample, so that nothing is trained on it twice.

    Args:
        images: the whole training set, as ``mnist(directory, "train")`` returns it.

    Raises:
        UserError: the sample is not where it belongs in ``images``, so that these are not MNIST's
            training images in their original order.
    """
    sample = mnist_sample()
    in_sample = np.arange(len(images)) % SAMPLE_STRIDE == 0
    if not (
        len(images) == len(sample) * SAMPLE_STRIDE
        and np.array_equal(images.pixels[in_sample], sample.pixels)
        and np.array_equal(images.labels[in_sample], sample.labels)
    ):
        raise UserError(
            f"{images.origin}: not MNIST's 60,000 training images in their original order, so the "
            "embedded sample cannot be left out; use the original files"
        )
    pixels = images.pixels[~in_sample]
    name = images.origin.rpartition(", ")[0] or images.origin
    return Images(
        pixels,
        images.labels[~in_sample],
        f"{name} less the embedded sample, {len(pixels):,} images",
    )


def _read(directory: Path, stem: str) -> _File:
    candidates = _names(directory, stem)
    for path in candidates:
        try:
            return _File(str(path), read_file(path, DATA_FILE))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read ({error.strerror}); check the path and its permissions"
            ) from error
    raise UserError(
        f"{directory}: found neither {candidates[0].name} nor {candidates[1].name}; "
        "name a folder that holds the MNIST files, or download them into it"
    )


def _names(directory: Path, stem: str) -> tuple[Path, Path]:
    return directory / f"{stem}.gz", directory / stem


def _decode(images: _File, labels: _File) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    pixels = parse_idx(images.content, 3, images.name)
    classes = parse_idx(labels.content, 1, labels.name)
    if pixels.shape[1:] != (SIDE, SIDE):
        raise UserError(
            f"{images.name}: its images are {pixels.shape[1]} x {pixels.shape[2]} pixels, not "
            f"{SIDE} x {SIDE}; use the MNIST files"
        )
    if len(pixels) != len(classes):
        raise UserError(
            f"{images.name} holds {len(pixels):,} images, but {labels.name} {len(classes):,} "
            "labels; use two files of one set"
        )
    if classes.max() >= CLASSES:
        index = int(np.argmax(classes >= CLASSES))
        raise UserError(
            f"{labels.name}: label {classes[index]} at index {index} is not one of 0..9; "
            "use the MNIST files"
        )
    return pixels, classes
