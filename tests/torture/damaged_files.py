"""Damaged files of every format that a command reads: seeded, so that what fails once fails again.

`cases` gives one damaged file after the other and the command that reads it, for processes with
limits of time and memory whose working folder `prepare` has filled. Each has to end soon, by itself
and without a traceback; `priot run` passes on the program's own exit code, whatever that is.
"""

from __future__ import annotations

import copy
import gzip
import io
import json
import pickle
import random
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from damaged_programs import damaged as damaged_program

_ROOT = Path(__file__).parents[2]
_BUILT = _ROOT / "firmware_elf" / "built"
_IMAGES = 20  # of a data set in which another file is damaged
_TRAIN = [
    *("train", "--method", "niti-static", "--epochs", "0", "--seed", "0"),
    *("--images", "1", "--test-images", "1"),
]
_EXTREMES: tuple[Any, ...] = (
    *(0, -1, 1, 255, 2**31 - 1, 2**31, 2**63, 10**30, 10**4000, 1e308),
    *(float("inf"), float("nan"), "", "x" * 300, None, True, [], {}, [[]], {"a": 1}),
)

Rng = random.Random
Case = tuple[str, bytes, list[str]]


def prepare(folder: Path) -> None:
    """Fill the working folder of the commands with what is whole."""
    for name, content in _companions().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def cases(seed: int) -> Iterator[Case]:
    """Without end: the name of a damaged file, what is in it, and the command that reads it.

    The name is relative to the working folder, a file of `prepare`'s perhaps; the command is what
    follows `priot`. The same seed gives the same cases.
    """
    number = 0
    while True:
        for make in _FORMATS:
            yield make(Rng(f"{seed} {number} {make.__name__}"))
            number += 1


# Programs -------------------------------------------------------------------------------------


def elf(rng: Rng) -> Case:
    """An ELF file; some commands read its debug information too."""
    image = bytearray(rng.choice(_programs(".elf")))
    if rng.random() < 0.4:
        _damage_section(image, rng)
    content = bytes(image) if rng.random() < 0.2 else damaged_program(bytes(image), rng)
    return "damaged.elf", content, [*_run(rng, "damaged.elf"), *_reports(rng)]


def uf2(rng: Rng) -> Case:
    """A UF2 file."""
    image = damaged_program(rng.choice(_programs(".uf2")), rng)
    return "damaged.uf2", image, _run(rng, "damaged.uf2")


def raw_image(rng: Rng) -> Case:
    """A BIN file: bytes of a program, or any."""
    if rng.random() < 0.3:
        image = bytearray(rng.randbytes(rng.choice((0, 1, 7, 256, 5000))))
    else:
        image = bytearray(rng.choice(_programs(".uf2"))[32 : 32 + 20_000])
    return "damaged.bin", _damage_bytes(image, rng), _run(rng, "damaged.bin")


def _run(rng: Rng, name: str) -> list[str]:
    return ["run", name, "--timeout", rng.choice(("0.1", "1")), "--resets", "3"]


def _reports(rng: Rng) -> list[str]:
    return rng.choice(([], ["--memory"], ["--profile", "profile.lines.txt"], ["--json", "-"]))


def _damage_section(image: bytearray, rng: Rng) -> None:
    """Damage inside a section that tools read: symbols, names, debug information."""
    (table,) = struct.unpack_from("<I", image, 32)
    size, count = struct.unpack_from("<HH", image, 46)
    headers = [struct.unpack_from("<10I", image, table + size * at) for at in range(count)]
    read = [(h[4], h[5]) for h in headers if h[3] == 0 and h[5] and h[1] in (1, 2, 3)]
    start, length = rng.choice(read)
    for _ in range(rng.choice((1, 4, 32))):
        at = start + rng.randrange(length)
        image[at] = rng.choice((0, 0xFF, 0x7F, 0x80, rng.randrange(256)))


@cache
def _programs(suffix: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(_BUILT.glob(f"*.*{suffix}"))]


# JSON -----------------------------------------------------------------------------------------


def network(rng: Rng) -> Case:
    """The description of a network."""
    content = _damaged_json(_network(), rng)
    return "network.json", content, ["plan", "--network", "network.json", "--variant", "fast"]


