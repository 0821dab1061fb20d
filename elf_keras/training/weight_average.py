"""An average of the weights over the steps: what is scored, chosen and saved.

Training goes on with the weights themselves. Keras' own, the `use_ema` of its
optimizers, is not used: it leaves out batch statistics, which then belong to
other weights, starts without a ramp, and lives in the optimizer, whose state
neither a validation in between nor the best epoch's file has.
"""

import keras
import tensorflow as tf

from elf_keras.errors import InputError
from elf_keras.models.multi_exit_model import MultiExitModel

# Their squares of rounding would pile up: 0.001 (w - a) is lost in bfloat16.
_EXACT = ("float32", "float64")


class WeightAverage:
    """a ← d a + (1 - d) w after every step, w all weights and statistics.

    d = min(decay, (1 + n) / (10 + n)) with n steps before this one, so that
    the first weights, which know nothing, are soon forgotten. n is the
    optimizer's count, which checkpoints hold.

    Args:
      model: compiled; from now on its steps move the average, which begins
        with its present weights.
      decay: in (0, 1]; 1 leaves the ramp alone.

    Attributes:
      model: the same network, with the average as its weights.

    Raises:
      InputError: for weights of less than float32.

    Reference: Polyak and Juditsky 1992, *Acceleration of Stochastic
    Approximation by Averaging*; the ramp is `tf.train`'s.
    """

    def __init__(self, model: MultiExitModel, decay: float):
        with model.distribute_strategy.scope():
            self.model = MultiExitModel.from_config(model.get_config())
            self.model.set_weights(model.get_weights())
        self.decay = decay
        self._pairs = _variables(self.model, model)
        self._steps = model.optimizer
        model.after_step = self.update

    def update(self) -> None:
        """Move the average towards the weights, in a step of a replica."""
        # Of each replica its own: they are alike, and nothing is sent.
        tf.__internal__.distribute.interim.maybe_merge_call(
            self._move, tf.distribute.get_strategy(), self._rate()
        )

    def _rate(self):
        """1 - d, where the optimizer has counted this step already."""
        steps = tf.cast(self._steps.iterations.value, "float32")
        return 1 - tf.minimum(self.decay, steps / (9 + steps))

    def _move(self, strategy, rate):
        for average, weight in self._pairs:
            strategy.extended.update(
                average, _toward, args=(weight, rate), group=False
            )


def _toward(average, weight, rate):
    if average.dtype.is_floating:
        # As a difference: what does not move, such as frozen weights, stays.
        step = tf.cast(rate, average.dtype) * (weight - average)
        average.assign_add(step)
    else:
        average.assign(weight)


def _variables(averaged, model):
    """The two models' variables of TensorFlow, in pairs."""
    pairs = list(zip(averaged.weights, model.weights, strict=True))
    for _, weight in pairs:
        inexact = keras.backend.is_float_dtype(weight.dtype)
        if inexact and weight.dtype not in _EXACT:
            raise InputError(
                f"an average needs weights in float32; {weight.path} is in "
                f"{weight.dtype}: train without --average_weights"
            )
    return [(average.value, weight.value) for average, weight in pairs]
