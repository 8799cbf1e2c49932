"""priot.experiments.datasets.cifar10: batches read from a folder, damaged ones refused."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from priot.experiments.datasets import cifar10 as module
from priot.experiments.datasets import cifar10_download
from priot.experiments.datasets.cifar10 import cifar10
from priot.experiments.datasets.rotation import as_input, rotate
from priot.experiments.errors import UserError

IMAGES = 4  # of a batch


def records(seed: int) -> npt.NDArray[np.uint8]:
    """A batch in binary form: labels 0..9 and random pixels."""
    generator = np.random.default_rng(seed)
    batch = generator.integers(0, 256, (IMAGES, 3073)).astype(np.uint8)
    batch[:, 0] %= 10
    return batch


def pickled(batch: npt.NDArray[np.uint8]) -> bytes:
    content = {b"data": batch[:, 1:].copy(), b"labels": batch[:, 0].tolist()}
    return pickle.dumps(content, protocol=2)


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    for number in range(1, 6):
        records(number).tofile(tmp_path / f"data_batch_{number}.bin")
    records(6).tofile(tmp_path / "test_batch.bin")
    return tmp_path


def test_binary_batches_follow_each_other(binary: Path) -> None:
    images = cifar10(binary, "train")
    assert len(images) == 5 * IMAGES
    for number in range(1, 6):
        batch = slice((number - 1) * IMAGES, number * IMAGES)
        np.testing.assert_array_equal(images.labels[batch], records(number)[:, 0])
        pixels = images.pixels[batch].reshape(IMAGES, -1)
        np.testing.assert_array_equal(pixels, records(number)[:, 1:])
    assert images.pixels.shape == (5 * IMAGES, 3, 32, 32)


def test_the_archives_own_folder_is_found(binary: Path, tmp_path_factory: pytest.TempPathFactory):
    outer = tmp_path_factory.mktemp("outer")
    (outer / "cifar-10-batches-bin").symlink_to(binary)
    assert cifar10(outer, "test").sha256 == cifar10(binary, "test").sha256


def test_pickled_batches_hold_the_same(binary: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("outer") / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "test_batch").write_bytes(pickled(records(6)))
    assert cifar10(folder.parent, "test").sha256 == cifar10(binary, "test").sha256


@pytest.mark.parametrize(
    ("known", "origin"),
    [
        (None, "test_batch.bin (own data, SHA-256 {digest}...), 4 images"),
        ("PUBLISHED", "CIFAR-10 test set, 4 images"),
        ("RECOMPRESSED", "JPEG-recompressed CIFAR-10 test set, 4 images"),
    ],
)
def test_the_origin_follows_from_the_files(
    binary: Path, monkeypatch: pytest.MonkeyPatch, known: str | None, origin: str
) -> None:
    if known is not None:
        digest = hashlib.sha1(records(6).tobytes()).hexdigest()
        monkeypatch.setattr(module, known, {digest})
    images = cifar10(binary, "test")
    assert images.origin == origin.format(digest=images.sha256[:16])


def test_one_altered_batch_alters_the_set(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {hashlib.sha1(records(n).tobytes()).hexdigest() for n in range(1, 5)}
    monkeypatch.setattr(module, "PUBLISHED", digests)
    assert cifar10(binary, "train").origin.startswith("data_batch_1.bin (own data")


def test_a_missing_folder_or_batch_is_named(binary: Path) -> None:
    with pytest.raises(UserError, match=r"found neither data_batch_1\.bin nor data_batch_1;"):
        cifar10(binary / "nowhere", "train")
    (binary / "data_batch_3.bin").unlink()
    with pytest.raises(UserError, match=r"data_batch_3\.bin: cannot be read .* all batches"):
        cifar10(binary, "train")


@pytest.mark.parametrize("size", [0, 1, 3072, 3073 * 2 - 1])
def test_a_binary_batch_of_another_size_is_refused(binary: Path, size: int) -> None:
    os.truncate(binary / "test_batch.bin", size)
    with pytest.raises(UserError, match=r"test_batch\.bin: .* no whole number of images"):
        cifar10(binary, "test")


def test_a_label_beyond_nine_is_refused(binary: Path) -> None:
    batch = records(6)
    batch[2, 0] = 10
    batch.tofile(binary / "test_batch.bin")
    with pytest.raises(UserError, match=r"label 10 at index 2 is not one of 0\.\.9"):
        cifar10(binary, "test")


class Intruder:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("intruded",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        pickle.dumps([1, 2]),
        pickle.dumps(Intruder()),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}, protocol=2),
        pickle.dumps({b"data": np.zeros((1, 3072), np.int8), b"labels": [1]}, protocol=2),
        pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [-1]}, protocol=2),
        pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": ["x"]}, protocol=2),
        pickle.dumps({b"data": "text", b"labels": [1]}, protocol=2),
        pickled(records(6))[:-20],
    ],
)
def test_a_damaged_or_hostile_pickle_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(UserError, match=r"test_batch: .* fetch the original file again"):
        cifar10(tmp_path, "test")
    assert not (tmp_path / "intruded").exists()


def test_colours_are_rotated_plane_by_plane(binary: Path) -> None:
    pixels = cifar10(binary, "test").pixels
    rotated = rotate(pixels, 30)
    for plane in range(3):
        np.testing.assert_array_equal(rotated[:, plane], rotate(pixels[:, plane].copy(), 30))
    assert as_input(rotated).shape == (IMAGES, 3, 32, 32)


def archived(batch: bytes) -> bytes:
    """The published archive's form, with one batch."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        member = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        member.size = len(batch)
        tar.addfile(member, io.BytesIO(batch))
    return archive.getvalue()


def test_a_downloaded_archive_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = archived(records(6).tobytes())
    (tmp_path / "archive").write_bytes(content)
    stand_in = replace(cifar10_download.ARCHIVE, digest=hashlib.sha1(content).hexdigest())
    monkeypatch.setattr(cifar10_download, "ARCHIVE", stand_in)
    url = (tmp_path / "archive").as_uri()
    folder = cifar10_download.download_cifar10(tmp_path / "made", url)
    np.testing.assert_array_equal(cifar10(folder, "test").labels, records(6)[:, 0])


def test_another_archive_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(archived(records(6).tobytes()))
    with pytest.raises(UserError, match="not the original file"):
        cifar10_download.download_cifar10(tmp_path / "made", (tmp_path / "archive").as_uri())
    assert not (tmp_path / "made").exists()


def test_a_server_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: cannot be fetched .* copy CIFAR-10 by hand"):
        cifar10_download.download_cifar10(tmp_path, (tmp_path / "nowhere").as_uri())
