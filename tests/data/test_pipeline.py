"""Order, epochs and resuming of the one tf.data chain, on disk or not."""

import dataclasses

import numpy as np
import photo_folders
import pytest
import tensorflow as tf

from elf_keras import errors
from elf_keras.data import (
    augment,
    auto_augment,
    cutout,
    image_files,
    mixing,
    pipeline,
    splits,
)
from elf_keras.data.batches import Batches

COUNT, SIDE = 11, 8
CROPS = augment.Augmentation(padding=2, flip=True)
COLOURED_CROPS = dataclasses.replace(CROPS, jitter=0.2)
WINDOWS = augment.Augmentation(padding=0, resized=True, jitter=0.4)
MIXED = augment.Augmentation(
    padding=0, resized=True, mixing=mixing.Mixing("mixup", COUNT)
)
OPERATIONS = auto_augment.RandAugment(layers=1), cutout.Cutout(3, (1, 2, 3))
EACH = dataclasses.replace(augment.NOTHING, each_image=OPERATIONS)
ALL = dataclasses.replace(MIXED, each_image=OPERATIONS)


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    names = [f"{n:03}." + ("png" if n % 2 else "jpg") for n in range(COUNT)]
    for number, name in enumerate(names):
        photo_folders.smooth(number).save(root / name)
    images = image_files.of(root, names, size=SIDE)
    labels = np.arange(COUNT, dtype="int32")
    return splits.Examples(images, labels, tuple(names))


@pytest.fixture(scope="module")
def in_memory(on_disk):
    return dataclasses.replace(on_disk, images=np.asarray(on_disk.images))


@pytest.fixture(params=["in_memory", "on_disk"])
def examples(request):
    return request.getfixturevalue(request.param)


def batches(examples, *, size=4, seed=0, epochs=2, done=0, **more):
    """What `training_batches` gives, as arrays."""
    epochs = range(epochs) if isinstance(epochs, int) else epochs
    found = pipeline.training_batches(
        examples, Batches(size, seed, **more), epochs, done=done
    )
    return [(images.numpy(), labels.numpy()) for images, labels in found]


def by_label(batches):
    return {
        label: image.tolist()
        for images, labels in batches
        for image, label in zip(images, labels, strict=True)
    }


def test_steps_per_epoch():
    steps = [pipeline.steps_per_epoch(n, 8) for n in (1, 8, 9, 16, 17)]
    assert steps == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(("examples", "batch"), [(0, 8), (8, 0), (8, -1)])
def test_steps_refuse(examples, batch):
    with pytest.raises(errors.InputError):
        pipeline.steps_per_epoch(examples, batch)


@pytest.mark.slow
@pytest.mark.parametrize("done", [0, 1])
def test_an_epoch_that_ends_early_is_the_start_of_a_whole_one(examples, done):
    """Two of three steps, of the first epoch only those that are left."""
    found, whole = (
        [
            labels.numpy().tolist()
            for _, labels in pipeline.training_batches(
                examples, Batches(4, 0, most_steps=most), range(2), done=done
            )
        ]
        for most in (2, None)
    )
    assert found == [*whole[: 2 - done], *whole[3 - done : 5 - done]]


def test_steps_of_an_epoch_are_limited():
    limited = Batches(8, 0, most_steps=2)
    assert [limited.steps(n) for n in (1, 8, 9, 17, 80)] == [1, 1, 2, 2, 2]
    assert Batches(8, 0).steps(80) == 10


@pytest.mark.slow
def test_every_example_once_an_epoch_with_its_own_last_batch(examples):
    dataset = pipeline.training_batches(examples, Batches(4, 0), range(3))
    assert dataset.cardinality() == 9
    found = [(images.numpy(), labels.numpy()) for images, labels in dataset]
    assert [len(labels) for _, labels in found] == [4, 4, 3] * 3
    orders, pixels = [], np.asarray(examples.images)
    for epoch in range(3):
        part = found[3 * epoch : 3 * epoch + 3]
        orders.append(np.concatenate([labels for _, labels in part]).tolist())
        assert sorted(orders[-1]) == list(range(COUNT))
        for label, image in by_label(part).items():
            np.testing.assert_array_equal(image, pixels[label])
    assert orders[0] != orders[1] != orders[2] != orders[0]


@pytest.mark.parametrize("done", [0, 3])
def test_few_images_pass_several_times_in_an_epoch(in_memory, done):
    """Three passes of eleven images: nine batches, mixed, each changed anew."""
    thrice = Batches(4, 0, CROPS, passes=3)
    assert thrice.steps(COUNT) == 9
    found = batches(in_memory, augmentation=CROPS, passes=3, done=done)
    assert [len(labels) for _, labels in found] == [4] * (8 - done) + [1] + (
        [4] * 8 + [1]
    )
    labels = np.concatenate([labels for _, labels in found[9 - done :]])
    assert np.bincount(labels).tolist() == [3] * COUNT
    passes = labels.reshape(3, COUNT)
    assert all(len(set(one.tolist())) < COUNT for one in passes)
    images = np.concatenate([images for images, _ in found[9 - done :]])
    differing = {image.tobytes() for image in images}
    assert len(differing) > 2 * COUNT


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["instance", "square_root"])
def test_order_on_disk_is_that_in_memory(on_disk, in_memory, sampler):
    disk = batches(on_disk, sampler=sampler)
    np.testing.assert_equal(disk, batches(in_memory, sampler=sampler))


