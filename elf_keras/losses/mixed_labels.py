"""Labels as numbers of classes, or as shares of two classes that were mixed."""

from keras import ops

from elf_keras.errors import InputError


def by_share(labels, classes: int):
    """Split labels into shares and classes, the larger share first.

    Args:
      labels: `(batch,)` or `(batch, 1)` integers, or `(batch, classes)` shares
        of at most two classes.

    Returns:
      Shares, None or two of `(batch,)`; and as many classes, one for integers,
      each int32 `(batch,)`.

    Raises:
      InputError: where there are no labels, or they have another shape.
    """
    labels = _checked(labels, classes)
    if len(labels.shape) == 1:
        return None, [ops.cast(labels, "int32")]
    shares, found = ops.top_k(labels, k=2)
    found = ops.cast(found, "int32")
    return [shares[:, 0], shares[:, 1]], [found[:, 0], found[:, 1]]


def parts_of_weight(shares, weights):
    """Each class' part of an example's weight, and that weight Σ_c s_c w_c.

    Shares are those of `by_share`, weights w_c of its classes, `(batch,)`; so
    are the parts, None without shares; they sum to 1 where the weight is not 0.
    """
    whole = mix(shares, weights)
    if shares is None:
        return None, whole
    parts = [
        ops.divide_no_nan(ops.cast(share, weight.dtype) * weight, whole)
        for share, weight in zip(shares, weights, strict=True)
    ]
    return parts, whole


def mix(shares, values):
    """Σ_c s_c v_c of values `(batch, …)` for each class, or the one value."""
    if shares is None:
        return values[0]
    first, second = values
    column = (-1,) + (1,) * (len(first.shape) - 1)
    shares = [
        ops.cast(ops.reshape(share, column), first.dtype) for share in shares
    ]
    return shares[0] * first + shares[1] * second


def _checked(labels, classes):
    """Labels as a tensor; those of `keras.datasets` lose their column."""
    if labels is None:
        raise InputError(
            "labels are missing: give the numbers of the classes beside the "
            "images"
        )
    if _several(labels, classes):
        raise InputError(
            f"{len(labels)} sets of labels: expected one, which all exits share"
        )
    labels = ops.convert_to_tensor(labels)
    shape = tuple(labels.shape)
    if len(shape) == 2 and shape[1] == 1:
        return labels[:, 0]
    if len(shape) != 1 and shape[1:] not in ((classes,), (None,)):
        raise InputError(
            f"labels of shape {shape}: expected numbers of classes, (batch,), "
            f"or shares of all classes, (batch, {classes})"
        )
    return labels


def _several(labels, classes):
    """Whether there is a set for each exit; rows of labels make one set."""
    if not isinstance(labels, (list, tuple)) or not labels:
        return isinstance(labels, dict)
    shape = tuple(getattr(labels[0], "shape", ()))
    return len(shape) > 0 and shape not in ((1,), (classes,))
