"""NumPy and tensors under one set of names.

Keras is imported only when a tensor comes, so that what is written with this
runs without it, too.
"""

import numpy as np

_HALF_PRECISION = ("float16", "bfloat16")


class _NumPy:
    """NumPy under the few names that `keras.ops` uses."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def cast(values, dtype):
        return np.asarray(values).astype(dtype)

    @staticmethod
    def dtype(values):
        return values.dtype


class _Tensors:
    """`keras.ops`, with the dtype of a tensor under the same name."""

    def __getattr__(self, name):
        import keras

        return getattr(keras.ops, name)

    @staticmethod
    def dtype(values):
        import keras

        return keras.backend.standardize_dtype(values.dtype)


def of(values):
    """Return the functions that suit an array: NumPy's, or `keras.ops`."""
    plain = isinstance(values, (np.ndarray, np.generic))
    return _NumPy() if plain else _Tensors()


def at_least_float32(values):
    """Raise half precision: a bfloat16 softmax has steps of 1/256."""
    ops = of(values)
    if str(ops.dtype(values)) in _HALF_PRECISION:
        return ops.cast(values, "float32")
    return values
