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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "size"), [("keras:MobileNetV3Small", 224), ("resnet50", 64)]
)
def test_from_photos_to_a_policy(tmp_path, monkeypatch, backbone, size):
    """Pixels of the larger one would take minutes, and teach no more."""
    monkeypatch.chdir(command_runs.CHECKOUT)
    folder, workdir = photos(tmp_path / "photos"), f"--workdir={tmp_path}/run"
    command_runs.done(
        "train",
        workdir,
        "--flagfile=experiments/photos_224.flags",
        f"--data_dir={folder}",
        *(f"--backbone={backbone}", f"--image_size={size}"),
        "--epochs=1",
        "--batch_size=8",
        "--validation_fraction=0.25",
    )
    record = json.loads((tmp_path / "run" / runs.RECORD).read_text())
    assert len(record["model"]["exits"]) == 5
    command_runs.done("sweep", workdir)
    photo = folder / "test" / "dark" / "0.jpg"
    ended = command_runs.done("predict", workdir, "--policy=macs_75", photo)
    answer = json.loads(ended.out)
    assert answer["class"] in ("dark", "light")
    assert answer["macs"] <= 1.06 * record["model"]["exits"][-1]["macs"]
