"""Images that left are taken out of the batch: as if masked, for less."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from elf_keras import losses, models
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.losses.objective import NORMALIZATIONS, CumulativeLoss
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.models.removing import RemovingPass

CLASSES, SIDE, IMAGES = 3, 8, 12
# Of fresh networks; the seed leaves some at each of three exits.
THRESHOLD = 0.34
NOBODY, ANYBODY = np.inf, 1e-3


def build(policy="float32", *, frozen=False, seed=0):
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(policy)
    try:
        model = models.build(
            (SIDE, SIDE, 3),
            CLASSES,
            backbone="resnet8",
            exits="1,2",
            # With depthwise kernels.
            heads=models.Heads("separable"),
            pixels=models.Pixels(128.0, 64.0),
        )
    finally:
        keras.config.set_dtype_policy("float32")
    for layer in model.layers:
        if frozen and isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    return model


def compiled(model, threshold=THRESHOLD, *, removed=True, rate=1.0, **options):
    loss = CumulativeLoss(
        losses.exit_loss("ce", [9, 3, 1]),
        CLASSES,
        train_threshold=threshold,
        **options,
    )
    loss.class_weights.assign([0.25, 0.75, 2.0])
    model.compile(
        keras.optimizers.SGD(rate),
        loss,
        training_pass=RemovingPass(model, loss.leaves) if removed else None,
    )
    return model


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    images = random.integers(256, size=(IMAGES, SIDE, SIDE, 3))
    return images.astype("float32"), np.arange(IMAGES) % CLASSES


def change(model, images, labels, **options):
    """Logs of one step at rate 1, and what it changes: minus the gradients."""
    start = model.get_weights()
    logs = model.train_on_batch(images, labels, return_dict=True, **options)
    found = [
        old - new for old, new in zip(start, model.get_weights(), strict=True)
    ]
    model.set_weights(start)
    return logs, found


def share(logs):
    return [logs[f"exit_{k}_share"] for k in (1, 2, 3)]


@pytest.mark.slow
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("kind", ["classes", "column", "shares"])
def test_losses_and_gradients_are_the_masked_ones(data, normalization, kind):
    images, labels = data
    rows = np.eye(CLASSES, dtype="float32")[labels]
    labels = {
        "classes": labels,
        "column": labels[:, None],
        "shares": 0.7 * rows + 0.3 * rows[::-1],
    }[kind]
    weights = np.linspace(0.5, 1.5, IMAGES)
    model, found = build(frozen=True), {}
    for removed in (False, True):
        compiled(model, removed=removed, normalization=normalization)
        found[removed] = change(model, images, labels, sample_weight=weights)
    logs, gradients = found[True]
    masked, expected = found[False]
    assert min(share(logs)) > 0
    told = [key for key in masked if not key.endswith("accuracy")]
    assert [logs[key] for key in told] == pytest.approx(
        [masked[key] for key in told], rel=1e-5
    )
    assert max(abs(each).max() for each in expected) > 0.1
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, rtol=1e-4)


@pytest.mark.slow
def test_where_nobody_leaves_all_is_as_ever(data):
    model, found = build(), {}
    for removed in (False, True):
        compiled(model, NOBODY, removed=removed)
        found[removed] = change(model, *data)
    assert found[True][0] == pytest.approx(found[False][0], rel=1e-6)
    assert share(found[True][0]) == [0, 0, 1]
    for one, other in zip(found[True][1], found[False][1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.slow
def test_where_everybody_leaves_later_stages_stay_as_they_are(data):
    images, _ = data
    model = compiled(build(), ANYBODY)
    # In training: batch norm decides by the batch.
    right = np.argmax(model(images, training=True)["exit_1"], axis=-1)
    model = compiled(build(), ANYBODY)
    logs, found = change(model, images, right)
    assert share(logs) == [1, 0, 0]
    assert [logs[f"exit_{k}_accuracy"] for k in (1, 2, 3)] == [1, 1, 1]
    first = {weight.path for weight in models.stages(model)[0].weights}
    changed = {
        weight.path
        for weight, each in zip(model.weights, found, strict=True)
        if each.any()
    }
    assert changed == first
    assert all(np.isfinite(each).all() for each in found)


@pytest.mark.slow
def test_statistics_are_those_of_who_is_still_there(data):
    images, labels = data
    model = compiled(build(), rate=0.0)
    found = models.stages(model)[0](images, training=True)
    left = exit_rule.satisfied_with_label(
        np.array(found["exit_1"])[:, None], labels, THRESHOLD
    )[:, 0]
    assert 0 < left.sum() < IMAGES
    norm = model.get_layer("group_1_block_1_1_norm")
    kernel = keras.Model(model.get_layer("exit_1_tap").input, norm.input)
    values = np.array(kernel(np.array(found["features"])[~left]))
    values = values.reshape(-1, values.shape[-1])
    model = compiled(build(), rate=0.0)
    model.train_on_batch(images, labels)
    norm = model.get_layer(norm.name)
    # 0 and 1 at first, of which a tenth goes.
    mean, variance = 0.1 * values.mean(0), 0.9 + 0.1 * values.var(0, ddof=1)
    np.testing.assert_allclose(norm.moving_mean, mean, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, variance, rtol=1e-4)


def test_who_left_keeps_the_logits_it_left_with(data):
    images, labels = data
    model = compiled(build())
    outputs, same = model.training_pass(images, labels)
    assert same is labels
    logits = np.array(exit_rule.stack_exits(outputs))
    taken = exit_rule.exit_taken(
        exit_rule.satisfied_with_label(logits, labels, THRESHOLD)
    )
    assert set(taken) == {0, 1, 2}
    for row, taken_at in zip(logits, taken, strict=True):
        for later in row[taken_at:]:
            np.testing.assert_array_equal(later, row[taken_at])
        assert len(np.unique(row, axis=0)) == taken_at + 1


@pytest.mark.slow
def test_a_lone_image_goes_on(data):
    images, _ = data
    model = compiled(build(), ANYBODY)
    right = np.argmax(model(images, training=True)["exit_1"], axis=-1)
    right[0] = (right[0] + 1) % CLASSES
    model = compiled(build(), ANYBODY)
    logs, found = change(model, images, right)
    assert share(logs)[0] == pytest.approx((IMAGES - 1) / IMAGES)
    assert all(np.isfinite(each).all() for each in found)
    stage = models.stages(model)[1]
    moved = {w.path for w in stage.weights}
    changed = [
        each.any()
        for weight, each in zip(model.weights, found, strict=True)
        if weight.path in moved and "moving_mean" in weight.path
    ]
    assert all(changed)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_fit_learns_under_half_precision(policy):
    examples = tiny.examples((8, 8, 8))
    images = np.tile(examples.images, (1, SIDE // 2, SIDE // 2, 3))
    model = compiled(build(policy), 0.6, rate=0.05)
    history = model.fit(
        images, examples.labels, batch_size=10, epochs=8, verbose=0
    ).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert history["exit_1_share"][-1] > 0
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.slow
@pytest.mark.parametrize("leave", [False, True])
def test_a_batch_norm_of_keras_is_not_spoiled(leave):
    """Its mean of no image would be no number."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input(tiny.SHAPE)
    tap = layers.Identity(name="exit_1_tap")(image)
    norm = layers.BatchNormalization(scale=False, name="norm")
    deep = layers.GlobalAveragePooling2D()(norm(image))
    outputs = {
        "exit_1": layers.Dense(CLASSES, name="exit_1")(layers.Flatten()(tap)),
        "exit_2": layers.Dense(CLASSES, name="exit_2")(deep),
    }
    model = compiled(
        MultiExitModel(image, outputs), ANYBODY if leave else NOBODY
    )
    images = tf.ones((4, *tiny.SHAPE))
    right = np.argmax(model(images)["exit_1"], axis=-1)
    _, found = change(model, images, right)
    assert all(np.isfinite(each).all() for each in found)
    index = [w.path for w in model.weights].index("norm/moving_mean")
    # Momentum 0.99, and every pixel is 1.
    expected = 0.0 if leave else -0.01
    np.testing.assert_allclose(found[index], expected, atol=1e-6)


def test_xla_is_refused():
    model = build()
    with pytest.raises(InputError, match="jit_compile=True .* one size"):
        model.compile(
            keras.optimizers.SGD(0.1),
            compiled(model).objective,
            training_pass=model.training_pass,
            jit_compile=True,
        )
