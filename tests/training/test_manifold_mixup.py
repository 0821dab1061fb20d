"""Where and how feature maps are mixed, and that nothing of it stays."""

import keras
import numpy as np
import pytest
import run_states
import tensorflow as tf

from elf_keras import losses, models
from elf_keras.errors import InputError
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.training import manifold_mixup, optimizer

CLASSES, SIDE = 3, 8
# The last map of each resolution but the final one.
PLACES = ["group_1_block_1_relu", "group_2_block_1_relu"]


def build(**options):
    keras.utils.set_random_seed(0)
    return models.build(
        (SIDE, SIDE, 1), CLASSES, backbone="resnet8", exits="none", **options
    )


def compiled(*, alpha=1.0, seed=0, mixed=True):
    model = build()
    loss = CumulativeLoss(losses.exit_loss("ce", [4, 4, 4]), CLASSES)
    mixing = None
    if mixed:
        mixing = manifold_mixup.ManifoldMixup(model, alpha=alpha, seed=seed)
    model.compile(optimizer.CoupledSGD(0.1), loss, training_pass=mixing)
    return model


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    images = random.integers(256, size=(6, SIDE, SIDE, 1)).astype("uint8")
    return images, np.array([0, 1, 2, 2, 1, 0])


def fix(model, monkeypatch, share, place):
    drawn = tf.constant(share), tf.constant(place)
    monkeypatch.setattr(model.training_pass, "draw", lambda step: drawn)


def test_the_places_end_a_resolution():
    model = build()
    places = manifold_mixup.hidden_places(model)
    assert [p._keras_history.operation.name for p in places] == PLACES


def test_a_larger_backbone_is_mixed_before_each_halving():
    model = models.build((32, 32, 3), 2, backbone="resnet50", exits="none")
    sides = [p.shape[1] for p in manifold_mixup.hidden_places(model)]
    assert sides == [16, 8, 4, 2]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_mixed_by_hand_at_every_place(batch, place, monkeypatch):
    images, labels = batch
    model = compiled()
    fix(model, monkeypatch, 0.75, place)
    outputs, shares = model.training_pass(images, labels)
    own = np.eye(CLASSES)[labels]
    following = np.eye(CLASSES)[[1, 2, 2, 1, 0, 0]]
    np.testing.assert_allclose(shares, 0.75 * own + 0.25 * following)
    below = tf.cast(images, tf.float32)
    above = model
    if place:
        tensor = model.get_layer(PLACES[place - 1]).output
        below = keras.Model(model.input, tensor)(below, training=True)
        above = keras.Model(tensor, model.output)
    maps = np.array(below)
    maps = 0.75 * maps + 0.25 * maps[[1, 2, 3, 4, 5, 0]]
    expected = above(maps, training=True)["exit_1"]
    np.testing.assert_allclose(outputs["exit_1"], expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_share_of_one_is_no_mixing(batch, place, monkeypatch):
    mixed, plain = compiled(), compiled(mixed=False)
    fix(mixed, monkeypatch, 1.0, place)
    for model in (mixed, plain):
        model.fit(*batch, batch_size=6, epochs=2, shuffle=False, verbose=0)
    assert run_states.same(mixed.get_weights(), plain.get_weights())


def test_draws_depend_on_seed_and_step_alone():
    model = build()
    draw, other_seed = (
        tf.function(
            manifold_mixup.ManifoldMixup(model, alpha=1.0, seed=seed).draw
        )
        for seed in (0, 1)
    )
    steps = tf.range(400, dtype="int64")
    draws = np.array([np.stack(draw(step)) for step in steps])
    again = [np.stack(draw(step)) for step in steps[::-1]]
    np.testing.assert_array_equal(draws, again[::-1])
    assert (draws[:9] != [np.stack(other_seed(s)) for s in steps[:9]]).any()
    shares, places = draws.T
    # Beta(1, 1) is uniform: mean 1/2, variance 1/12.
    assert shares.mean() == pytest.approx(0.5, abs=0.05)
    assert shares.var() == pytest.approx(1 / 12, abs=0.02)
    counts = np.bincount(places.astype(int))
    assert len(counts) == 3
    assert counts.min() > 100


@pytest.mark.slow
def test_steps_are_mixed_differently_and_learn(batch):
    images, labels = batch
    images = (images // 8 + 100 * labels[:, None, None, None]).astype("uint8")
    model = compiled(alpha=0.2)
    history = model.fit(images, labels, batch_size=6, epochs=30, verbose=0)
    assert int(model.optimizer.iterations) == 30
    answers = np.argmax(model(images, training=False)["exit_1"], axis=-1)
    assert (answers == labels).mean() > 0.8
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(batch, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = compiled()
    finally:
        keras.config.set_dtype_policy("float32")
    model.fit(*batch, batch_size=6, epochs=3, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.slow
def test_nothing_of_it_is_saved(batch, tmp_path):
    images, _ = batch
    model, plain = compiled(), build()
    model.fit(*batch, batch_size=6, verbose=0)
    models.save(model, tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    names = [layer.name for layer in plain.layers]
    assert [layer.name for layer in loaded.layers] == names
    assert [layer.name for layer in model.layers] == names
    np.testing.assert_array_equal(
        loaded(images, training=False)["exit_1"],
        model(images, training=False)["exit_1"],
    )


def test_early_exits_are_refused():
    model = models.build((SIDE, SIDE, 1), CLASSES, backbone="resnet8")
    with pytest.raises(InputError, match="--mixing=mixup"):
        manifold_mixup.ManifoldMixup(model, alpha=1.0, seed=0)
