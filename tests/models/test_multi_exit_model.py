import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from elf_keras import losses, models
from elf_keras.errors import InputError
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models.multi_exit_model import MultiExitModel

CLASSES = 3
LOGS = {"loss"} | {
    f"exit_{k}_{what}" for k in (1, 2) for what in ("accuracy", "share", "loss")
}


@pytest.fixture(scope="module")
def data():
    """Grey images whose brightness tells the class."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(CLASSES), 8)
    noise = random.integers(60, size=(24, 4, 4, 1))
    images = noise + 90 * labels[:, None, None, None]
    return images.astype("uint8"), labels


def compiled(policy="float32", threshold=0.6, name="ce", rate=0.05):
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(policy)
    try:
        model = models.build(
            (4, 4, 1),
            CLASSES,
            backbone="resnet8",
            exits="2",
            heads=models.Heads("pooled", cosine=name == "ldam"),
        )
    finally:
        keras.config.set_dtype_policy("float32")
    loss = CumulativeLoss(
        losses.exit_loss(name, [8, 8, 8]), CLASSES, train_threshold=threshold
    )
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "name"),
    [("float32", "ldam"), ("mixed_bfloat16", "ce"), ("mixed_float16", "ce")],
)
def test_fit_learns_under_every_precision(data, policy, name):
    model = compiled(policy, name=name)
    history = model.fit(*data, batch_size=10, epochs=5, verbose=0).history
    assert set(history) == LOGS
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    shares = np.add(history["exit_1_share"], history["exit_2_share"])
    np.testing.assert_allclose(shares, 1, atol=1e-6)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.slow
def test_one_step_follows_the_gradient_of_the_objective(data):
    # A small rate: the loss falls by rate * |gradient|², to first order.
    images, labels = data
    model = compiled(rate=0.0)
    optimizer = keras.optimizers.SGD(1e-3)
    model.compile(optimizer, model.objective)
    with tf.GradientTape() as tape:
        loss = model.objective(labels, model(images, training=True))
    gradients = tape.gradient(loss, model.trainable_weights)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.train_on_batch(images, labels)
    for old, new, gradient in zip(
        before, model.trainable_weights, gradients, strict=True
    ):
        np.testing.assert_allclose(
            old - 1e-3 * gradient.numpy(), new.numpy(), atol=1e-6
        )


@pytest.mark.slow
def test_evaluate_changes_nothing_and_logs_the_objective(data):
    images, labels = data
    model = compiled()
    model.objective.class_weights.assign([0.5, 1.0, 1.5])
    before = model.get_weights()
    logs = model.evaluate(
        images, labels, batch_size=10, verbose=0, return_dict=True
    )
    assert set(logs) == LOGS
    expected = model.objective(labels, model(images, training=False))
    assert logs["loss"] == pytest.approx(float(expected), rel=1e-5)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_reweighting_between_epochs_needs_no_new_compile(data):
    images, labels = data
    model = compiled()
    found = []
    for weights in ([1.0, 1.0, 1.0], [3.0, 0.0, 0.0]):
        model.objective.class_weights.assign(weights)
        logs = model.evaluate(images, labels, verbose=0, return_dict=True)
        found.append(logs["loss"])
    first = labels == 0
    outputs = model(images[first], training=False)
    expected = model.objective(labels[first], outputs)
    assert found[1] == pytest.approx(float(expected), rel=1e-5)
    assert found[1] != pytest.approx(found[0], rel=1e-3)


@pytest.mark.slow
def test_fit_with_mixed_labels_sample_weights_and_validation(data):
    images, labels = data
    plain = np.eye(CLASSES, dtype="float32")[labels]
    mixed = 0.7 * plain + 0.3 * plain[::-1]
    blended = 0.7 * images + 0.3 * images[::-1]
    model = compiled()
    history = model.fit(
        blended,
        mixed,
        sample_weight=np.linspace(0.5, 1.5, len(labels)),
        batch_size=10,
        epochs=5,
        validation_data=(images, labels),
        verbose=0,
    ).history
    assert set(history) == LOGS | {f"val_{name}" for name in LOGS}
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.slow
def test_a_compiled_model_saves_and_loads_for_inference(data, tmp_path):
    images, labels = data
    model = compiled("mixed_float16")
    model.fit(images, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    assert type(loaded) is MultiExitModel
    assert not loaded.compiled
    expected = model.predict(images, verbose=0)
    for name, scores in loaded.predict(images, verbose=0).items():
        np.testing.assert_allclose(scores, expected[name], atol=1e-3)


IMAGES = np.arange(48, dtype="uint8").reshape(12, 2, 2, 1)
LABELS = np.arange(12) % CLASSES


def fitted(labels, how):
    model = tiny.compiled()
    options = {"batch_size": 6, "verbose": 0}
    if how == "fit":
        found = model.fit(IMAGES, labels, shuffle=False, **options)
        return {name: value[0] for name, value in found.history.items()}
    return model.evaluate(IMAGES, labels, return_dict=True, **options)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fit", "evaluate"])
def test_labels_in_a_column_are_labels(how):
    column = fitted(LABELS[:, None], how)
    assert column == fitted(LABELS, how)
    shares = fitted(np.eye(CLASSES)[LABELS], how)
    assert shares == pytest.approx(column, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fit", "evaluate"])
@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (LABELS + 1, r"label 3 is of no class: expected 0 to 2"),
        (LABELS[:, None] - 1, r"label -1 is of no class"),
        (np.eye(4)[LABELS], r"shape \(6, 4\).*\(batch, 3\)"),
        (LABELS[:, None, None], r"shape \(6, 1, 1\)"),
        (None, "labels are missing"),
        ([LABELS, LABELS], "2 sets of labels: expected one, which all exits"),
    ],
    ids=["large", "negative", "wide", "deep", "none", "one an exit"],
)
def test_labels_that_are_none(how, labels, told):
    with pytest.raises(InputError, match=told):
        fitted(labels, how)


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", keras.losses.Hinge(), None]
)
def test_a_loss_of_one_output_is_refused(loss):
    with pytest.raises(InputError, match="losses.CumulativeLoss"):
        tiny.model().compile("sgd", loss)


def test_no_threshold_is_the_plain_sum():
    exit_loss = losses.exit_loss("ce", [1, 1, 1])
    without = CumulativeLoss(exit_loss, CLASSES, train_threshold=None)
    assert without.train_threshold == np.inf
    for wrong in ("auto", np.nan, 0, [0.9]):
        with pytest.raises(InputError, match="train_threshold"):
            CumulativeLoss(exit_loss, CLASSES, train_threshold=wrong)
