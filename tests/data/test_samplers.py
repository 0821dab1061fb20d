"""Class shares of an epoch under each sampler."""

import numpy as np
import pytest
import tensorflow as tf

from elf_keras.data import samplers

COUNTS = np.array([60_000, 20_000, 15_000, 4_000, 997, 3])
LABELS = np.repeat(np.arange(6), COUNTS)
TOTAL = COUNTS.sum()
DEFERRED = 6


def drawn(sampler, *, labels=LABELS, seed=0, epoch=0, epochs=11):
    examples, draws = samplers.order(
        labels,
        sampler=sampler,
        seed=seed,
        epoch=tf.constant(epoch, tf.int64),
        epochs=epochs,
        deferred_epoch=DEFERRED,
    )
    return examples.numpy(), draws.numpy()


def expected(sampler, progress):
    natural, equal = COUNTS / TOTAL, np.full(6, 1 / 6)
    roots, inverse = np.sqrt(COUNTS), 1 / COUNTS
    return {
        "instance": natural,
        "class_balanced": equal,
        "square_root": roots / roots.sum(),
        "progressive": (1 - progress) * natural + progress * equal,
        "deferred": natural if progress < 0.6 else equal,
        "reversed": inverse / inverse.sum(),
    }[sampler]


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
@pytest.mark.parametrize("epoch", [0, 5, 10])
def test_class_shares_are_within_one_percent(sampler, epoch):
    examples, draws = drawn(sampler, epoch=epoch)
    assert len(examples) == TOTAL
    shares = np.bincount(LABELS[examples], minlength=6) / TOTAL
    np.testing.assert_allclose(
        shares, expected(sampler, epoch / 10), rtol=0.01, atol=1 / TOTAL
    )
    assert len(np.unique(draws)) == TOTAL


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
@pytest.mark.parametrize("epoch", [0, 7])
def test_images_of_a_class_take_equal_turns(sampler, epoch):
    examples, _ = drawn(sampler, epoch=epoch)
    times = np.bincount(examples, minlength=TOTAL)
    for label in range(6):
        turns = times[label == LABELS]
        assert turns.max() - turns.min() <= 1


def test_instance_shows_each_image_once_under_its_own_draw():
    examples, draws = drawn("instance")
    assert sorted(examples) == list(range(TOTAL))
    np.testing.assert_array_equal(examples, draws)


def test_deferred_is_instance_up_to_its_epoch():
    for epoch in (DEFERRED - 1, DEFERRED):
        sampler = "instance" if epoch < DEFERRED else "class_balanced"
        expected = drawn(sampler, epoch=epoch)
        np.testing.assert_equal(drawn("deferred", epoch=epoch), expected)


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
def test_an_epoch_depends_on_seed_and_epoch_alone(sampler):
    small = LABELS[::100]
    one, again, other_epoch, other_seed = (
        drawn(sampler, labels=small, seed=seed, epoch=epoch)[0].tolist()
        for seed, epoch in ((1, 3), (1, 3), (1, 4), (2, 3))
    )
    assert one == again
    assert one not in (other_epoch, other_seed)


def test_batches_are_mixed():
    examples, _ = drawn("class_balanced")
    batch = np.bincount(LABELS[examples[:1200]], minlength=6)
    assert (abs(batch - 200) < 60).all()


def test_classes_of_published_size():
    counts = np.maximum(2, (1000 / np.arange(1, 8143) ** 0.8).astype(int))
    labels = np.repeat(np.arange(8142), counts)
    examples, _ = drawn("class_balanced", labels=labels)
    times = np.bincount(labels[examples], minlength=8142)
    assert times.max() - times.min() <= 1
