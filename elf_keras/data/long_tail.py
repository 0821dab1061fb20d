"""Which training images a long-tailed data set keeps, and in which group.

The exponential profile and the shot groups are those of LDAM (section 4.2)
and of *Large-Scale Long-Tailed Recognition in an Open World*; numpy only.
"""

from collections.abc import Hashable, Sequence

import numpy as np

from elf_keras.errors import InputError

MANY_ABOVE = 100
FEW_BELOW = 20


def exponential_counts(
    largest: int, classes: int, imbalance: float
) -> np.ndarray:
    """Images per class of a profile that decays from the first to the last.

    n_c = int(n_max * (1 / IF)^(c / (C - 1))), c = 0 ... C - 1, for the
    largest class n_max, C classes and the imbalance IF.

    Raises:
      InputError: for an imbalance below 1, or no class or no image.
    """
    if not imbalance >= 1:
        raise InputError(
            f"imbalance {imbalance}: expected the largest class over the "
            "smallest, 1 or more; use 1 for a balanced set"
        )
    if largest < 1 or classes < 1:
        raise InputError(
            f"{classes} classes of at most {largest} images: expected at "
            "least one of each; check the data"
        )
    steps = max(classes - 1, 1)
    return np.array(
        [int(largest * (1 / imbalance) ** (c / steps)) for c in range(classes)]
    )


def subsample(labels: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    """Indices of a random `counts[c]` examples of every class c.

    One `RandomState(seed)` stream serves the classes in ascending order. The
    indices are ascending too, so examples keep their source order.

    Raises:
      InputError: naming the class that has fewer images than asked.
    """
    labels = np.asarray(labels)
    generator = np.random.RandomState(seed)
    chosen = [np.zeros(0, np.int64)]
    for number, count in enumerate(counts):
        members = np.flatnonzero(labels == number)
        if len(members) < count:
            raise InputError(
                f"class {number} has {len(members)} images, {count} were "
                "asked for: lower the largest count or the imbalance"
            )
        generator.shuffle(members)
        chosen.append(members[:count])
    return np.sort(np.concatenate(chosen))


def shot_groups(class_counts: np.ndarray) -> dict[str, np.ndarray]:
    """Masks of the classes with many, medium and few training images.

    many: n_c > 100; medium: 20 <= n_c <= 100; few: n_c < 20, where n_c are
    the counts before any validation cut; each mask is (classes,).
    """
    counts = np.asarray(class_counts)
    many, few = counts > MANY_ABOVE, counts < FEW_BELOW
    return {"many": many, "medium": ~many & ~few, "few": few}


def cut_validation(
    labels: np.ndarray,
    fraction: float,
    *,
    seed: int,
    groups: Sequence[Hashable] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Split training indices in two, class by class.

    A class of n gives round(fraction * n) images, at least one if n >= 2,
    and never its last. Whole groups change sides: the share is then met as
    nearly as their sizes allow, and a class with one group keeps it. `groups`
    holds one per example, such as its track or its patient; a group may span
    classes. One random stream serves the classes in ascending order.

    Returns:
      (train_indices, validation_indices), both ascending.

    Raises:
      InputError: for a fraction outside [0, 1), or wrongly many groups.
    """
    labels = np.asarray(labels)
    if not 0 <= fraction < 1:
        raise InputError(
            f"validation fraction {fraction}: expected 0 <= fraction < 1, "
            "such as 0.1"
        )
    if groups is not None and len(groups) != len(labels):
        raise InputError(
            f"{len(groups)} groups for {len(labels)} examples: give one each"
        )
    generator = np.random.RandomState(seed)
    if fraction == 0 or not len(labels):
        cut = np.zeros(len(labels), bool)
    elif groups is None:
        cut = _cut_examples(labels, fraction, generator)
    else:
        cut = _cut_groups(labels, fraction, generator, groups)
    return np.flatnonzero(~cut), np.flatnonzero(cut)


def _share(examples: int, fraction: float) -> int:
    return min(max(round(fraction * examples), 1), examples - 1)


def _cut_examples(labels, fraction, generator) -> np.ndarray:
    cut = np.zeros(len(labels), bool)
    for number in np.unique(labels):
        members = np.flatnonzero(labels == number)
        generator.shuffle(members)
        cut[members[: _share(len(members), fraction)]] = True
    return cut


def _cut_groups(labels, fraction, generator, groups) -> np.ndarray:
    numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    owner = np.array([numbers[group] for group in groups])
    held, left = _Held(owner, labels), np.bincount(labels)
    taken = np.zeros(len(numbers), bool)

    def able(group):
        """Whether it may leave without emptying a class."""
        classes, sizes = held.by(group)
        return not taken[group] and np.all(left[classes] > sizes)

    def take(group):
        taken[group] = True
        classes, sizes = held.by(group)
        left[classes] -= sizes

    for number in np.unique(labels):
        own, sizes = held.of(number)
        keep = sizes.sum() - _share(sizes.sum(), fraction)
        for group in generator.permutation(own):
            size = sizes[np.searchsorted(own, group)]
            if left[number] - size / 2 > keep and able(group):
                take(group)
        if not taken[own].any():
            # All exceed its share: the smallest that may leave, if any.
            smallest = own[np.argsort(sizes, kind="stable")]
            for group in [g for g in smallest if able(g)][:1]:
                take(group)
    return taken[owner]


class _Held:
    """How many images of which class each group holds, but for zeros.

    A table would be too large where groups are as many as images.
    """

    def __init__(self, owner: np.ndarray, labels: np.ndarray):
        classes = labels.max() + 1
        keys, self._sizes = np.unique(
            owner * classes + labels, return_counts=True
        )
        self._groups, self._classes = np.divmod(keys, classes)
        self._by_class = np.argsort(self._classes, kind="stable")
        self._ascending = self._classes[self._by_class]

    def by(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        """The classes of a group, and its images of each."""
        ends = np.searchsorted(self._groups, (group, group + 1))
        rows = slice(*ends)
        return self._classes[rows], self._sizes[rows]

    def of(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The groups with images of a class, ascending, and how many."""
        ends = np.searchsorted(self._ascending, (number, number + 1))
        rows = self._by_class[slice(*ends)]
        return self._groups[rows], self._sizes[rows]
