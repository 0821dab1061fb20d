"""The README's lines for library use and own images run as they stand."""

import re
import shlex

import command_runs
import numpy as np
import photo_folders
import pytest
import tensorflow as tf
from PIL import Image

from elf_keras import models

README = (command_runs.CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_library_lines_run(tmp_path, monkeypatch):
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (24, 32, 32, 3), dtype="uint8")
    labels = np.arange(24) % 10
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
    names = {"images": images, "labels": labels, "dataset": dataset}
    monkeypatch.chdir(tmp_path)
    exec(block, names)
    assert set(names["scores"]) == {f"exit_{k}" for k in (1, 2, 3, 4)}
    again = models.load(tmp_path / "model.keras").predict(images)
    np.testing.assert_allclose(
        again["exit_4"], names["scores"]["exit_4"], atol=1e-5
    )


@pytest.mark.slow
def test_own_images_in_the_layout_shown_train(tmp_path):
    for split, name, count in (
        *(("train", "cat", 9), ("train", "dog", 6)),
        *(("test", "cat", 2), ("test", "dog", 2)),
    ):
        for number in range(1, count + 1):
            picture = Image.new("RGB", (40, 50), (9 * number, 80, 200))
            path = tmp_path / split / name / f"{number}.jpg"
            photo_folders.save(path, picture)
    (command,) = re.findall(
        r"elf_keras.train (.* --data_dir=photos --workdir=runs/mine)\n",
        README.replace("\\\n", ""),
    )
    words = shlex.split(
        command.replace("--data_dir=photos", f"--data_dir={tmp_path}")
    )
    words[-1] = f"--workdir={tmp_path / 'mine'}"
    tiny = ("--epochs=1", "--least_steps=0", "--exits_first=2")
    tiny += ("--image_size=64",)
    command_runs.done("train", *words, *tiny)
    assert (tmp_path / "mine" / "model.keras").is_file()
