"""When an example leaves: one rule for loss, evaluation, sweep and export.

With p = softmax(logits of exit k): in training an example is satisfied at k
if argmax p = y and p[y] > t; at inference if max p > s. It takes the first
exit that satisfies it, else the last one. HAR, Sec. III-B (Eq. 4), III-C
(Eq. 7 and 8). `certainty` has what may stand for max p at inference.

Every function takes NumPy arrays and tensors alike: logits `(batch, exits,
classes)`, what is satisfied `(batch, exits)`. Keras is imported only when a
tensor comes, so that an edge runner can use this file without it.
"""

from elf_keras.exits import arrays
from elf_keras.exits.arrays import at_least_float32


def exit_names(exits: int) -> tuple[str, ...]:
    """Names of a model's outputs: exit_1 … exit_K."""
    return tuple(f"exit_{number}" for number in range(1, exits + 1))


def stack_exits(outputs):
    """Named outputs as one array `(batch, exits, classes)`, in float32."""
    logits = [outputs[name] for name in exit_names(len(outputs))]
    return arrays.of(logits[0]).stack(
        [at_least_float32(each) for each in logits], axis=1
    )


def sum_of_exits(logits, exit_weights):
    """What summed predictions are trained and answered by: Σ_k α_k z_k.

    In at least float32, `(batch, classes)`.

    Args:
      exit_weights: α, `(exits,)`.

    Reference: HAR, Eq. 2.
    """
    ops = arrays.of(logits)
    logits = at_least_float32(logits)
    weights = ops.cast(exit_weights, ops.dtype(logits))
    return ops.sum(weights[:, None] * logits, axis=1)


def confidence(logits):
    """Largest class probability: 1 / Σ_c e^(z_c - max z), `(...)` in (0, 1]."""
    ops = arrays.of(logits)
    logits = at_least_float32(logits)
    largest = ops.max(logits, axis=-1, keepdims=True)
    return 1.0 / ops.sum(ops.exp(logits - largest), axis=-1)


def satisfied(logits, threshold):
    """Inference rule h: confidence above the threshold, label unknown.

    Args:
      threshold: s; a number, `(exits,)`, or `(batch, exits)`.
    """
    return above(confidence(logits), threshold)


def above(reached, threshold):
    """Rule h on confidence, or other certainty, that is already there."""
    ops = arrays.of(reached)
    # In one type: float32 holds 0.1 a little above float64's 0.1.
    return reached > ops.cast(threshold, ops.dtype(reached))


def satisfied_with_label(logits, labels, threshold):
    """Training rule g: correct, and confidence above the threshold.

    A mixed image (MixUp, CutMix) counts as correct when the class with the
    larger share is predicted; pass that class here.

    Args:
      threshold: t; infinity means that no example ever leaves.
    """
    ops = arrays.of(logits)
    predictions = ops.argmax(logits, axis=-1)
    correct = predictions == ops.cast(labels[:, None], ops.dtype(predictions))
    return ops.logical_and(correct, satisfied(logits, threshold))


def active_mask(satisfied_at):
    """Exits an example passes: all up to and including the one it takes.

    The last column of `satisfied_at` has no effect: who gets there leaves.
    """
    ops = arrays.of(satisfied_at)
    counts = ops.cast(satisfied_at, "int32")
    return ops.cumsum(counts, axis=-1) - counts == 0


def exit_taken(satisfied_at):
    """Index of the first satisfied exit, else of the last."""
    ops = arrays.of(satisfied_at)
    passed = ops.cast(active_mask(satisfied_at), "int32")
    return ops.sum(passed, axis=-1) - 1
