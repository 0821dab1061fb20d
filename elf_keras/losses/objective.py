"""The hardness-aware cumulative objective; without threshold, a plain sum.

L_i = Σ_k active_ik ℓ(z_i^(k), y_i): an example adds the loss of every exit
up to the one it takes, so harder examples add more. HAR, Sec. III-B, Eq. 4.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from elf_keras.distribution.replicas import sum_over_replicas
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.losses import mixed_labels


@dataclasses.dataclass(frozen=True)
class Terms:
    """What one batch adds to the objective, before any reduction.

    Attributes:
      exit_losses: ℓ of each example and exit, `(batch, exits)`; of mixed
        labels Σ_c s_c w_c ℓ(z, c) / Σ_c s_c w_c.
      active: 1 up to the exit taken, 0 after it, `(batch, exits)`.
      example_weights: class weight times sample weight, `(batch,)`.
      sample_weights: 1, or what the data gave, `(batch,)`.
      correct: the (larger) class is the prediction, `(batch, exits)`.
    """

    exit_losses: tf.Tensor
    active: tf.Tensor
    example_weights: tf.Tensor
    sample_weights: tf.Tensor
    correct: tf.Tensor


class CumulativeLoss:
    """Loss of a multi-exit model, summed up to the exit an example takes.

    L = Σ_i w_{y_i} Σ_k active_ik ℓ_ik / Σ_i w_{y_i}, both sums over all
    replicas, so that N replicas and one give the same gradient, and leaving
    early lowers an example's share. Labels are class indices `(batch,)` or
    `(batch, 1)`, or shares s `(batch, classes)` of at most two classes (MixUp,
    CutMix): then w ℓ is Σ_c s_c w_c ℓ(z, c), so that a rare class' weight does
    not lift the common class it is mixed with, the denominator's w is
    Σ_c s_c w_c, and "correct" means that the class with the larger share is
    predicted. A strongly mixed image so counts as hard.

    Args:
      exit_loss: `loss(logits, labels)` per example and exit; see `exit_loss`.
      train_threshold: t in (0, 1); infinity (default) or None is the plain
        sum.
      normalization: a key of `NORMALIZATIONS`.
      weights: the variable of class weights, where the loss looks at them,
        too; see `unit_weights`.

    Attributes:
      class_weights: variable `(classes,)`, all 1; assign to re-weight.
      cosine: whether the loss takes cosines for logits, as LDAM does.

    Raises:
      InputError: for a loss that is a name, an unknown normalization, a
        threshold that is none.

    Reference: Duggal et al., HAR, Sec. III-B; ELF, Sec. 3.
    """

    def __init__(
        self,
        exit_loss: Callable,
        classes: int,
        *,
        train_threshold: float | None = np.inf,
        normalization: str = "class_weights",
        weights: keras.Variable | None = None,
    ):
        if normalization not in NORMALIZATIONS:
            raise InputError(
                f"loss normalization {normalization!r} is unknown; choose one "
                f"of {list(NORMALIZATIONS)}"
            )
        of_keras = isinstance(exit_loss, keras.losses.Loss)
        if of_keras or not callable(exit_loss):
            told = exit_loss.name if of_keras else repr(exit_loss)
            raise InputError(
                f"exit loss {told}: expected a function of logits and labels, "
                'such as losses.exit_loss("ce", class_counts)'
            )
        self.exit_loss = exit_loss
        self.cosine = getattr(exit_loss, "cosine", False)
        self.train_threshold = _checked_threshold(train_threshold)
        self.normalization = NORMALIZATIONS[normalization]
        self.class_weights = (
            unit_weights(classes) if weights is None else weights
        )

    def __call__(self, labels, outputs, sample_weight=None):
        """Return the scalar loss of a batch of named outputs."""
        return self.reduce(self.terms(labels, outputs, sample_weight))

    def terms(self, labels, outputs, sample_weight=None) -> Terms:
        """Return the losses, masks and weights of a batch.

        Args:
          labels: `(batch,)` or `(batch, 1)` integers, or `(batch, classes)`
            shares.
          outputs: dict of named outputs, each `(batch, classes)`.

        Raises:
          InputError: for labels of another shape.
        """
        logits = exit_rule.stack_exits(outputs)
        classes = self.class_weights.shape[0]
        shares, labels = mixed_labels.by_share(labels, classes)
        losses = [self._exit_losses(logits, label) for label in labels]
        weights = [ops.take(self.class_weights, label) for label in labels]
        parts, weights = mixed_labels.parts_of_weight(shares, weights)
        if sample_weight is None:
            sample_weight = ops.ones_like(weights)
        sample_weight = ops.cast(sample_weight, weights.dtype)
        label = labels[0]
        reached = exit_rule.active_mask(self._satisfied(logits, label))
        predicted = ops.cast(ops.argmax(logits, axis=-1), label.dtype)
        return Terms(
            exit_losses=mixed_labels.mix(parts, losses),
            active=ops.stop_gradient(ops.cast(reached, logits.dtype)),
            example_weights=ops.cast(weights * sample_weight, logits.dtype),
            sample_weights=ops.cast(sample_weight, logits.dtype),
            correct=ops.cast(predicted == label[:, None], logits.dtype),
        )

    def leaves(self, labels, logits):
        """Tell who satisfies the training rule where, `(batch, exits)`.

        Args:
          labels: as in `terms`.
          logits: `(batch, exits, classes)`, of one exit or of several.
        """
        classes = self.class_weights.shape[0]
        _, (label, *_) = mixed_labels.by_share(labels, classes)
        return self._satisfied(logits, label)

    def reduce(self, terms: Terms):
        """Return the scalar loss: this replica's part of the global mean."""
        weighted = terms.active * terms.example_weights[:, None]
        denominators = ops.stop_gradient(
            sum_over_replicas(self.normalization(terms, weighted))
        )
        sums = ops.sum(weighted * terms.exit_losses, axis=0)
        return ops.sum(ops.divide_no_nan(sums, denominators))

    def loss_of_equal_logits(self, exits: int) -> float:
        """Largest loss of an example, all logits 0, nobody leaving.

        That of the rarest class, where the loss knows how many images classes
        have.
        """
        classes, found = self.class_weights.shape[0], []
        for start in range(0, classes, _AT_ONCE):
            labels = ops.arange(start, min(start + _AT_ONCE, classes))
            logits = ops.zeros((len(labels), exits, classes))
            losses = self._exit_losses(logits, ops.cast(labels, "int32"))
            found.append(float(ops.max(ops.sum(losses, axis=-1))))
        return max(found)

    def _satisfied(self, logits, label):
        threshold = self.train_threshold
        return exit_rule.satisfied_with_label(logits, label, threshold)

    def _exit_losses(self, logits, labels):
        exits = logits.shape[1]
        found = self.exit_loss(logits, ops.tile(labels[:, None], [1, exits]))
        if len(found.shape) != 2:
            raise InputError(
                f"exit loss {getattr(self.exit_loss, 'name', self.exit_loss)} "
                f"returns {tuple(found.shape)}: expected one value for each "
                "example and exit, (batch, exits), as losses.exit_loss gives"
            )
        return found


def unit_weights(classes: int) -> keras.Variable:
    """Return a variable of class weights, `(classes,)`, all 1."""
    return keras.Variable(np.ones(classes), dtype="float32", trainable=False)


def _by_class_weights(terms, weighted):
    """Denominator Σ w for every exit: leaving lowers an example's share."""
    return ops.sum(terms.example_weights)


def _by_batch_size(terms, weighted):
    """Denominator: the number of examples, so that small weights shrink L."""
    return ops.sum(terms.sample_weights)


def _by_survivors(terms, weighted):
    """Denominator per exit: the weight of the examples that got there."""
    return ops.sum(weighted, axis=0)


# Classes whose loss is computed at a time.
_AT_ONCE = 64
NORMALIZATIONS = {
    "class_weights": _by_class_weights,
    "batch_size": _by_batch_size,
    "survivors": _by_survivors,
}


def _checked_threshold(value):
    if value is None:
        return np.inf
    number = isinstance(value, (int, float, np.number))
    if not number or not (0 < value < 1 or value == np.inf):
        raise InputError(
            f"train_threshold={value!r}: expected a confidence in (0, 1), or "
            "None where nobody is to leave in training"
        )
    return value
