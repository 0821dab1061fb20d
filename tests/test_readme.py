"""The README's lines for library use run as they stand."""

import re

import numpy as np
import tensorflow as tf
from conftest import CHECKOUT

from elf_keras import multi_exit


def test_library_lines_run(tmp_path, monkeypatch):
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (24, 32, 32, 3), dtype="uint8")
    labels = np.arange(24) % 10
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
    names = {"images": images, "labels": labels, "dataset": dataset}
    monkeypatch.chdir(tmp_path)
    exec(block, names)
    assert set(names["scores"]) == {f"exit_{k}" for k in (1, 2, 3, 4)}
    again = multi_exit.load(tmp_path / "model.keras").predict(images)
    np.testing.assert_allclose(
        again["exit_4"], names["scores"]["exit_4"], atol=1e-5
    )
