"""--weights=FILE.keras: what a model takes over of another one."""

import command_runs
import numpy as np
import pytest
from made_splits import made

from elf_keras import models, runs
from elf_keras.cli import model_from_flags


def built(*words, data=None):
    given = ("--workdir=", "--backbone=resnet8", "--exits=1", *words)
    with command_runs.fresh_flags(*given):
        model_from_flags.strategy()
        return model_from_flags.model(data or made())


@pytest.mark.slow
def test_weights_of_another_model_are_taken_over(tmp_path, capsys):
    path = tmp_path / "model.keras"
    source = built("--seed=5")
    source.save(path)
    model = built(f"--weights={path}", "--seed=6")
    np.testing.assert_equal(model.get_weights(), source.get_weights())
    assert "layers start from given weights" in capsys.readouterr().err
    # A run of other classes, as many: its classifiers are not theirs.
    record = {"data": {"class_names": ["a", "b", "zebra"]}}
    runs.write_json(tmp_path / runs.RECORD, record)
    model = built(f"--weights={path}", "--seed=6")
    for layer, other in zip(model.layers, source.layers, strict=True):
        pairs = zip(layer.get_weights(), other.get_weights(), strict=True)
        same = all(np.array_equal(new, old) for new, old in pairs)
        assert same == (layer.name not in model.output_names)
    told = capsys.readouterr().err
    assert "('a', 'b', 'zebra') than these ('a', 'b', 'c')" in told


@pytest.mark.slow
def test_weights_of_another_model_see_images_as_it_did(tmp_path):
    path, data = tmp_path / "model.keras", made(channels=3)
    pixels = models.Pixels(np.array([100.0, 110.0, 120.0]), 50.0)
    options = {"backbone": "resnet8", "exits": "1", "pixels": pixels}
    source = models.build(data.image_shape, 3, **options)
    source.save(path)
    model = built(f"--weights={path}", data=data)
    images = data.train.images.astype("float32")
    for name, logits in source(images).items():
        np.testing.assert_array_equal(model(images)[name], logits)
    found = models.pixels_of(model)
    np.testing.assert_allclose(found.mean, [100, 110, 120])
    np.testing.assert_allclose(found.deviation, [50, 50, 50])
    # Grey images have no place for its colours.
    grey = built(f"--weights={path}")
    np.testing.assert_allclose(
        models.pixels_of(grey).mean, made().pixel_statistics[0], rtol=1e-5
    )
