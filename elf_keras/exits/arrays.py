"""NumPy and tensors under one set of names.

Each is imported only when it is needed: what is written with this runs without
Keras, too, and `--help` without either.
"""

_HALF_PRECISION = ("float16", "bfloat16")


class _NumPy:
    """NumPy under the few names that `keras.ops` uses."""

    def __getattr__(self, name):
        import numpy

        return getattr(numpy, name)

    @staticmethod
    def cast(values, dtype):
        import numpy

        return numpy.asarray(values).astype(dtype)

    @staticmethod
    def dtype(values):
        return values.dtype

    @staticmethod
    def convert_to_tensor(values):
        import numpy

        return numpy.asarray(values)


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
    import numpy

    plain = isinstance(values, (numpy.ndarray, numpy.generic))
    return _NumPy() if plain else _Tensors()


def at_least_float32(values):
    """Raise half precision: a bfloat16 softmax has steps of 1/256."""
    ops = of(values)
    if str(ops.dtype(values)) in _HALF_PRECISION:
        return ops.cast(values, "float32")
    return values
