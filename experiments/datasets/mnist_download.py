"""Fetching full MNIST: each file checked against its published contents, none left half-written."""

import hashlib
import http.client
import os
import urllib.request
from pathlib import Path

from tqdm import tqdm

from experiments.datasets.mnist import default_directory
from experiments.errors import UserError

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
"""A public mirror of the four original files."""

MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}
"""The original files, 11.6 MB in all: name to SHA-256."""

_TIMEOUT_SECONDS = 30
_LARGEST_FILE = 16 * 2**20  # bytes; a server that sends more is not sending MNIST


def download_mnist(directory: Path | None = None, base_url: str = MNIST_URL) -> Path:
    """Fetch the four MNIST files into a folder; those already there and correct are kept.

    A file is written under a temporary name and renamed once its SHA-256 is right, so that an
    interrupted download leaves nothing that could be taken for a data set.

    Args:
        directory: where to put the files, created if need be; None stands for
            ``datasets.default_directory()``.
        base_url: the address of a folder that serves the files.

    Returns:
        The folder, as ``datasets.mnist`` takes it.

    Raises:
        UserError: the server cannot be reached, sends other contents, or the folder cannot be
            written to.
    """
    directory = directory or default_directory()
    for name, sha256 in tqdm(MNIST_SHA256.items(), desc="MNIST", unit="file", disable=None):
        path = directory / name
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if path.exists() and _sha256(path.read_bytes()) == sha256:
                continue
            _write(path, _fetch(f"{base_url.rstrip('/')}/{name}", sha256))
        except OSError as error:
            raise UserError(
                f"{path}: cannot be written ({error.strerror}); name a folder that can"
            ) from error
    return directory


def _fetch(url: str, sha256: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content: bytes = response.read(_LARGEST_FILE)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UserError(
            f"{url}: cannot be fetched ({error}); check the network, name another mirror, or copy "
            "the four MNIST files by hand"
        ) from error
    if (found := _sha256(content)) != sha256:
        raise UserError(
            f"{url}: not the original file (SHA-256 {found}, not {sha256}), so it was thrown "
            "away; try again or name another mirror"
        )
    return content


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
