"""What does not fit a model with exits is said in one sentence."""

import keras
import numpy as np
import pytest
import tiny

from elf_keras import losses, models
from elf_keras.errors import InputError

COUNTS = [9, 6, 3]


def objective(name="ce"):
    return losses.CumulativeLoss(losses.exit_loss(name, COUNTS), 3)


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(),
        {"exit_1": "mse"},
    ],
)
def test_losses_of_one_output_are_refused(loss):
    with pytest.raises(InputError, match="is of one output; .*CumulativeLoss"):
        tiny.model().compile("sgd", loss)


def test_without_a_loss_it_says_which_one_to_give():
    with pytest.raises(InputError, match="no loss is given; .*CumulativeLoss"):
        tiny.model().compile("sgd")


@pytest.mark.parametrize("make", [tiny.model, lambda: "resnet8"])
def test_a_backbone_is_given_by_its_keyword(make):
    with pytest.raises(InputError, match=r"expected the image shape; .*bone=…"):
        models.build(make(), 3)


def test_a_loss_of_cosines_needs_cosine_classifiers():
    with pytest.raises(InputError, match=r"'ldam' takes cosines.*cosine=True"):
        tiny.model().compile("sgd", objective("ldam"))
    heads = models.Heads("separable", cosine=True)
    model = models.build((8, 8, 1), 3, backbone="resnet8", heads=heads)
    model.compile("sgd", objective("ldam"))
    model.compile("sgd", objective("ce"))


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"metrics": ["accuracy"]}, r"metrics=\['accuracy'\].*exit_1_accuracy"),
        ({"weighted_metrics": ["acc"]}, "weighted_metrics=.*leave them out"),
        ({"loss_weights": [1, 2]}, "takes no loss_weights for a model with ex"),
        ({"steps_per_execution": 4}, "takes no steps_per_execution"),
    ],
)
def test_what_keras_takes_for_one_output_is_refused(others, says):
    with pytest.raises(InputError, match=says):
        tiny.model().compile("sgd", objective(), **others)


def test_what_says_nothing_is_taken():
    model, data = tiny.model(), tiny.data().train
    model.compile("sgd", objective(), metrics=None, loss_weights=None)
    logs = model.fit(data.images, data.labels, verbose=0).history
    assert np.isfinite(logs["loss"]).all()


def test_keras_itself_loads_a_model_that_was_compiled(tmp_path):
    model, data = tiny.compiled(), tiny.data().test
    model.save(tmp_path / "model.keras")
    found = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(found, models.MultiExitModel)
    for name, logits in model.predict(data.images, verbose=0).items():
        again = found.predict(data.images, verbose=0)[name]
        np.testing.assert_allclose(again, logits, atol=1e-6)
