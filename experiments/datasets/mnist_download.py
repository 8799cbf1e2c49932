"""Fetching full MNIST: each file checked against its published contents, none left half-written."""

from pathlib import Path

from priot.experiments.datasets.fetch import Published
from priot.experiments.datasets.mnist import default_directory
from priot.experiments.output import write_bytes
from priot.experiments.progress import ProgressBar

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
"""A public mirror of the four original files."""

MNIST_FILES = {
    name: Published(sha256, "sha256", largest=2**24)
    for name, sha256 in (
        (
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    )
}
"""The original files, 11.6 MB in all."""


def download_mnist(directory: Path | None = None, base_url: str = MNIST_URL) -> Path:
    """Fetch the four MNIST files into a folder; those already there and correct are kept.

    A file is written once its SHA-256 is right, under a temporary name and then renamed, so that
    an interrupted download leaves nothing that could be taken for a data set.

    Args:
        directory: where to put the files, created if need be; None stands for
            ``mnist.default_directory()``.
        base_url: the address of a folder that serves the files.

    Returns:
        The folder, as ``mnist.mnist`` takes it.

    Raises:
        UserError: the server cannot be reached, sends other contents, or the folder cannot be
            written to.
    """
    directory = directory or default_directory()
    with ProgressBar(len(MNIST_FILES), "files", label="MNIST") as progress:
        for name, file in MNIST_FILES.items():
            path = directory / name
            if not (path.is_file() and file.matches(path.read_bytes())):
                url = f"{base_url.rstrip('/')}/{name}"
                advice = "name another mirror, or copy the four files by hand"
                write_bytes(path, file.fetch(url, advice))
            progress.update()
    return directory
