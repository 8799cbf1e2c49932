"""Files that try to take time, memory or control are refused, whatever their format."""

import gzip
import io
import os
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pytest

import priot.sim.reading
from priot.experiments.arrays import ArraysError, read_arrays, read_text
from priot.experiments.datasets.cifar10_pickle import parse_pickle
from priot.experiments.datasets.idx import parse_idx
from priot.experiments.errors import UserError
from priot.experiments.reading import parse_json
from priot.experiments.training.configuration import read_sweep, read_table
from priot.kernels.network import Network, NetworkError
from priot.sim.reading import read_file

MEGABYTE = 1 << 20


@contextmanager
def cheap(seconds: float = 10, megabytes: int = 150) -> Iterator[None]:
    tracemalloc.start()
    start = process_time()
    try:
        yield
        assert process_time() - start < seconds
        assert tracemalloc.get_traced_memory()[1] < megabytes * MEGABYTE
    finally:
        tracemalloc.stop()


# Files ----------------------------------------------------------------------------------------


def test_a_pipe_into_which_nobody_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open it would wait for ever, and so would a read while somebody has it open."""
    monkeypatch.setattr(priot.sim.reading, "PIPE_SECONDS", 0.2)
    os.mkfifo(tmp_path / "pipe")
    start = perf_counter()
    with pytest.raises(OSError, match="nothing came"):
        read_file(tmp_path / "pipe", 10)
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    with pytest.raises(OSError, match=r"nothing came for 0\.2 seconds"):
        read_file(tmp_path / "pipe", 10)
    os.write(writer, b"text")
    with pytest.raises(OSError, match="nothing came"):
        read_file(tmp_path / "pipe", 10)
    os.close(writer)
    assert perf_counter() - start < 5


def test_what_has_no_end_is_read_to_its_limit() -> None:
    with cheap(), pytest.raises(OSError, match="larger than 1 MB"):
        read_file("/dev/zero", MEGABYTE)


def test_a_file_of_terabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with cheap(), pytest.raises(OSError, match="larger than 1 MB"):
        read_file(tmp_path / "sparse", MEGABYTE)


# JSON and TOML --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("Infinity", "-Infinity", "NaN", "1e999", "[" * 100_000, '{"a":' * 100_000),
        *("9" * 5000, "9" * 4000, str(1 << 64), str(-(1 << 63) - 1)),
    ],
)
def test_json_beyond_numbers_and_nesting(text: str) -> None:
    with cheap(), pytest.raises(ValueError, match=r"finite|deep|digits|nested|64 bits"):
        parse_json(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000 + "b = 1",
        "[" + "a." * 50_000 + "b]",
        "x = " + "[" * 50_000,
        "x = " + "{a = " * 50_000,
        "'a'. \"b\"." * 20_000 + "b = 1",
        "seed = " + "9" * 4000,
    ],
)
def test_toml_beyond_depth(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    with cheap(), pytest.raises(UserError, match=r"a\.toml"):
        read_table(tmp_path / "a.toml")


def test_a_sweep_of_millions_of_runs(tmp_path: Path) -> None:
    numbers = list(range(65))
    lines = [f"{name} = {numbers}" for name in ("seed", "angle", "images", "epochs")]
    (tmp_path / "a.toml").write_text("\n".join(['method = "priot"', *lines]))
    with cheap(), pytest.raises(UserError, match="stands for 17,850,625 runs, more than 100,000"):
        read_sweep(tmp_path / "a.toml", {})
    assert len(read_sweep(_short(tmp_path), {}, most=4)) == 4
    with pytest.raises(UserError, match=r"4 runs, more than 3: make it smaller, or .*--most-runs"):
        read_sweep(_short(tmp_path), {}, most=3)


def _short(folder: Path) -> Path:
    (folder / "b.toml").write_text('method = "priot"\nseed = [1, 2]\nangle = [30, 60]')
    return folder / "b.toml"


@pytest.mark.parametrize(
    ("shape", "layers", "told"),
    [
        ([1, 28, 28], [{"kind": "dense", "features": 133_144}], "105,716,336 weights"),
        ([1, 5000, 5000], [{"kind": "relu"}], "25,000,000 values"),
        ([1, 1, 1], [{"kind": "relu"}] * 2000, "2,003 layers"),
        ([1, 1, 10**30], [], "no more than 16,777,216"),
        ([1.0, 1, 1], [], "whole numbers"),
        ([True, 1, 1], [], "whole numbers"),
    ],
)
def test_a_network_of_another_size_than_a_picos(
    shape: list[float], layers: list[dict[str, object]], told: str
) -> None:
    end = [*({"kind": "relu"}, {"kind": "relu"}), {"kind": "dense", "features": 10}]
    with cheap(), pytest.raises(NetworkError, match=told):
        Network.from_json({"name": "x", "input_shape": shape, "layers": [*layers, *end]})


# Arrays ---------------------------------------------------------------------------------------


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in members.items():
            writer.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


HEADER = "{{'descr': {}, 'fortran_order': False, 'shape': {}, }}"


def test_what_numpy_saves_is_read() -> None:
    file, values = io.BytesIO(), np.arange(-6, 6, dtype=np.int8).reshape(3, 4)
    np.savez(file, a=values, state=np.array("text"))
    np.testing.assert_array_equal(read_arrays(file.getvalue(), {"a": (3, 4)})["a"], values)
    assert read_text(file.getvalue(), "state", 10) == "text"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (npy(HEADER.format("'|i1'", (2**40,))), "another size"),
        (npy(HEADER.format("'|i1'", (3,)), b"abcd"), "another size than its header"),
        (npy(HEADER.format("'|i1'", (2, 2)), b"abcd"), r"int8 \(4,\)"),
        (npy(HEADER.format("'<i2'", (2,)), b"abcd"), "int8|another size"),
        (npy(HEADER.format("'|O'", (1,)), pickle.dumps([1])), "objects|another size|larger"),
        (npy(HEADER.format("[('a', '|O')]", (1,))), "objects"),
        (npy("(" * 5000 + HEADER.format("'|i1'", (4,)), b"abcd"), "objects"),
        (npy(HEADER.format("'|i1'", "__import__('os')"), b"abcd"), "objects"),
        (npy(HEADER.format("'|i1'", (4,)), b"abc"), "another size"),
        (npy(HEADER.format("'|i1'", (4,)), bytes(200 * MEGABYTE)), "larger"),
        (pickle.dumps([1]), "objects"),
        (b"", "objects"),
    ],
    ids=range(12),
)
def test_arrays_of_another_kind_are_refused(content: bytes, told: str) -> None:
    packed = archive(a=content)
    with cheap(), pytest.raises(ArraysError, match=told):
        read_arrays(packed, {"a": (4,)})


def test_an_archive_of_many_entries_is_refused() -> None:
    with cheap(), pytest.raises(ArraysError, match="more than 10,000 entries"):
        read_arrays(b"PK\1\2" * 10_001, {})


# Data sets ------------------------------------------------------------------------------------


def test_a_gzip_bomb_is_unpacked_no_further_than_its_header() -> None:
    header = struct.pack(">4I", 0x0803, 10, 28, 28)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(header)]
    parts += [packer.compress(bytes(MEGABYTE)) for _ in range(300)]
    bomb = b"".join([*parts, packer.flush()])
    with cheap(), pytest.raises(UserError, match="7,841 or more follow"):
        parse_idx(bomb, 3, "bomb.gz")
    promised = gzip.compress(struct.pack(">4I", 0x0803, 1 << 20, 28, 28))
    with pytest.raises(UserError, match=r"more than the .* that are read"):
        parse_idx(promised, 3, "bomb.gz")


def hostile_pickles() -> Iterator[bytes]:
    yield b"\x80\2" + b"(" * 100_000 + b"l" * 100_000 + b"."
    yield b"\x80\2" + b"]" * 300_000 + b"."
    yield b"\x80\2}N" + b"\x85" * 150_000 + b"Ns."  # a tuple in a tuple, as a key
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\0"
    yield b"\x80\2c_codecs\nencode\nq\1" + text + b"h\1h\0X\6\0\0\0latin1\x86R" * 1000 + b"."
    yield b"\x80\2]q\0" + b"h\0a" * 90_000 + b"."
    yield b"\x80\2cos\nsystem\nX\4\0\0\0true\x85R."
    yield b"\x80\4\x8c\5posix\x8c\6system\x93\x8c\4true\x85R."
    yield b"N" * 150_000 + b"(l" * 50_000 + b"."
    yield pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [1.5]}, protocol=2)


@pytest.mark.parametrize("content", list(hostile_pickles()), ids=range(9))
def test_a_pickle_of_anything_else_is_refused(content: bytes) -> None:
    with cheap(seconds=30), pytest.raises(UserError, match="not a pickled batch of CIFAR-10"):
        parse_pickle(content, "batch")


def python_2(pixels: np.ndarray, labels: list[int]) -> bytes:
    """As the published files are: protocol 2 of Python 2, whose strings are bytes."""

    def string(text: bytes) -> bytes:
        return b"T" + struct.pack("<I", len(text)) + text

    data = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + string(b"b")
    data += b"\x87R(K\1K" + bytes((len(pixels),)) + b"M\0\x0c\x86cnumpy\ndtype\n"
    data += string(b"u1") + b"K\0K\1\x87R(K\3" + string(b"|") + b"NNNJ\xff\xff\xff\xff"
    data += b"J\xff\xff\xff\xffK\0tb\x89" + string(pixels.tobytes()) + b"tb"
    listed = b"](" + b"".join(b"K" + bytes((label,)) for label in labels) + b"e"
    return b"\x80\2}(" + string(b"data") + data + string(b"labels") + listed + b"u."


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, python_2])
def test_batches_of_every_protocol_are_read(protocol: int | Callable[..., bytes]) -> None:
    pixels = np.arange(2 * 3072, dtype=np.int64).astype(np.uint8).reshape(2, 3072)
    if callable(protocol):
        content = protocol(pixels, [3, 7])
        batch = pickle.loads(content, encoding="bytes")
        np.testing.assert_array_equal(batch[b"data"], pixels)
    else:
        content = pickle.dumps({b"data": pixels, b"labels": [3, 7]}, protocol)
    records = parse_pickle(content, "batch")
    np.testing.assert_array_equal(records[:, 0], [3, 7])
    np.testing.assert_array_equal(records[:, 1:], pixels)
