"""Early leaving in a graph, beyond what the exported files show.

That survivors alone go on, and that no stage runs for nobody, is read from
the nodes that a reloaded SavedModel ran (test_saved_model.py); nested IF from
the answers of the single file (test_bundle.py).
"""

import made_plugin
import numpy as np
import pytest
import tensorflow as tf

from elf_keras import plugins
from elf_keras.deploy import graphs
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule


class Even:
    """A first stage whose two scores are equal: confidence is one half."""

    output = {"exit_1": tf.zeros((1, 2)), "features": tf.zeros((1, 2))}

    def __call__(self, features, training):
        assert training is False
        return {"exit_1": features, "features": features}


class Last:
    output = {"exit_2": tf.zeros((1, 2))}

    def __call__(self, features, training):
        assert training is False
        return {"exit_2": features}


def test_a_confidence_equal_to_the_threshold_stays():
    images = tf.zeros((2, 2))
    limits = tf.constant([[0.5], [0.49999]])
    found = graphs.leave_early([Even(), Last()], images, limits)
    assert found["exit"].numpy().tolist() == [2, 1]
    np.testing.assert_array_equal(found["scores"], images)


class Column:
    """A stage whose logits are (m, 0), m in its column of the features."""

    def __init__(self, number):
        self._number = number
        self.output = {f"exit_{number}": tf.zeros((1, 2))}

    def __call__(self, features, training):
        margin = features[:, self._number - 1]
        logits = tf.stack([margin, tf.zeros_like(margin)], 1)
        return {f"exit_{self._number}": logits, "features": features}


def test_each_image_has_the_answer_of_its_own_exit():
    """By its own s: sigmoid(1) = 0.731 leaves at 0.7, 0.924 stays at 0.95."""
    images = [[0.5, 2, 9], [1, 9, 9], [0.5, 0.4, 3], [0.5, 2.5, 4], [1.5, 2, 9]]
    limits = [[0.7, 0.7], [0.7, 0.7], [0.7, 0.7], [0.7, 0.95], [0.9, 0.7]]
    stages = [Column(1), Column(2), Column(3)]
    found = graphs.leave_early(stages, tf.constant(images), tf.constant(limits))
    assert found["exit"].numpy().tolist() == [2, 1, 3, 3, 2]
    assert found["scores"][:, 0].numpy().tolist() == [2, 1, 3, 4, 2]
    sure = [0.880797, 0.731059, 0.952574, 0.982014, 0.880797]
    np.testing.assert_allclose(found["confidence"], sure, atol=1e-6)


def test_a_rule_of_numpy_alone_is_no_part_of_a_graph():
    def of_numpy(logits):
        """Confidence of NumPy arrays."""
        return exit_rule.confidence(np.array(logits))

    with made_plugin.forgotten():
        plugins.exit_rule("of_numpy")(of_numpy)
        plugins.exit_rule("of_both")(exit_rule.confidence)
        says = r"'of_numpy' cannot be put into a graph \(.*_graphs fails on"
        says += r" \(None, 1, 3\): .* \(test_graphs.py, line .*suits tensors"
        with pytest.raises(InputError, match=says):
            graphs.check_rule("of_numpy", classes=3)
        graphs.check_rule("of_both", classes=3)
