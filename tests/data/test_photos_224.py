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
    for split, counts in (("train", (24, 12)), ("test", (4, 4))):
        for count, (name, level) in zip(
            counts, (("dark", 40), ("light", 170)), strict=True
        ):
            path = folder / split / name
            path.mkdir(parents=True)
            for number in range(count):
                noise = random.normal(level, 30, size=(30, 33, 3))
                image = Image.fromarray(noise.clip(0, 255).astype("uint8"))
                image.resize((230 + number, 260)).save(path / f"{number}.jpg")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["keras:MobileNetV3Small", "resnet50"])
def test_from_photos_to_a_policy(tmp_path, monkeypatch, backbone):
    monkeypatch.chdir(command_runs.CHECKOUT)
    folder = photos(tmp_path / "photos")
    workdir = f"--workdir={tmp_path / 'run'}"
    ended = command_runs.run(
        "train",
        workdir,
        "--flagfile=experiments/photos_224.flags",
        f"--data_dir={folder}",
        f"--backbone={backbone}",
        "--epochs=1",
        "--batch_size=12",
        "--validation_fraction=0.25",
    )
    assert ended.status == 0, ended.err[-2000:]
    record = json.loads((tmp_path / "run" / runs.RECORD).read_text())
    assert len(record["model"]["exits"]) == 5
    ended = command_runs.run("sweep", workdir)
    assert ended.status == 0, ended.err[-2000:]
    photo = folder / "test" / "dark" / "0.jpg"
    ended = command_runs.run("predict", workdir, "--policy=macs_75", photo)
    assert ended.status == 0, ended.err[-2000:]
    answer = json.loads(ended.out)
    assert answer["class"] in ("dark", "light")
    assert answer["macs"] <= 1.06 * record["model"]["exits"][-1]["macs"]
