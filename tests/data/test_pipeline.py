"""Order, epochs, resuming and replicas of the one tf.data chain."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from elf_keras import errors
from elf_keras.data import augment, pipeline, splits

COUNT = 21
CROPS = augment.Augmentation(padding=2, flip=True)
TWO_REPLICAS = """
import json
import numpy as np
import tensorflow as tf
from elf_keras.data import augment, pipeline, splits

device = tf.config.list_physical_devices("CPU")[0]
logical = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(device, logical)
images = np.arange(21 * 48, dtype=np.uint32).astype(np.uint8)
examples = splits.Examples(
    images.reshape(21, 4, 4, 3), np.arange(21, dtype=np.int32) // 4, ("",) * 21
)
batches = pipeline.training_batches(
    examples, batch_size=8, seed=3, epochs=2, sampler="class_balanced",
    augment=augment.Augmentation(2, True),
)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
found = []
for images, labels in strategy.experimental_distribute_dataset(batches):
    parts = [strategy.experimental_local_results(x) for x in (images, labels)]
    joined = [np.concatenate([v.numpy() for v in part]) for part in parts]
    found.append([joined[1].tolist(), joined[0].astype(int).sum(0).tolist()])
print(json.dumps(found))
"""


@pytest.fixture
def examples():
    images = np.arange(COUNT * 48, dtype=np.uint32).astype(np.uint8)
    return splits.Examples(
        images.reshape(COUNT, 4, 4, 3),
        np.arange(COUNT, dtype=np.int32),
        ("",) * COUNT,
    )


def collect(batches):
    return [(images.numpy(), labels.numpy()) for images, labels in batches]


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


def test_every_example_once_an_epoch_with_its_own_last_batch(examples):
    batches = pipeline.training_batches(
        examples, batch_size=8, seed=0, epochs=3
    )
    assert batches.cardinality() == 9
    found = collect(batches)
    assert [len(labels) for _, labels in found] == [8, 8, 5] * 3
    orders = []
    for epoch in range(3):
        part = found[3 * epoch : 3 * epoch + 3]
        orders.append(np.concatenate([labels for _, labels in part]).tolist())
        assert sorted(orders[-1]) == list(range(COUNT))
        for label, image in by_label(part).items():
            np.testing.assert_array_equal(image, examples.images[label])
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_shapes_are_known_but_for_the_batch(examples):
    for batches in (
        pipeline.training_batches(
            examples, batch_size=8, seed=0, epochs=1, augment=CROPS
        ),
        pipeline.evaluation_batches(examples, batch_size=8),
    ):
        images, labels = batches.element_spec
        assert images == tf.TensorSpec((None, 4, 4, 3), tf.uint8)
        assert labels == tf.TensorSpec((None,), tf.int32)


def test_resuming_gives_what_the_whole_run_gives(examples):
    arguments = {"batch_size": 8, "seed": 7, "epochs": 4, "augment": CROPS}
    whole = collect(pipeline.training_batches(examples, **arguments))
    arguments["epochs"] = range(2, 4)
    rest = collect(pipeline.training_batches(examples, **arguments))
    assert len(rest) == 6
    for (images, labels), (old_images, old_labels) in zip(
        rest, whole[6:], strict=True
    ):
        np.testing.assert_array_equal(labels, old_labels)
        np.testing.assert_array_equal(images, old_images)


def test_seed_decides(examples):
    first, again, other = (
        collect(
            pipeline.training_batches(
                examples, batch_size=32, seed=seed, epochs=1, augment=CROPS
            )
        )[0]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1].tolist() == again[1].tolist() != other[1].tolist()


def test_augmentation_is_independent_of_the_batch_size(examples):
    small, large = (
        by_label(
            collect(
                pipeline.training_batches(
                    examples, batch_size=size, seed=1, epochs=1, augment=CROPS
                )
            )
        )
        for size in (2, 16)
    )
    assert small == large
    changed = [
        label
        for label, image in small.items()
        if image != examples.images[label].tolist()
    ]
    assert len(changed) > COUNT / 2


def test_evaluation_keeps_source_order(examples):
    batches = pipeline.evaluation_batches(examples, batch_size=8)
    assert batches.cardinality() == 3
    found = collect(batches)
    assert [len(labels) for _, labels in found] == [8, 8, 5]
    np.testing.assert_array_equal(
        np.concatenate([images for images, _ in found]), examples.images
    )
    np.testing.assert_array_equal(
        np.concatenate([labels for _, labels in found]), examples.labels
    )


def test_no_epoch_left_is_an_empty_dataset(examples):
    batches = pipeline.training_batches(
        examples, batch_size=8, seed=0, epochs=range(2, 2)
    )
    assert collect(batches) == []


@pytest.mark.slow
def test_two_replicas_see_the_batches_of_one(examples):
    ran = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS],
        capture_output=True,
        text=True,
        check=True,
    )
    labels = np.arange(COUNT, dtype=np.int32) // 4
    batches = pipeline.training_batches(
        splits.Examples(examples.images, labels, examples.names),
        batch_size=8,
        seed=3,
        epochs=2,
        augment=CROPS,
        sampler="class_balanced",
    )
    expected = [
        [labels.tolist(), images.astype(int).sum(0).tolist()]
        for images, labels in collect(batches)
    ]
    assert json.loads(ran.stdout.splitlines()[-1]) == expected


def test_pairs_are_two_samplings_side_by_side(examples):
    options = {"batch_size": 4, "seed": 0, "epochs": 2}
    first, second = (
        pipeline.training_batches(examples, sampler=sampler, **options)
        for sampler in ("instance", "reversed")
    )
    found = list(pipeline.paired(first, second))
    for (images, labels), one, other in zip(found, first, second, strict=True):
        assert images.shape[1] == labels.shape[1] == 2
        for part, (pixels, classes) in enumerate((one, other)):
            np.testing.assert_array_equal(images[:, part], pixels)
            np.testing.assert_array_equal(labels[:, part], classes)
    firsts = np.concatenate([labels[:, 0] for _, labels in found])
    seconds = np.concatenate([labels[:, 1] for _, labels in found])
    assert firsts.tolist() != seconds.tolist()
