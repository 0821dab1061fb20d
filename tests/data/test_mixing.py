"""MixUp and CutMix: shares, seeds, pixels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from elf_keras import choices
from elf_keras.data import augment, mixing, pipeline, splits
from elf_keras.data.batches import Batches

CLASSES, COUNT, SIDE = 5, 20, 16
LABELS = np.arange(COUNT, dtype="int32") % CLASSES


@pytest.fixture
def examples():
    """Images of one colour that tells their class: 50 times it."""
    images = np.zeros((COUNT, SIDE, SIDE, 3), "uint8")
    images += (50 * LABELS).astype("uint8")[:, None, None, None]
    return splits.Examples(images, LABELS, ("",) * COUNT)


@pytest.fixture
def noise(examples):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, examples.images.shape, dtype="uint8")
    return splits.Examples(pixels, LABELS, examples.names)


def batches(examples, rule, *, epochs=2, seed=0, batch_size=8):
    plain = augment.Augmentation(padding=0, flip=False, mixing=rule)
    epochs = range(epochs) if isinstance(epochs, int) else epochs
    found = pipeline.training_batches(
        examples, Batches(batch_size, seed, plain), epochs
    )
    return [(images.numpy(), labels.numpy()) for images, labels in found]


@pytest.mark.slow
@pytest.mark.parametrize("share_of", choices.MIXING_LAMBDAS)
@pytest.mark.parametrize("kind", mixing.MIXINGS)
def test_labels_are_the_shares_of_two_classes(examples, kind, share_of):
    rule = mixing.Mixing(kind, CLASSES, 1.0, share_of)
    found = batches(examples, rule, epochs=4)
    assert [len(labels) for _, labels in found] == [8, 8, 4] * 4
    mixed = 0
    for images, labels in found:
        assert images.dtype == np.uint8
        assert labels.shape == (len(images), CLASSES)
        np.testing.assert_allclose(labels.sum(1), 1, atol=1e-5)
        assert ((labels > 1e-6).sum(1) <= 2).all()
        mixed += ((labels > 0.05).sum(1) == 2).sum()
        # The colour of an image is the mean that its shares say; of a box
        # exactly, of a mixed one but for rounding.
        expected = labels @ (50.0 * np.arange(CLASSES))
        error = 0.5 if kind == "mixup" else 0
        np.testing.assert_allclose(
            images.mean((1, 2, 3)), expected, atol=error + 1e-4
        )
    assert mixed > 10


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.25])
def test_mixup_with_a_share_of_one_is_no_mixup(examples, monkeypatch, share):
    """λ is drawn by Keras' layer; here it is given."""
    drawn = keras.layers.MixUp.get_random_transformation

    def given(self, *arguments, **options):
        found = drawn(self, *arguments, **options)
        found["mix_weight"] = share * tf.ones_like(found["mix_weight"])
        return found

    monkeypatch.setattr(keras.layers.MixUp, "get_random_transformation", given)
    plain = batches(examples, None)
    mixed = batches(examples, mixing.Mixing("mixup", CLASSES))
    same = [
        np.array_equal(pixels, images)
        and np.array_equal(shares, np.eye(CLASSES)[labels])
        for (pixels, shares), (images, labels) in zip(mixed, plain, strict=True)
    ]
    assert all(same) == (share == 1)


def test_cutmix_pastes_a_box(examples):
    for images, _ in batches(examples, mixing.Mixing("cutmix", CLASSES)):
        assert set(np.unique(images)) <= {0, 50, 100, 150, 200}
        assert not (images != images[..., :1]).any()


def shares_and_boxes(examples, rule):
    """λ and the pasted pixels of each image that met another class."""
    for images, labels in batches(examples, rule, epochs=6):
        plain = 50 * labels.argmax(1)
        found = []
        for image, row, colour in zip(images, labels, plain, strict=True):
            if (row > 0).sum() == 2:
                found.append((row.max(), image[..., 0] != colour))
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("share_of", choices.MIXING_LAMBDAS)
@pytest.mark.parametrize("kind", mixing.MIXINGS)
def test_shares_are_drawn_for_each_image_or_once_a_batch(
    examples, kind, share_of
):
    """Boxes too: those of a batch lie in one place."""
    rule = mixing.Mixing(kind, CLASSES, 1.0, share_of)
    several = 0
    for found in shares_and_boxes(examples, rule):
        shares = {round(float(share), 4) for share, _ in found}
        places = {place.tobytes() for _, place in found}
        several += len(found) > 2
        if share_of == "batch":
            assert len(shares) <= 1
            assert kind == "mixup" or len(places) <= 1
        elif len(found) > 2:
            assert len(shares) > 1
    assert several > 8


def test_shares_of_a_batch_differ_from_batch_to_batch(examples):
    rule = mixing.Mixing("mixup", CLASSES, 1.0, "batch")
    shares = [
        found[0][0] for found in shares_and_boxes(examples, rule) if found
    ]
    assert len(set(shares)) == len(shares) > 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    [
        mixing.Mixing("mixup", CLASSES),
        mixing.Mixing("cutmix", CLASSES),
        mixing.Mixing("cutmix", CLASSES, share_of="batch"),
    ],
    ids=lambda rule: f"{rule.kind} {rule.share_of}",
)
def test_a_resumed_run_sees_the_same(noise, rule):
    """However the workers take turns."""
    whole = batches(noise, rule, epochs=6)
    rest = batches(noise, rule, epochs=range(1, 6))
    other = batches(noise, rule, epochs=6, seed=1)
    np.testing.assert_equal(rest, whole[3:])
    for (images, _), (others, _) in zip(whole, other, strict=True):
        assert (images != others).any()
    assert (whole[0][0] != whole[3][0]).any()