@pytest.mark.slow
def test_shapes_are_known_but_for_the_batch(examples):
    training = [
        pipeline.training_batches(examples, Batches(4, 0, rule), range(1))
        for rule in (CROPS, WINDOWS, EACH)
    ]
    evaluation = pipeline.evaluation_batches(examples, batch_size=4)
    for dataset in (*training, evaluation):
        images, labels = dataset.element_spec
        assert images == tf.TensorSpec((None, SIDE, SIDE, 3), tf.uint8)
        assert labels == tf.TensorSpec((None,), tf.int32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "sampler"),
    [(CROPS, "instance"), (MIXED, "progressive"), (ALL, "instance")],
    ids=["crops", "mixed windows", "all"],
)
def test_resuming_gives_what_the_whole_run_gives(examples, rule, sampler):
    options = {"augmentation": rule, "sampler": sampler}
    whole = batches(examples, epochs=3, **options)
    for done in (0, 2):
        rest = batches(examples, epochs=range(1, 3), done=done, **options)
        np.testing.assert_equal(rest, whole[3 + done :])


@pytest.mark.slow
@pytest.mark.parametrize("rule", [COLOURED_CROPS, WINDOWS, EACH])
def test_augmentation_depends_on_the_seed_not_on_the_batch(examples, rule):
    options = {"epochs": 1, "augmentation": rule}
    small = by_label(batches(examples, size=2, **options))
    large = by_label(batches(examples, size=16, **options))
    other = by_label(batches(examples, size=16, seed=1, **options))
    plain = dict(enumerate(np.asarray(examples.images).tolist()))
    assert small == large
    assert sum(small[label] != other[label] for label in small) > COUNT - 3
    assert sum(small[label] != plain[label] for label in small) > COUNT / 2


@pytest.mark.slow
def test_operations_on_disk_are_those_in_memory(on_disk, in_memory):
    options = {"augmentation": EACH}
    np.testing.assert_equal(
        batches(on_disk, **options), batches(in_memory, **options)
    )


def test_operations_and_holes_are_drawn_anew_in_each_epoch(in_memory):
    found = batches(in_memory, size=COUNT, epochs=2, augmentation=EACH)
    first, second = (by_label([batch]) for batch in found)
    assert sum(first[label] != second[label] for label in first) > COUNT - 3
    holes = [(np.array(image) == (1, 2, 3)).all(-1) for image in first.values()]
    # At an edge less than nine pixels of it are left.
    assert {hole.sum() for hole in holes} <= {4, 6, 9}
    assert len({hole.tobytes() for hole in holes}) > 5


def test_order_depends_on_the_seed(in_memory):
    first, again, other = (
        batches(in_memory, size=32, seed=seed, epochs=1)[0][1].tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.slow
@pytest.mark.parametrize("rule", [WINDOWS, EACH], ids=["windows", "operations"])
def test_an_image_drawn_twice_is_changed_twice(examples, rule):
    labels = np.array([0] * 10 + [1], "int32")
    rare = dataclasses.replace(examples, labels=labels)
    options = {"augmentation": rule, "sampler": "class_balanced"}
    found = batches(rare, epochs=1, **options)
    shown = np.concatenate([images[labels == 1] for images, labels in found])
    assert len(shown) in (5, 6)
    assert len(np.unique(shown, axis=0)) == len(shown)


@pytest.mark.slow
def test_evaluation_keeps_source_order(examples):
    dataset = pipeline.evaluation_batches(examples, batch_size=4)
    assert dataset.cardinality() == 3
    images, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    assert [len(part) for part in labels] == [4, 4, 3]
    pixels = np.asarray(examples.images)
    np.testing.assert_array_equal(np.concatenate(images), pixels)
    np.testing.assert_array_equal(np.concatenate(labels), examples.labels)


def test_no_epoch_left_is_an_empty_dataset(in_memory):
    assert batches(in_memory, epochs=range(2, 2)) == []


def test_pairs_are_two_samplings_side_by_side(in_memory):
    found = batches(in_memory, second_sampler="reversed")
    first = batches(in_memory)
    second = batches(in_memory, sampler="reversed")
    assert all(len(part[0]) == 2 for pair in found for part in pair)
    for number, expected in enumerate((first, second)):
        parts = [(images[:, number], y[:, number]) for images, y in found]
        np.testing.assert_equal(parts, expected)
    shown = np.concatenate([labels for _, labels in found])
    assert (shown[:, 0] != shown[:, 1]).any()
