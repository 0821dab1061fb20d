"""A plug-in's loss in the table, and what is none in one sentence."""

import keras
import made_plugin
import numpy as np
import pytest

from elf_keras import losses, plugins
from elf_keras.errors import InputError
from elf_keras.losses import across_exits, exit_losses

COUNTS = [16, 4, 1]
LOGITS = np.random.default_rng(0).normal(size=(5, 2, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 0, 1])[:, None].repeat(2, 1)


@pytest.fixture(autouse=True)
def forgotten():
    with made_plugin.forgotten():
        yield


def shifted(logits, labels, *, log_priors, class_counts, shift=1.0):
    """Balanced softmax, and a shift times the smallest count."""
    found = exit_losses.balanced_softmax(logits, labels, log_priors=log_priors)
    return found + shift * keras.ops.min(class_counts)


def plain(logits, labels):
    """Cross-entropy."""
    return exit_losses.cross_entropy(logits, labels)


def mean(logits, labels):
    """One number for the whole batch."""
    return keras.ops.mean(exit_losses.cross_entropy(logits, labels))


def failing(logits, labels):
    """Has a mistake."""
    return logits + labels


def test_it_is_bound_to_the_class_counts_as_the_packages_own():
    plugins.loss("shifted")(shifted)
    own = losses.exit_loss("balanced_softmax", COUNTS)(LOGITS, LABELS)
    found = losses.exit_loss("shifted", COUNTS, shift=0.5)
    np.testing.assert_allclose(found(LOGITS, LABELS), own + 0.5, rtol=1e-5)
    assert (found.name, found.parameters) == ("shifted", {"shift": 0.5})
    with pytest.raises(InputError, match="takes no tau; it takes shift"):
        losses.exit_loss("shifted", COUNTS, tau=1.0)


def test_one_that_takes_no_counts_does_without_them():
    plugins.loss("plain")(plain)
    found = losses.exit_loss("plain")(LOGITS, LABELS)
    own = losses.exit_loss("ce")(LOGITS, LABELS)
    np.testing.assert_array_equal(found, own)
    plugins.loss("shifted")(shifted)
    with pytest.raises(InputError, match="'shifted' needs .* is missing"):
        losses.exit_loss("shifted")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (mean, r"'made' returns \(\) for logits \(2, 3, 3\).*over the classes"),
        (
            failing,
            r"loss 'made' of the plug-in .*plugin_losses fails on \(2, 3",
        ),
        (failing, r", 3\): \w+Error: .* \(test_plugin_losses.py, line \d+\)"),
    ],
)
def test_what_is_no_loss_of_each_exit_is_refused(function, says):
    plugins.loss("made")(function)
    with pytest.raises(InputError, match=says):
        losses.exit_loss("made", COUNTS)


@pytest.mark.parametrize(
    "loss",
    ["ce", keras.losses.SparseCategoricalCrossentropy(from_logits=True), None],
)
def test_what_keras_takes_is_no_exit_loss(loss):
    with pytest.raises(InputError, match=r"losses.exit_loss\(\"ce\", class_c"):
        losses.CumulativeLoss(loss, 3)


def test_a_function_of_the_whole_batch_is_no_exit_loss():
    objective = losses.CumulativeLoss(mean, 3)
    outputs = {"exit_1": LOGITS[:, 0], "exit_2": LOGITS[:, 1]}
    with pytest.raises(InputError, match=r"returns \(\): expected one value"):
        objective(LABELS[:, 0], outputs)


def test_what_is_made_of_a_loss_of_cosines_takes_cosines():
    ldam, ce = (losses.exit_loss(name, COUNTS) for name in ("ldam", "ce"))
    for made in (
        across_exits.weighted(ldam, np.ones(2)),
        across_exits.summed(ldam, np.ones(2)),
        across_exits.distilled(ldam, weight=1.0),
    ):
        assert losses.CumulativeLoss(made, 3).cosine
    assert not losses.CumulativeLoss(across_exits.weighted(ce, [1]), 3).cosine
