"""Image sets from files: IDX, MNIST whole and as a sample, the download."""

import gzip
import hashlib
import os
import struct
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from priot.experiments.datasets.idx import parse_idx
from priot.experiments.datasets.mnist import (
    PUBLISHED,
    SAMPLE_STRIDE,
    Images,
    default_directory,
    mnist,
    mnist_sample,
    train_without_sample,
)
from priot.experiments.datasets.mnist_download import MNIST_FILES, download_mnist
from priot.experiments.errors import UserError


def idx(array: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_set(folder: Path, pixels: np.ndarray, labels: np.ndarray, prefix: str = "t10k") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx(pixels))
    (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))


PIXELS = np.arange(3 * 28 * 28).reshape(3, 28, 28) % 251
LABELS = np.array([0, 9, 4])
CUBE = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


# --- IDX


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_idx_is_read_plain_or_gzipped(wrap: type[bytes]) -> None:
    array = parse_idx(wrap(idx(CUBE)), 3, "cube")
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, CUBE)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "starts with nothing"),
        (b"<html>", "starts with 3c68746d"),
        (idx(CUBE).replace(b"\x08", b"\x0d", 1), "not an IDX file of unsigned bytes"),
        (idx(CUBE[0]), "in 3 dimension"),
        (idx(CUBE)[:14], "ends within its header"),
        (idx(CUBE)[:-1], "promises 24 bytes .* 23 follow"),
        (idx(CUBE) + b"\0", "promises 24 bytes .* 25 or more follow"),
        (idx(CUBE[:0]), "holds no data"),
        (gzip.compress(idx(CUBE), mtime=0)[:-9], "damaged gzip"),
        (gzip.compress(idx(CUBE), mtime=0) + b"x", "damaged gzip"),
    ],
)
def test_idx_damage_is_named(content: bytes, complaint: str) -> None:
    with pytest.raises(UserError, match=rf"^folder/cube: .*{complaint}.*; fetch"):
        parse_idx(content, 3, "folder/cube")


def parse_or_complain(content: bytes, dimensions: int) -> np.ndarray | None:
    """The array, or None where a one-line UserError says that there is none."""
    try:
        return parse_idx(content, dimensions, "damaged")
    except UserError as error:
        lines = str(error).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("damaged: ")
    return None


@given(st.binary(max_size=64), st.integers(1, 3))
@example(bytes((0, 0, 8, 3)) + b"\xff" * 12, 3)
@example(bytes((0, 0, 8, 3)) + b"\0" * 4 + b"\xff" * 8, 3)
def test_any_bytes_are_an_array_or_a_user_error(content: bytes, dimensions: int) -> None:
    array = parse_or_complain(content, dimensions)
    assert array is None or (array.ndim == dimensions and idx(array) == content)


@given(st.booleans(), st.data())
def test_damaged_files_are_an_array_or_a_user_error(zipped: bool, data: st.DataObject) -> None:
    whole = gzip.compress(idx(CUBE), mtime=0) if zipped else idx(CUBE)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    content = whole[:start] + data.draw(st.binary(max_size=8)) + whole[end:]
    array = parse_or_complain(content, 3)
    if array is not None and content.startswith(b"\x1f\x8b"):
        # The checksum holds, so it was not the data that was damaged.
        np.testing.assert_array_equal(array, CUBE)
    elif array is not None:
        assert idx(array) == content


# --- the embedded sample


def test_sample_is_the_one_its_readme_describes() -> None:
    sample = mnist_sample()
    assert sample.pixels.shape == (3000, 28, 28)
    assert sample.pixels.dtype == sample.labels.dtype == np.uint8
    assert len(sample) == len(sample.labels) == 3000
    counts = np.bincount(sample.labels).tolist()
    assert counts == [291, 320, 304, 333, 285, 298, 294, 322, 275, 278]
    assert sample.origin == "MNIST sample, 3,000 training images"
    assert sample.sha256 == "7127675961f3273a999941728a9ef252e576794615bb277801be1464e2703e6a"


def test_sha256_tells_pixels_and_labels_apart() -> None:
    sample = mnist_sample()
    digests = {
        sample.sha256,
        Images(sample.pixels[::-1], sample.labels, sample.origin).sha256,
        Images(sample.pixels, sample.labels[::-1], sample.origin).sha256,
    }
    assert len(digests) == 3


# --- full MNIST from a folder


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("zipped", [False, True])
def test_folder_is_read_whatever_the_names_say(tmp_path: Path, suffix: str, zipped: bool) -> None:
    for kind, array in (("images-idx3", PIXELS), ("labels-idx1", LABELS)):
        content = gzip.compress(idx(array)) if zipped else idx(array)
        (tmp_path / f"t10k-{kind}-ubyte{suffix}").write_bytes(content)
    images = mnist(tmp_path, "test")
    np.testing.assert_array_equal(images.pixels, PIXELS)
    np.testing.assert_array_equal(images.labels, LABELS)
    own = f"t10k-images-idx3-ubyte{suffix} (own data, SHA-256 {images.sha256[:16]}...), 3 images"
    assert images.origin == own


def test_only_the_published_pixels_and_labels_are_called_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_set(tmp_path, PIXELS, LABELS)
    monkeypatch.setitem(PUBLISHED, "test", mnist(tmp_path, "test").sha256)
    assert mnist(tmp_path, "test").origin == "MNIST test set, 3 images"
    write_set(tmp_path, PIXELS, LABELS[::-1])
    assert "MNIST" not in mnist(tmp_path, "test").origin


