"""Digits that come with scikit-learn: runs anywhere, offline, in a minute."""

import numpy as np

from elf_keras.data import data_request, long_tail, splits
from elf_keras.data.sources import assembly

TEST_FRACTION = 0.25
BRIGHTEST = 16


def digits_lt(request: data_request.Request) -> splits.Splits:
    """1,797 grey digits of 8 x 8 pixels, the training part long-tailed.

    A quarter of every class is the test split; the rest follows
    `long_tail.exponential_counts` with digit 0 as the largest class.
    Source: Alpaydin and Kaynak, *Optical Recognition of Handwritten Digits*.
    """
    from sklearn import datasets

    source = datasets.load_digits()
    grey = np.rint(source.images * (255 / BRIGHTEST)).astype(np.uint8)
    everything = splits.Examples(
        grey[..., np.newaxis],
        source.target.astype(np.int32),
        tuple(f"digits:{index}" for index in range(len(grey))),
    )
    rest, test = splits.cut(everything, TEST_FRACTION, seed=request.seed)
    names = tuple(str(name) for name in source.target_names)
    return long_tailed(rest, test, names, request)


def long_tailed(
    balanced: splits.Examples,
    test: splits.Examples,
    class_names: tuple[str, ...],
    request: data_request.Request,
) -> splits.Splits:
    """Splits whose training part is subsampled from balanced examples.

    The smallest class sets the largest count, so that every class has
    enough; the test examples stay as they are.
    """
    classes = len(class_names)
    largest = int(np.bincount(balanced.labels, minlength=classes).min())
    counts = long_tail.exponential_counts(largest, classes, request.imbalance)
    chosen = balanced.take(
        long_tail.subsample(balanced.labels, counts, request.seed)
    )
    parts = {"train": chosen, "test": test}
    return assembly.assembled(parts, class_names, request)
