"""Pre-training: batches, augmentation, and checkpoints that survive any death."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from priot.experiments.cli import main
from priot.experiments.datasets.augmentation import MARGIN, Augmentation
from priot.experiments.datasets.cifar10 import cifar10
from priot.experiments.datasets.mnist import Images
from priot.experiments.errors import UserError
from priot.experiments.pretraining import pretrain as module
from priot.experiments.pretraining.checkpoint import Checkpoint, Progress
from priot.experiments.pretraining.networks import vgg11
from priot.experiments.pretraining.pretrain import Plan, pretrain
from priot.kernels.model import Initial, initial_model
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU

NETWORK = Network("small", (3, 32, 32), (MaxPool2d(4), Conv2d(6), ReLU(), MaxPool2d(2), Dense(10)))
PLAN = Plan((3, 2), batch=8, augmented=True, initial=Initial.HE)


def colours(seed: int, count: int) -> Images:
    """Ten classes that a small network can tell apart: each has its own colour."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(count) % 10).astype(np.uint8)
    palette = np.random.default_rng(0).integers(0, 256, (10, 3, 1, 1))
    noise = generator.integers(-40, 40, (count, 3, 32, 32))
    pixels = np.clip(palette[labels] + noise, 0, 255).astype(np.uint8)
    return Images(pixels, labels, f"{count} colours")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set in the form of CIFAR-10."""
    for name, images in (
        *((f"data_batch_{number}", colours(number, 40)) for number in range(1, 6)),
        ("test_batch", colours(6, 50)),
    ):
        flat = images.pixels.reshape(len(images), -1)
        np.column_stack((images.labels, flat)).tofile(tmp_path / f"{name}.bin")
    return tmp_path


def test_vgg11_is_the_original_one() -> None:
    network = vgg11()
    weights = initial_model(network, 0).weights
    assert sum(array.size for array in weights.values()) == 9_222_848
    assert [len(array) for array in weights.values()] == [64, 128, 256, 256, *[512] * 4, 10]
    assert vgg11(4).name == "vgg11-4"


def test_a_batch_learns_and_says_how() -> None:
    backbone = pretrain(NETWORK, colours(1, 400), colours(2, 100), PLAN)
    record = backbone.record
    assert [line["epoch"] for line in record["history"]] == [1, 2]
    assert record["history"][-1]["test_accuracy"] > 60
    assert (record["batch"], record["augmented"], record["initial"]) == (8, True, "He")


def test_threads_change_no_number() -> None:
    training, test = colours(1, 100), colours(2, 20)
    network = vgg11(4)
    plan = dataclasses.replace(PLAN, schedule=(3,))
    single, double = (pretrain(network, training, test, plan, threads=n) for n in (1, 2))
    assert single.record == double.record


def test_a_stopped_training_ends_as_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, test, file = colours(1, 200), colours(2, 50), tmp_path / "checkpoint"
    undisturbed = pretrain(NETWORK, training, test, PLAN)
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0)
    save = Checkpoint.save
    stops = iter([3, 1, 9, 2, 1000])  # checkpoints until the next stop
    left = next(stops)

    def save_and_stop(self: Checkpoint, model: object, progress: Progress) -> None:
        nonlocal left
        save(self, model, progress)  # type: ignore[arg-type]
        left -= 1
        if not left:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_and_stop)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            pretrain(NETWORK, training, test, PLAN, file)
        left = next(stops)
    assert pretrain(NETWORK, training, test, PLAN, file).record == undisturbed.record
    assert pretrain(NETWORK, training, test, PLAN, file).record == undisturbed.record


def test_a_killed_command_goes_on(folder: Path, tmp_path: Path) -> None:
    network = str(tmp_path / "network.json")
    Path(network).write_text(json.dumps(NETWORK.to_json()))

    def options(name: str) -> list[str]:
        out, checkpoint = str(tmp_path / f"{name}.json"), str(tmp_path / f"{name}.checkpoint")
        data = ["--dataset", "cifar10", "--data", str(folder), "--network", network]
        return [
            *("pretrain", *data, "--out", out, "--checkpoint", checkpoint),
            *("--schedule", "3x60", "--batch", "4"),
        ]

    process = subprocess.Popen([sys.executable, "-m", "priot", *options("killed")])
    while not (tmp_path / "killed.checkpoint").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert main(options("killed")) == 0
    assert main(options("whole")) == 0
    killed, whole = ((tmp_path / f"{name}.json").read_text() for name in ("killed", "whole"))
    assert killed == whole


def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    training, test, file = colours(1, 20), colours(2, 10), tmp_path / "checkpoint"
    pretrain(NETWORK, training, test, PLAN, file)
    with pytest.raises(UserError, match=r"another training \(batch, seed differ\)"):
        pretrain(NETWORK, training, test, dataclasses.replace(PLAN, seed=1, batch=2), file)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, keep: float) -> None:
    training, test, file = colours(1, 20), colours(2, 10), tmp_path / "checkpoint"
    pretrain(NETWORK, training, test, PLAN, file)
    content = file.read_bytes()
    file.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(UserError, match="damaged; delete it to start anew"):
        pretrain(NETWORK, training, test, PLAN, file)


@pytest.mark.parametrize("setting", [{"batch": 0}, {"seed": -1}])
def test_a_plan_out_of_range_is_refused(setting: dict[str, int]) -> None:
    with pytest.raises(UserError):
        dataclasses.replace(PLAN, **setting)


def test_an_augmented_image_is_a_crop_of_itself() -> None:
    images = np.random.default_rng(0).integers(1, 128, (50, 3, 9, 7), np.int8)
    augmentation = Augmentation.of_epoch(50, seed=0, epoch=1)
    chosen = np.array([7, 3, 49])
    for index, changed in zip(chosen, augmentation.apply(images, chosen), strict=True):
        down, right = augmentation.shifts[index] - MARGIN
        if augmentation.mirrored[index]:
            changed = changed[:, :, ::-1]
        for y, x in np.ndindex(9, 7):
            inside = 0 <= y + down < 9 and 0 <= x + right < 7
            expected = images[index, :, y + down, x + right] if inside else 0
            assert (changed[:, y, x] == expected).all()


def test_augmentation_reaches_every_shift_and_differs_by_epoch() -> None:
    first, second = (Augmentation.of_epoch(2000, 0, epoch) for epoch in (1, 2))
    assert set(first.shifts.reshape(-1).tolist()) == set(range(2 * MARGIN + 1))
    assert 800 < first.mirrored.sum() < 1200
    assert not np.array_equal(first.shifts, second.shifts)


def test_the_folder_is_what_the_tests_say(folder: Path) -> None:
    assert len(cifar10(folder, "train")) == 200