def test_no_folder_stands_for_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_directory() == tmp_path / "priot" / "mnist"
    default_directory().mkdir(parents=True)
    write_set(default_directory(), PIXELS, LABELS, "train")
    assert len(mnist(None, "train")) == 3
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_directory() == tmp_path / ".cache" / "priot" / "mnist"


def test_missing_files_are_named(tmp_path: Path) -> None:
    names = "train-images-idx3-ubyte.gz nor train-images-idx3-ubyte;"
    with pytest.raises(UserError, match=f"found neither {names}"):
        mnist(tmp_path, "train")


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "t10k-images-idx3-ubyte.gz").mkdir()
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte\.gz: cannot be read"):
        mnist(tmp_path, "test")


@pytest.mark.parametrize(
    ("pixels", "labels", "complaint"),
    [
        (PIXELS[:, :27], LABELS, "27 x 28 pixels, not 28 x 28"),
        (PIXELS, LABELS[:2], "holds 3 images, but .* 2 labels"),
        (PIXELS, np.array([0, 10, 200]), "label 10 at index 1 is not one of 0..9"),
    ],
)
def test_sets_that_are_not_mnist_are_refused(
    tmp_path: Path, pixels: np.ndarray, labels: np.ndarray, complaint: str
) -> None:
    write_set(tmp_path, pixels, labels)
    with pytest.raises(UserError, match=complaint):
        mnist(tmp_path, "test")


# --- the training set without the sample


def training_set() -> Images:
    """A stand-in for the 60,000: blank images with the sample where it belongs."""
    sample = mnist_sample()
    pixels = np.zeros((len(sample) * SAMPLE_STRIDE, 28, 28), np.uint8)
    labels = (np.arange(len(pixels)) % 10).astype(np.uint8)
    pixels[::SAMPLE_STRIDE], labels[::SAMPLE_STRIDE] = sample.pixels, sample.labels
    return Images(pixels, labels, "a training set, 60,000 images")


def test_the_rest_holds_everything_but_the_sample() -> None:
    rest = train_without_sample(training_set())
    assert rest.origin == "a training set less the embedded sample, 57,000 images"
    assert len(rest) == 57_000
    assert not rest.pixels.any()
    expected = [index % 10 for index in range(60_000) if index % SAMPLE_STRIDE]
    assert rest.labels.tolist() == expected


def test_a_set_without_the_sample_in_place_is_refused() -> None:
    whole = training_set()
    for wrong in (
        Images(whole.pixels[:-1], whole.labels[:-1], "shortened"),
        Images(whole.pixels[::-1], whole.labels[::-1], "reversed"),
        Images(whole.pixels, whole.labels[::-1], "mislabelled"),
    ):
        with pytest.raises(UserError, match=f"^{wrong.origin}: not MNIST's 60,000"):
            train_without_sample(wrong)


# --- the download


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Mirror(ThreadingHTTPServer):
    """A local server of stand-ins for the four files, which counts what it serves."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
        self.folder = folder
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def verify_request(self, *_: object) -> bool:
        self.requests += 1
        return True


@pytest.fixture
def mirror(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path_factory.mktemp("mirror")
    for name, file in MNIST_FILES.items():
        content = f"contents of {name}".encode()
        (folder / name).write_bytes(content)
        stand_in = replace(file, digest=hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(MNIST_FILES, name, stand_in)
    with Mirror(folder) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_download_fetches_the_four_files(mirror: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert download_mnist(folder, mirror.url) == folder
    assert contents(folder) == contents(mirror.folder)


def test_download_keeps_what_is_right_and_replaces_what_is_not(
    mirror: Mirror, tmp_path: Path
) -> None:
    download_mnist(tmp_path, mirror.url)
    assert mirror.requests == 4
    download_mnist(tmp_path, mirror.url)
    assert mirror.requests == 4
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"cut sh")
    download_mnist(tmp_path, mirror.url)
    assert mirror.requests == 5
    assert contents(tmp_path) == contents(mirror.folder)


def test_download_throws_other_contents_away(mirror: Mirror, tmp_path: Path) -> None:
    (mirror.folder / "train-images-idx3-ubyte.gz").write_bytes(b"a log-in page")
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz: not the original file"):
        download_mnist(tmp_path, mirror.url)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "file:///no/such/folder", "no address"])
def test_download_without_a_server_says_what_to_do(tmp_path: Path, url: str) -> None:
    with pytest.raises(UserError, match=r"cannot be fetched .* by hand") as caught:
        download_mnist(tmp_path, url)
    assert "\n" not in str(caught.value)
    assert contents(tmp_path) == {}


def test_download_reports_a_missing_file(mirror: Mirror, tmp_path: Path) -> None:
    (mirror.folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match="404"):
        download_mnist(tmp_path, mirror.url)
    assert list(contents(tmp_path)) == ["train-images-idx3-ubyte.gz"]


def test_download_into_a_file_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be written"):
        download_mnist(tmp_path / "file", mirror.url)


def test_download_interrupted_while_writing_leaves_nothing(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_: Path, __: Path) -> Path:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(UserError, match="No space left"):
        download_mnist(tmp_path, mirror.url)
    assert contents(tmp_path) == {}
