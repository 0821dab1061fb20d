"""Early leaving in a graph, beyond what the exported files show.

That survivors alone go on, and that no stage runs for nobody, is read from
the nodes that a reloaded SavedModel ran (test_saved_model.py); nested IF from
the answers of the single file (test_bundle.py).
"""

import numpy as np
import tensorflow as tf

from elf_keras.deploy import graphs


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
