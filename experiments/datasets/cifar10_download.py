"""Fetching CIFAR-10: the published archive, checked as a whole before its batches are written."""

import hashlib
import http.client
import io
import tarfile
import urllib.request
from pathlib import Path

from experiments.datasets.mnist import default_directory
from experiments.errors import UserError
from experiments.output import write_bytes

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
ARCHIVE_SHA1 = "fab780a1e191a7eda0f345501ccd62d20f7ed891"
"""Of the published archive, as public loaders check it."""

_TIMEOUT_SECONDS = 60
_LARGEST = 2**28  # bytes; a server that sends more is not sending CIFAR-10


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
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content: bytes = response.read(_LARGEST)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UserError(
            f"{url}: cannot be fetched ({error}); check the network, or copy CIFAR-10 by hand"
        ) from error
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if sha1 != ARCHIVE_SHA1:
        raise UserError(
            f"{url}: not the original archive (SHA-1 {sha1}, not {ARCHIVE_SHA1}), so it was "
            "thrown away; try again"
        )
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)) is not None:
                write_bytes(directory / Path(member.name).name, file.read())
    return directory
