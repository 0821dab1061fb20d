"""Parts of a batch: disjoint, together all of it, in every step."""

import dataclasses

import numpy as np
import photo_folders
import pytest

from elf_keras import errors
from elf_keras.data import (
    augment,
    auto_augment,
    cutout,
    mixing,
    pipeline,
    replica_parts,
    samplers,
    splits,
)
from elf_keras.data.batches import Batches

COUNT, SIDE = 21, 4


def memory():
    pixels = np.arange(COUNT * SIDE * SIDE * 3, dtype="uint32").astype("uint8")
    labels = np.arange(COUNT, dtype="int32")
    images = pixels.reshape(COUNT, SIDE, SIDE, 3)
    return splits.Examples(images, labels, ("",) * COUNT)


def test_bounds_by_hand():
    assert replica_parts.bounds(8, replicas=1) == (0, 8)
    assert replica_parts.bounds(8, replicas=3) == (0, 2, 5, 8)
    assert replica_parts.bounds(9, replicas=2, workers=2, worker=0) == (0, 2, 4)
    assert replica_parts.bounds(9, replicas=2, workers=2, worker=1) == (4, 6, 9)


def test_a_replica_needs_an_image():
    with pytest.raises(errors.InputError, match="at least one image"):
        replica_parts.bounds(3, replicas=2, workers=2)


def joined(examples, rule, batch, workers, replicas, **more):
    """Every step's batch, which is that of all workers' parts together."""
    rules = examples, Batches(batch, 3, rule, **more), range(1, 3)
    steps = pipeline.steps_per_epoch(COUNT, batch) * 2
    found = [[] for _ in range(steps)]
    for worker in range(workers):
        places = replica_parts.bounds(
            batch, replicas=replicas, workers=workers, worker=worker
        )
        parts = iter(pipeline.training_batches(*rules, share=places))
        for step in range(steps):
            found[step] += [next(parts) for _ in range(replicas)]
    whole = list(pipeline.training_batches(*rules))
    for parts, expected in zip(found, whole, strict=True):
        assert len(parts) == workers * replicas
        for kind, same in zip(zip(*parts, strict=True), expected, strict=True):
            np.testing.assert_array_equal(np.concatenate(kind), same)
    return whole


MIXUP = mixing.Mixing("mixup", COUNT, 0.5)
CUTMIX = mixing.Mixing("cutmix", COUNT, share_of="batch")
EACH = auto_augment.RandAugment(), cutout.Cutout(2, (1, 2, 3))
RULES = {
    "plain": augment.Augmentation(0, False),
    "crop": augment.Augmentation(1, True),
    "resized": augment.Augmentation(0, True, True, 0.4),
    "mixup": augment.Augmentation(1, True, mixing=MIXUP),
    "cutmix": augment.Augmentation(1, True, mixing=CUTMIX),
    "randaugment": augment.Augmentation(1, True, each_image=EACH),
    "all": augment.Augmentation(1, True, mixing=MIXUP, each_image=EACH),
}


# Of a batch of 8, 10, 14 the last holds 5, 1, 7 images; some parts are empty.
PARTS = [(8, 1, 2), (14, 2, 1), (8, 2, 3), (10, 2, 3), (10, 3, 2)]
# What a part is does not depend on the rule: all are met by the rule that is
# built fastest, and each rule once on disk and in memory.
CASES = [
    *(("crop", False, *parts) for parts in PARTS),
    *(("crop", True, *parts) for parts in [(14, 2, 1), (10, 3, 2)]),
    *(("resized", on_disk, 10, 2, 3) for on_disk in (False, True)),
    *(("randaugment", on_disk, 8, 2, 3) for on_disk in (False, True)),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "on_disk", "batch", "workers", "replicas"), CASES
)
def test_parts_are_the_batch(tmp_path, rule, on_disk, batch, workers, replicas):
    examples = photo_folders.flat(tmp_path, COUNT) if on_disk else memory()
    whole = joined(examples, RULES[rule], batch, workers, replicas)
    for epoch in (whole[: len(whole) // 2], whole[len(whole) // 2 :]):
        labels = np.concatenate([labels for _, labels in epoch])
        assert sorted(labels) == list(range(COUNT))


@pytest.mark.slow
@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
def test_parts_have_the_sampled_labels_of_the_batch(sampler):
    """So an epoch's class shares are those of one replica."""
    examples = memory()
    classes = np.repeat(np.arange(3, dtype="int32"), [14, 5, 2])
    examples = dataclasses.replace(examples, labels=classes)
    options = {"sampler": sampler, "deferred_epoch": 2}
    whole = joined(examples, RULES["plain"], 8, 1, 2, **options)
    labels = np.concatenate([labels for _, labels in whole])
    uneven = np.bincount(labels).tolist() != [14 * 2, 5 * 2, 2 * 2]
    assert uneven == (sampler != "instance")


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["mixup", "cutmix", "all"])
def test_parts_of_mixed_batches(rule):
    assert len(joined(memory(), RULES[rule], 8, 2, 2)) == 6


@pytest.mark.slow
@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("worker", [0, 1])
def test_an_epoch_resumed_at_its_end_gives_nothing_more(
    tmp_path, worker, on_disk
):
    """The next epoch begins at once, also where its last batch left none."""
    examples = photo_folders.flat(tmp_path, COUNT) if on_disk else memory()
    places = replica_parts.bounds(14, replicas=1, workers=2, worker=worker)
    rules = Batches(14, 3, RULES["plain"])
    after, fresh = (
        pipeline.training_batches(
            examples, rules, range(first, 3), done=done, share=places
        )
        for first, done in ((1, 2), (2, 0))
    )
    for found, expected in zip(after.take(2), fresh.take(2), strict=True):
        np.testing.assert_array_equal(found[1], expected[1])
