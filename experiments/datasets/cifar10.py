"""CIFAR-10 from a folder: 50,000 training and 10,000 test images of 32 x 32 in three colours.

Source: A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images* (2009). Both
published forms are read: the binary batches, and the pickled ones for Python.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from priot.experiments.datasets.cifar10_pickle import parse_pickle
from priot.experiments.datasets.mnist import (
    CLASSES,
    SAMPLE_STRIDE,
    SPLIT_NAME,
    Images,
    Split,
    default_directory,
    unknown_set,
)
from priot.experiments.errors import UserError
from priot.experiments.limits import DATA_FILE
from priot.sim.reading import read_file

SHAPE = (3, 32, 32)
"""Of an image: the red, the green and the blue plane."""

_RECORD = 1 + 3 * 32 * 32  # a label and the pixels
_STEMS: dict[Split, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
_FOLDERS = (".", "cifar-10-batches-bin", "cifar-10-batches-py")
_SUFFIXES = (".bin", "")  # binary, pickled

PUBLISHED = frozenset(
    {
        "aadd24acce27caa71bf4b10992e9e7b2d74c2540",  # data_batch_1.bin
        "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
        "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
        "aab85764eb3584312d3c7f65fd2fd016e36a258e",
        "26e2849e66a845b7f1e4614ae70f4889ae604628",
        "67eb016db431130d61cd03c7ad570b013799c88c",  # test_batch.bin
    }
)
"""SHA-1 of the published batches in binary form, as public loaders check them."""

RECOMPRESSED = frozenset(
    {
        "87d9f4d1aa046f162b5c83490fa9f3db74e16ea7",  # data_batch_1.bin
        "ebebad11a34c7e94b49b0e759d6bacbb431ae316",
        "f137dfb493cae8f1be014e7a82c5ac21a68db641",
        "14fbdf5104142dea134bc0b346a6a39b8e12b694",
        "f03bac0a7ba1e3fad27ecb453a88e479de5a78d3",
        "4a8b485c45a2db327104f044d89d6b02106ee711",  # test_batch.bin
    }
)
"""The same of a copy whose images went through JPEG once (about 30.5 dB)."""


def cifar10(directory: Path | None, split: Split) -> Images:
    """One split of CIFAR-10.

    Its ``origin`` says "CIFAR-10" only of the published pixels. A known copy is
    "JPEG-recompressed CIFAR-10"; any other set is named by its first file and its digest.

    Args:
        directory: the folder with the batches, or the one in which the published archive was
            unpacked (cifar-10-batches-bin or cifar-10-batches-py); None stands for
            ``default_directory("cifar10")``.
        split: "train" or "test".

    Returns:
        50,000 ("train") or 10,000 ("test") images from the published files, pixels (N,3,32,32).

    Raises:
        UserError: a file is missing, unreadable, damaged, or not a batch of CIFAR-10.
    """
    paths, batches = zip(*_batches(directory or default_directory("cifar10"), split), strict=True)
    records = np.concatenate(batches)
    pixels = np.ascontiguousarray(records[:, 1:]).reshape(-1, *SHAPE)
    images = Images(pixels, records[:, 0].copy(), "")
    names = {_name_of(batch) for batch in batches}
    known = names.pop() if len(names) == 1 else None
    name = (
        f"{known} {SPLIT_NAME[split]} set" if known else unknown_set(paths[0].name, images.sha256)
    )
    return replace(images, origin=f"{name}, {len(images):,} images")


def cifar10_files(directory: Path | None) -> list[Path]:
    """All that ``cifar10`` may read."""
    directory = directory or default_directory("cifar10")
    return [
        directory / folder / f"{stem}{suffix}"
        for folder in _FOLDERS
        for stems in _STEMS.values()
        for stem in stems
        for suffix in _SUFFIXES
    ]


def cifar10_sample(directory: Path | None) -> Images:
    """Every SAMPLE_STRIDE-th training image, 2,500 of 50,000: to search settings on.

    Raises:
        UserError: as ``cifar10`` does.
    """
    images = cifar10(directory, "train")
    labels = images.labels[::SAMPLE_STRIDE].copy()
    origin = f"every {SAMPLE_STRIDE}th of {images.origin}"
    return Images(images.pixels[::SAMPLE_STRIDE].copy(), labels, origin)


def _name_of(records: npt.NDArray[np.uint8]) -> str | None:
    sha1 = hashlib.sha1(records.tobytes(), usedforsecurity=False).hexdigest()
    if sha1 in PUBLISHED:
        return "CIFAR-10"
    return "JPEG-recompressed CIFAR-10" if sha1 in RECOMPRESSED else None


def _batches(directory: Path, split: Split) -> Iterator[tuple[Path, npt.NDArray[np.uint8]]]:
    """The files with their records, uint8 (N,3073): a label, then the pixels."""
    first = _STEMS[split][0]
    for folder in (directory / name for name in _FOLDERS):
        for suffix in _SUFFIXES:
            if (folder / f"{first}{suffix}").is_file():
                for path in (folder / f"{stem}{suffix}" for stem in _STEMS[split]):
                    yield path, _batch(path, pickled=not suffix)
                return
    raise UserError(
        f"{directory}: found neither {first}.bin nor {first}; "
        "name a folder that holds CIFAR-10's batches, binary or pickled for Python"
    )


def _batch(path: Path, pickled: bool) -> npt.NDArray[np.uint8]:
    try:
        content = read_file(path, DATA_FILE)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); all batches of a set are needed"
        ) from error
    if pickled:
        records = parse_pickle(content, str(path))
    else:
        if not content or len(content) % _RECORD:
            raise UserError(
                f"{path}: {len(content):,} bytes are no whole number of images of {_RECORD:,}; "
                "fetch the original file again"
            )
        records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    if records[:, 0].max() >= CLASSES:
        index = int(np.argmax(records[:, 0] >= CLASSES))
        raise UserError(
            f"{path}: label {records[index, 0]} at index {index} is not one of 0..9; "
            "use the CIFAR-10 files"
        )
    return records
