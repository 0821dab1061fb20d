"""Golden counts of LDAM's splits; cuts checked by plain counting."""

import numpy as np
import pytest

from elf_keras import errors
from elf_keras.data import long_tail


@pytest.mark.parametrize(
    ("largest", "classes", "totals"),
    [
        (5000, 10, {100: 12406, 50: 13996, 10: 20431}),
        (500, 100, {100: 10847, 50: 12608, 10: 19573}),
    ],
)
def test_published_totals(largest, classes, totals):
    for imbalance, total in totals.items():
        counts = long_tail.exponential_counts(largest, classes, imbalance)
        assert counts.sum() == total


def test_counts_of_cifar10_and_at_the_edges():
    counts = long_tail.exponential_counts(5000, 10, 100)
    assert counts.tolist() == [
        *(5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50)
    ]
    assert long_tail.exponential_counts(7, 1, 100).tolist() == [7]
    assert long_tail.exponential_counts(7, 3, 1).tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("largest", "classes", "imbalance"),
    [(5, 2, 0.5), (5, 2, float("nan")), (0, 2, 1), (5, 0, 1)],
)
def test_counts_refuse(largest, classes, imbalance):
    with pytest.raises(errors.InputError):
        long_tail.exponential_counts(largest, classes, imbalance)


@pytest.mark.parametrize("seed", [5, 6])
def test_subsample_follows_one_stream_and_source_order(seed):
    labels = np.array([2, 0, 1, 0, 2, 1, 0, 2, 0, 1])
    stream = np.random.RandomState(seed)
    expected = []
    for number, count in enumerate([3, 2, 1]):
        members = [i for i, label in enumerate(labels) if label == number]
        stream.shuffle(members)
        expected += members[:count]
    chosen = long_tail.subsample(labels, [3, 2, 1], seed)
    assert chosen.tolist() == sorted(expected)
    assert np.bincount(labels[chosen]).tolist() == [3, 2, 1]


def test_subsample_names_the_short_class():
    with pytest.raises(errors.InputError, match="class 1 has 1 images, 2"):
        long_tail.subsample([0, 0, 1], [1, 2], 0)


def test_shot_groups_by_hand():
    groups = long_tail.shot_groups([101, 100, 20, 19, 0])
    assert groups["many"].tolist() == [True, False, False, False, False]
    assert groups["medium"].tolist() == [False, True, True, False, False]
    assert groups["few"].tolist() == [False, False, False, True, True]


def test_shot_groups_of_cifar100():
    counts = long_tail.exponential_counts(500, 100, 100)
    sizes = {k: v.sum() for k, v in long_tail.shot_groups(counts).items()}
    assert sizes == {"many": 35, "medium": 35, "few": 30}


@pytest.mark.parametrize(
    ("sizes", "fraction", "left"),
    [
        ([100, 14, 2, 1], 0.1, [90, 13, 1, 1]),
        ([3, 2], 0.99, [1, 1]),
        ([1, 2], 0, [1, 2]),
    ],
)
def test_cut_validation_per_class(sizes, fraction, left):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    train, validation = long_tail.cut_validation(labels, fraction, seed=0)
    assert np.bincount(labels[train]).tolist() == left
    assert sorted([*train, *validation]) == list(range(len(labels)))
    assert train.tolist() == sorted(train)
    assert validation.tolist() == sorted(validation)


def test_cut_validation_depends_on_the_seed_alone():
    labels = np.arange(200) % 4
    cuts = [
        long_tail.cut_validation(labels, 0.2, seed=seed)[1].tolist()
        for seed in (3, 3, 4)
    ]
    assert cuts[0] == cuts[1] != cuts[2]


def test_cut_validation_moves_whole_groups():
    labels = np.repeat([0, 1, 2], [60, 20, 10])
    groups = [f"{i // 10}" for i in range(90)]
    train, validation = long_tail.cut_validation(
        labels, 0.3, seed=1, groups=groups
    )
    assert not {groups[i] for i in train} & {groups[i] for i in validation}
    # 18 of 60 is nearest to two groups of ten; class 2 has one group only.
    assert np.bincount(labels[validation], minlength=3).tolist() == [20, 10, 0]


def test_cut_validation_takes_the_smallest_of_too_large_groups():
    labels = np.zeros(20, int)
    groups = ["large"] * 12 + ["small"] * 8
    for seed in range(4):
        _, validation = long_tail.cut_validation(
            labels, 0.1, seed=seed, groups=groups
        )
        assert validation.tolist() == list(range(12, 20))


def test_cut_validation_keeps_every_class_when_groups_span_classes():
    labels = np.array([0, 1, 0, 1, 0, 2, 0, 2])
    groups = [0, 0, 1, 1, 2, 2, 3, 3]
    for seed in range(8):
        train, validation = long_tail.cut_validation(
            labels, 0.5, seed=seed, groups=groups
        )
        assert set(labels[train]) == {0, 1, 2}
        assert {i // 2 for i in train}.isdisjoint(i // 2 for i in validation)


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5, float("nan")])
def test_cut_validation_refuses_the_fraction(fraction):
    with pytest.raises(errors.InputError, match="fraction"):
        long_tail.cut_validation([0, 0], fraction, seed=0)


def test_cut_validation_refuses_too_few_groups():
    with pytest.raises(errors.InputError, match="1 groups for 2"):
        long_tail.cut_validation([0, 0], 0.5, seed=0, groups=["a"])