def backbone_record(rng: Rng) -> Case:
    """The record of a backbone."""
    content = _damaged_json(json.loads(_companions()["record/b.json"]), rng)
    return "record/b.json", content, [*_TRAIN, "--backbone", "record/b.json"]


def run_record(rng: Rng) -> Case:
    """The record of a run of a program."""
    content = _damaged_json(json.loads(_companions()["a.json"]), rng)
    return "b.json", content, ["diff", *rng.choice((("a.json", "b.json"), ("b.json", "a.json")))]


def finished_runs(rng: Rng) -> Case:
    """Records of finished runs, to which a sweep adds."""
    line = {"key": "0" * 64, "seconds": 1.5, "record": {"accuracy": [1, 2]}}
    lines = [_damaged_json(line, rng) if rng.random() < 0.4 else _json(line) for _ in range(3)]
    content = b"\n".join(one.replace(b"\n", b" ") for one in lines) + b"\n"
    return "runs.jsonl", content, ["sweep", "sweep.toml", "--runs", "runs.jsonl", "--jobs", "1"]


def _damaged_json(value: Any, rng: Rng) -> bytes:
    match rng.randrange(5):
        case 0:
            return _damage_bytes(bytearray(_json(value)), rng)
        case 1:
            depth, (opens, closes) = rng.choice((10, 1000, 100_000)), rng.choice(("[]", ("{", "}")))
            inner = '{"a":' if opens == "{" else opens
            return (inner * depth + "1" + closes * depth * rng.randrange(2)).encode()
        case 2:
            text = _json(value).decode()
            number = rng.choice(("Infinity", "-Infinity", "NaN", "1e999", "9" * 5000, "-0", "1e30"))
            return _with_number(text, number, rng).encode()
        case _:
            return _json(_altered(value, rng))


def _altered(value: Any, rng: Rng) -> Any:
    """A copy in which something at a random place is another thing, or is not there."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, keys = value, _keys_of(value)
        while keys:
            key = rng.choice(keys)
            if not _keys_of(at[key]) or rng.random() < 0.15:
                if rng.random() < 0.2:
                    del at[key]
                else:
                    at[key] = copy.deepcopy(rng.choice(_EXTREMES))  # it may be altered too
                break
            at, keys = at[key], _keys_of(at[key])
    return value


def _keys_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def _with_number(text: str, number: str, rng: Rng) -> str:
    places = [i for i, character in enumerate(text) if character.isdigit()]
    start = rng.choice(places) if places else 0
    end = start
    while end < len(text) and (text[end].isdigit() or text[end] in ".-e"):
        end += 1
    return text[:start] + number + text[end:]


def _json(value: Any) -> bytes:
    sys.set_int_max_str_digits(10_000)
    return json.dumps(value).encode()


# TOML -----------------------------------------------------------------------------------------


def sweep(rng: Rng) -> Case:
    """A sweep's description, whose backbone is not there: what is right is not carried out."""
    content = _damaged_toml(rng)
    return "damaged.toml", content, ["sweep", "damaged.toml", "--backbone", "absent.json"]


def settings(rng: Rng) -> Case:
    """The settings of one run."""
    return "damaged.toml", _damaged_toml(rng), [*_TRAIN, "--config", "damaged.toml"]


def _damaged_toml(rng: Rng) -> bytes:
    lines = [
        *('method = ["niti-static", "priot"]', "learning_rate_bits = [3, 5]"),
        *("angle = [30, 60.5, 90]", "seed = [0, 1, 2]", "images = 16", 'rounding = "nearest"'),
        *("test_images = 8", 'calibration = "rotated"', "calibration_images = 16"),
        *('dataset = "mnist-sample"', "measure_every = 1", "logit_headroom = 0", "threshold = 3"),
    ]
    lines = rng.sample(lines, rng.randint(1, len(lines)))
    match rng.randrange(6):
        case 0:
            return _damage_bytes(bytearray("\n".join(lines), "utf-8"), rng)
        case 1:
            depth = rng.choice((10, 1000, 30_000))
            opened = rng.choice(("a." * depth + "b = 1", "a = " + "[" * depth, "[" + "a." * depth))
            lines.append(opened)
        case 2:
            value = f"[{', '.join(map(str, range(rng.choice((10, 1000)))))}]"
            names = ("seed", "angle", "images", "test_images", "epochs")
            lines = ['method = "niti-static"', *(f"{name} = {value}" for name in names)]
        case 3:
            nested = rng.choice((10, 5000))
            lines.append("x = " + "{a = " * nested + "1" + "}" * nested)
        case _:
            name = rng.choice(lines).split()[0]
            value = rng.choice(
                (
                    *("inf", "nan", "-1", "0", "1e400", "9" * 4000, '""', "[]", "{}", "true"),
                    *("[[1]]", "1979-05-27", "0x7fffffffffffffff", "[inf, nan]", '["", 1]'),
                )
            )
            lines = [line for line in lines if line.split()[0] != name] + [f"{name} = {value}"]
    return "\n".join(lines).encode()


