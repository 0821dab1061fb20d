"""The one chain over images on disk: order, epochs, resuming, replicas."""

import json
import subprocess
import sys

import numpy as np
import photo_folders
import pytest
import tensorflow as tf

from elf_keras.data import augment, mixing, pipeline, splits

COUNT = 11
WINDOWS = augment.Augmentation(padding=0, resized=True, jitter=0.4)
TWO_REPLICAS = """
import json, pathlib, sys
import numpy as np
import tensorflow as tf
from elf_keras.data import augment, image_files, pipeline, splits

device = tf.config.list_physical_devices("CPU")[0]
logical = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(device, logical)
root = pathlib.Path(sys.argv[1])
names = sorted(path.name for path in root.iterdir())
labels = np.arange(len(names), dtype=np.int32) // 3
batches = pipeline.training_batches(
    splits.Examples(image_files.of(root, names, size=8), labels, tuple(names)),
    batch_size=4, seed=3, epochs=1, sampler="class_balanced",
    augment=augment.Augmentation(0, True, True, 0.4),
)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
found = []
for batch in strategy.experimental_distribute_dataset(batches):
    parts = [strategy.experimental_local_results(x) for x in batch]
    joined = [np.concatenate([v.numpy() for v in part]) for part in parts]
    found.append([joined[1].tolist(), joined[0].astype(int).sum(0).tolist()])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for number in range(COUNT):
        name = f"{number:03}." + ("png" if number % 2 else "jpg")
        photo_folders.save(folder / name, photo_folders.smooth(number))
    return folder


@pytest.fixture
def examples(root):
    names = sorted(path.name for path in root.iterdir())
    return splits.Examples(
        photo_folders.image_files.of(root, names, size=8),
        np.arange(COUNT, dtype="int32"),
        tuple(names),
    )


def collect(batches):
    return [(images.numpy(), labels.numpy()) for images, labels in batches]


def training(examples, **options):
    options = {"batch_size": 4, "seed": 0, "epochs": 2, **options}
    return collect(pipeline.training_batches(examples, **options))


def by_label(batches):
    return {
        label: image.tolist()
        for images, labels in batches
        for image, label in zip(images, labels, strict=True)
    }


def test_every_example_once_an_epoch_with_its_own_last_batch(examples):
    found = training(examples, augment=WINDOWS)
    assert [len(labels) for _, labels in found] == [4, 4, 3] * 2
    for epoch in (found[:3], found[3:]):
        labels = np.concatenate([labels for _, labels in epoch])
        assert sorted(labels) == list(range(COUNT))


def test_order_is_that_of_images_in_memory(examples):
    loaded = splits.Examples(
        np.asarray(examples.images), examples.labels, examples.names
    )
    for sampler in ("instance", "square_root"):
        disk, memory = (
            training(part, sampler=sampler) for part in (examples, loaded)
        )
        for (images, labels), (others, same) in zip(disk, memory, strict=True):
            np.testing.assert_array_equal(labels, same)
            np.testing.assert_array_equal(images, others)


def test_shapes_are_known_but_for_the_batch(examples):
    spec = pipeline.training_batches(
        examples, batch_size=4, seed=0, epochs=1, augment=WINDOWS
    ).element_spec
    assert spec[0] == tf.TensorSpec((None, 8, 8, 3), tf.uint8)
    spec = pipeline.evaluation_batches(examples, batch_size=4).element_spec
    assert spec[0] == tf.TensorSpec((None, 8, 8, 3), tf.uint8)
    assert spec[1] == tf.TensorSpec((None,), tf.int32)


@pytest.mark.parametrize(
    "rule",
    [WINDOWS, augment.Augmentation(padding=2, flip=True, jitter=0.2)],
    ids=["windows", "crops"],
)
def test_augmentation_is_independent_of_the_batch_size(examples, rule):
    small, large, other = (
        by_label(training(examples, epochs=1, augment=rule, **options))
        for options in (
            {"batch_size": 2},
            {"batch_size": 16},
            {"batch_size": 16, "seed": 1},
        )
    )
    assert small == large
    assert sum(small[label] != other[label] for label in small) > COUNT - 3


@pytest.mark.parametrize("sampler", ["instance", "progressive"])
def test_resuming_gives_what_the_whole_run_gives(examples, sampler):
    options = {
        "augment": augment.Augmentation(
            padding=0,
            resized=True,
            mixing=mixing.Mixing("mixup", COUNT),
        ),
        "sampler": sampler,
    }
    whole = training(examples, epochs=3, **options)
    rest = training(examples, epochs=range(1, 3), **options)
    for (images, labels), (old_images, old_labels) in zip(
        rest, whole[3:], strict=True
    ):
        np.testing.assert_array_equal(labels, old_labels)
        np.testing.assert_array_equal(images, old_images)


def test_an_image_drawn_twice_is_cut_twice(examples):
    rare = splits.Examples(
        examples.images, np.array([0] * 10 + [1], "int32"), examples.names
    )
    found = training(rare, epochs=1, augment=WINDOWS, sampler="class_balanced")
    rare_images = [
        image.tolist()
        for images, labels in found
        for image, label in zip(images, labels, strict=True)
        if label == 1
    ]
    assert len(rare_images) in (5, 6)
    different = {json.dumps(image) for image in rare_images}
    assert len(different) == len(rare_images)


def test_evaluation_keeps_source_order(examples):
    found = collect(pipeline.evaluation_batches(examples, batch_size=4))
    assert [len(labels) for _, labels in found] == [4, 4, 3]
    np.testing.assert_array_equal(
        np.concatenate([labels for _, labels in found]), examples.labels
    )
    np.testing.assert_array_equal(
        np.concatenate([images for images, _ in found]),
        np.asarray(examples.images),
    )


@pytest.mark.slow
def test_two_replicas_see_the_batches_of_one(root, examples):
    ran = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS, root],
        capture_output=True,
        text=True,
        check=True,
    )
    labels = (np.arange(COUNT) // 3).astype("int32")
    single = training(
        splits.Examples(examples.images, labels, examples.names),
        seed=3,
        epochs=1,
        augment=augment.Augmentation(0, True, True, 0.4),
        sampler="class_balanced",
    )
    assert json.loads(ran.stdout.splitlines()[-1]) == [
        [labels.tolist(), images.astype(int).sum(0).tolist()]
        for images, labels in single
    ]
