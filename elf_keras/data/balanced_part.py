"""A part of some examples, as balanced as it can be."""

import numpy as np

from elf_keras.data import splits


def some(examples: splits.Examples, most: int, seed: int) -> splits.Examples:
    """Return at most so many examples, in order, rare classes whole.

    The same number and seed give the same ones again. Where there are more
    classes than `most`, some have none.

    Args:
      most: examples, 1 or more.
    """
    if len(examples) <= most:
        return examples
    return examples.take(_balanced(examples.labels, most, seed))


def _balanced(labels, limit, seed):
    """Indices of at most so many images, rare classes whole, in order.

    Where there are more classes, some have none.
    """
    counts = np.bincount(labels)
    quota = counts.max()
    if len(labels) > limit:
        quotas = np.arange(1, quota + 1)
        totals = np.minimum(counts, quotas[:, None]).sum(1)
        quota = max(1, int((totals <= limit).sum()))
    order = np.random.default_rng(seed).permutation(len(labels))
    of_class = [
        order[labels[order] == each][:quota] for each in np.unique(labels)
    ]
    chosen = np.concatenate(of_class)
    if len(chosen) > limit:
        chosen = np.random.default_rng(seed).choice(chosen, limit, False)
    return np.sort(chosen)