# Arrays and data sets -------------------------------------------------------------------------


def weights(rng: Rng) -> Case:
    """The weights of a backbone: a ZIP archive of .npy files."""
    whole = _companions()["weights/b.npz"]
    if rng.random() < 0.4:
        content = _damage_bytes(bytearray(whole), rng)
    else:
        with np.load(io.BytesIO(whole)) as archive:
            arrays = {name: archive[name] for name in archive.files}
        name = rng.choice(list(arrays))
        shape = rng.choice(((0,), (1,), (2**40,), (2**62, 4), (-1, 3), (True,), (10**30,)))
        kind = rng.choice(("|i1", "<i8", "|O", "|V8", "<f8", "<U9", [("a", "<i1")], "m8"))
        header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape!r}, }}\n".encode()
        if rng.random() < 0.1:
            header = b"(" * 5000 + header
        content = _npz(arrays, {name: b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header})
    return "weights/b.npz", content, [*_TRAIN, "--backbone", "weights/b.json"]


def _npz(arrays: dict[str, Any], damaged: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, array)
            archive.writestr(f"{name}.npy", damaged.get(name, member.getvalue()))
    return file.getvalue()


def mnist_images(rng: Rng) -> Case:
    """MNIST's test images, gzipped or not."""
    return _idx_case(rng, "images", "t10k-images-idx3-ubyte")


def mnist_labels(rng: Rng) -> Case:
    """MNIST's test labels."""
    return _idx_case(rng, "labels", "t10k-labels-idx1-ubyte")


def _idx_case(rng: Rng, folder: str, name: str) -> Case:
    content = bytearray(_companions()[f"{folder}/{name}"])
    if rng.random() < 0.5:
        at, value = 4 * rng.randrange(content[3] + 1), rng.choice((0, 1, 28, 2**31, 2**32 - 1))
        struct.pack_into(">I", content, at, value)
    else:
        content = bytearray(_damage_bytes(content, rng))
    if rng.random() < 0.4:
        content = bytearray(gzip.compress(bytes(content), mtime=0))
        if rng.random() < 0.5:
            content = bytearray(_damage_bytes(content, rng))
    command = [*_TRAIN, "--dataset", "mnist", "--data", folder]
    return f"{folder}/{name}", bytes(content), command


def cifar10_binary(rng: Rng) -> Case:
    """A binary batch of CIFAR-10."""
    name = "binary/test_batch.bin"
    content = _damage_bytes(bytearray(_companions()[name]), rng)
    return name, content, [*_TRAIN, *_colour("binary")]


def cifar10_pickled(rng: Rng) -> Case:
    """A batch of CIFAR-10 for Python."""
    name = "pickled/test_batch"
    content = bytearray(_companions()[name])
    if rng.random() < 0.3:
        place = rng.choice(("header", "any"))
        at = rng.randrange(300 if place == "header" else len(content))
        content[at:at] = rng.choice((b"cos\nsystem\n", b"(lp1\n", b"2" * 50, b"R", b"b", b"\x8b"))
    else:
        content = bytearray(_damage_bytes(content, rng))
    return name, bytes(content), [*_TRAIN, *_colour("pickled")]


def _colour(folder: str) -> list[str]:
    return ["--dataset", "cifar10", "--data", folder, "--backbone", "colour.json"]


