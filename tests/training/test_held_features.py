"""Which features are held, and in which order exits are trained on them."""

import keras
import numpy as np
import pytest
import tiny

from elf_keras.training import held_features


@pytest.mark.parametrize("most", [1, 2, 3])
def test_exits_see_every_class_however_few_images_fit(most):
    """With fewer classes a probe has too few columns for the last exit."""
    held = held_features.hold(tiny.model(), tiny.examples((9, 6, 3)), 0, most)
    assert held.labels.tolist() == [0, 1, 2]


def test_every_image_comes_once_before_any_comes_again():
    rows = [*held_features._rows(held_features.BATCH + 36, 5, seed=0)]
    assert [len(each) for each in rows] == [held_features.BATCH] * 5
    # 320 places for 100 images: three rounds and a fifth.
    times = np.bincount(np.concatenate(rows))
    assert set(times) == {3, 4}


def test_what_is_held_is_what_the_exits_read():
    model, data = tiny.model(), tiny.data()
    held = held_features.hold(model, data.train, seed=0)
    np.testing.assert_array_equal(held.labels, data.train.labels)
    # Heads of the whole model, fed with what is held, answer as the model.
    taps = [model.get_layer("exit_1_tap").output]
    pool = model.get_layer("exit_2_pool").output
    heads = keras.Model([*taps, pool], dict(model.output))
    given = [each.astype("float32") for each in held.features]
    images = np.asarray(data.train.images, "float32")
    expected = model(images, training=False)
    for name, found in heads(given, training=False).items():
        # Held in half precision: 11 bits.
        np.testing.assert_allclose(found, expected[name], rtol=0.01, atol=0.01)


def test_exits_alone_learn_from_gradients_that_float16_would_lose(monkeypatch):
    """Those of a loss of 1e-8 are below its least number, 6e-8."""
    monkeypatch.setattr(held_features, "WEIGHT_DECAY", 0.0)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, data = tiny.model(), tiny.data()
        held = held_features.hold(model, data.train, seed=0)
        before = model.get_layer("exit_1").get_weights()[0]
        objective = tiny.compiled().objective
        held_features.train_exits(
            model,
            held,
            lambda *given: 1e-8 * objective(*given),
            3,
            0,
            last=True,
        )
    finally:
        keras.config.set_dtype_policy("float32")
    assert abs(model.get_layer("exit_1").get_weights()[0] - before).max() > 1e-6
