"""The lines for library use run as they stand on the page."""

import documented
import numpy as np
import pytest
import tensorflow as tf

from elf_keras import models

PAGE = documented.CHECKOUT / "docs" / "reference" / "api" / "models.md"


@pytest.mark.slow
def test_library_lines_run(tmp_path, monkeypatch):
    (block,) = [
        text
        for language, text in documented.fenced(PAGE)
        if language == "python"
    ]
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (24, 32, 32, 3), dtype="uint8")
    labels = np.arange(24) % 10
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
    names = {"images": images, "labels": labels, "dataset": dataset}
    monkeypatch.chdir(tmp_path)
    exec(block, names)
    assert set(names["logits"]) == {f"exit_{k}" for k in (1, 2, 3, 4)}
    again = models.load(tmp_path / "model.keras").predict(images)
    np.testing.assert_allclose(
        again["exit_4"], names["logits"]["exit_4"], atol=1e-5
    )