_FORMATS: tuple[Callable[[Rng], Case], ...] = (
    *(elf, elf, uf2, raw_image, network, network, backbone_record, run_record, finished_runs),
    *(sweep, settings, weights, mnist_images, mnist_labels, cifar10_binary, cifar10_pickled),
)


def _damage_bytes(content: bytearray, rng: Rng) -> bytes:
    """Bits flipped, a part cut out, repeated or overwritten."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(5):
            case 0 if at < len(content):
                content[at] ^= 1 << rng.randrange(8)
            case 1:
                del content[at : at + rng.choice((1, 4, 100, len(content)))]
            case 2:
                content[at:at] = content[at : at + rng.randrange(1, 500)]
            case 3:
                part = rng.choice((b"\0" * 8, b"\xff" * 8, rng.randbytes(8)))
                content[at : at + len(part)] = part
            case _:
                content[at:at] = rng.randbytes(rng.choice((1, 4, 64)))
    return bytes(content)


# What is whole --------------------------------------------------------------------------------


def _network(input_shape: tuple[int, int, int] = (1, 28, 28)) -> dict[str, Any]:
    layers = [
        {"kind": "conv2d", "channels": 2, "kernel": 3, "padding": 1},
        {"kind": "relu"},
        {"kind": "max_pool2d", "size": 2},
        {"kind": "dense", "features": 10},
    ]
    return {"name": "small", "input_shape": list(input_shape), "layers": layers}


@cache
def _companions() -> dict[str, bytes]:
    """Whole files by name; what is damaged lies in a folder of its own beside what it goes with."""
    record, archive = _backbone((1, 28, 28))
    colour_record, colour_archive = _backbone((3, 32, 32))
    files = {
        "a.json": _json(_record_of_a_run()),
        "sweep.toml": b'method = "niti-static"\nepochs = 0\nimages = 1\ntest_images = 1\n',
        "colour.json": colour_record,
        "colour.npz": colour_archive,
    }
    for folder in ("record", "weights"):
        files |= {f"{folder}/b.json": record, f"{folder}/b.npz": archive}
    generator = np.random.default_rng(0)
    labels = (np.arange(_IMAGES) % 10).astype(np.uint8)
    pixels = generator.integers(0, 256, (_IMAGES, 28, 28)).astype(np.uint8)
    header = struct.pack(">4I", 0x0803, _IMAGES, 28, 28)
    for folder in ("images", "labels"):
        files[f"{folder}/t10k-images-idx3-ubyte"] = header + pixels.tobytes()
        files[f"{folder}/t10k-labels-idx1-ubyte"] = (
            struct.pack(">2I", 0x0801, _IMAGES) + labels.tobytes()
        )
    colours = generator.integers(0, 256, (_IMAGES, 3072)).astype(np.uint8)
    files["binary/test_batch.bin"] = np.column_stack((labels, colours)).tobytes()
    batch = {b"data": colours, b"labels": labels.tolist(), b"batch_label": b"testing batch 1 of 1"}
    files["pickled/test_batch"] = pickle.dumps(batch, protocol=2)
    return files


def _backbone(input_shape: tuple[int, int, int]) -> tuple[bytes, bytes]:
    from priot.experiments.pretraining.backbone import backbone_record as record_of
    from priot.kernels.model import initial_model
    from priot.kernels.network import Network

    model = initial_model(Network.from_json(_network(input_shape)), seed=0)
    arrays = {f"weights_{index}": values for index, values in model.weights.items()}
    return json.dumps(record_of(model)).encode(), _npz(arrays, {})


def _record_of_a_run() -> dict[str, Any]:
    return {
        "kind": "program-run",
        "version": 1,
        "program": "a.elf",
        "exit_code": 0,
        "halt_reason": "exit",
        "fault": None,
        "output": "text",
        "output_bytes": 4,
        "cycles": 1234,
        "instructions": 1000,
        "clock_hz": 125_000_000,
        "seconds": 1234 / 125e6,
        "xip": {"accesses": 5, "hits": 3, "misses": 2, "stall_cycles": 100},
        "xip_model": {"miss_cycles": 50, "replacement": "random", "seed": 0},
        "bus_stalls": [0, 1],
        "peak_sram_bytes": 3000,
        "stack_high_water_bytes": 100,
        "stack_warnings": [],
        "unmodelled": [],
    }
