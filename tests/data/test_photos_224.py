"""Photos of 224 pixels, from training to a prediction by a policy."""

import json

import command_runs
import numpy as np
import pytest
from PIL import Image

from elf_keras import runs


def photos(folder):
    """Two kinds of noise, of several sizes, as JPEG files."""
    random = np.random.default_rng(0)
    made = {"train/dark": 12, "train/light": 6, "test/dark": 2, "test/light": 2}
    for place, count in made.items():
        path = folder / place
        path.mkdir(parents=True)
        level = 40 if path.name == "dark" else 170
        for number in range(count):
            noise = random.normal(level, 30, size=(30, 33, 3))
            image = Image.fromarray(noise.clip(0, 255).astype("uint8"))
            image.resize((230 + number, 260)).save(path / f"{number}.jpg")
    return folder


def trained(tmp_path, backbone):
    """The photos, the flag that names the run, and the run's record."""
    folder, workdir = photos(tmp_path / "photos"), tmp_path / "run"
    command_runs.done(
        "train",
        f"--workdir={workdir}",
        "--flagfile=experiments/photos_224.flags",
        f"--data_dir={folder}",
        f"--backbone={backbone}",
        "--epochs=1",
        "--batch_size=8",
        "--validation_fraction=0.25",
    )
    record = json.loads((workdir / runs.RECORD).read_text())
    assert len(record["model"]["exits"]) == 5
    return folder, f"--workdir={workdir}", record


@pytest.mark.slow
def test_from_photos_to_a_policy(tmp_path, monkeypatch):
    monkeypatch.chdir(command_runs.CHECKOUT)
    folder, workdir, record = trained(tmp_path, "keras:MobileNetV3Small")
    ended = command_runs.done("sweep", workdir)
    photo = folder / "test" / "dark" / "0.jpg"
    ended = command_runs.done("predict", workdir, "--policy=macs_75", photo)
    answer = json.loads(ended.out)
    assert answer["class"] in ("dark", "light")
    assert answer["macs"] <= 1.06 * record["model"]["exits"][-1]["macs"]


@pytest.mark.slow
def test_a_resnet50_trains_on_photos(tmp_path, monkeypatch):
    monkeypatch.chdir(command_runs.CHECKOUT)
    trained(tmp_path, "resnet50")
