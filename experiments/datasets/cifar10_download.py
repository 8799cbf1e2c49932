"""Fetching CIFAR-10: the published archive, checked as a whole before its batches are written."""

import io
import tarfile
from pathlib import Path

from priot.experiments.datasets.fetch import Published
from priot.experiments.datasets.mnist import default_directory
from priot.experiments.output import write_bytes

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
ARCHIVE = Published("fab780a1e191a7eda0f345501ccd62d20f7ed891", "sha1", largest=2**28)
"""The published archive, 162 MB, by the digest that public loaders check."""


def download_cifar10(directory: Path | None = None, url: str = CIFAR10_URL) -> Path:
    """Fetch CIFAR-10's binary batches into a folder.

    Args:
        directory: where to put the files, created if need be; None stands for
            ``default_directory("cifar10")``.
        url: another address of the archive.

    Returns:
        The folder, as ``cifar10.cifar10`` takes it.

    Raises:
        UserError: the server cannot be reached, sends something else, or the folder cannot be
            written to.
    """
    directory = directory or default_directory("cifar10")
    content = ARCHIVE.fetch(url, otherwise="copy CIFAR-10 by hand")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)) is not None:
                write_bytes(directory / Path(member.name).name, file.read())
    return directory
