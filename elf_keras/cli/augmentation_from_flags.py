"""From flags to what happens to training images."""

from absl import flags

from elf_keras import choices
from elf_keras.data import augment, auto_augment, cutout, mixing, splits
from elf_keras.data.sources import folder
from elf_keras.errors import InputError

FLAGS = flags.FLAGS
# A crop is cut after padding by this part of the side: 4 of 32 pixels.
_PADDING_DIVISOR = 8


def augmentation(data: splits.Splits) -> augment.Augmentation:
    """Build what changes the training images of some data.

    Raises:
      InputError: for flags that exclude each other, or these images.
    """
    name, side = FLAGS.augmentation, data.image_shape[0]
    resized = name == "resized_crop"
    resized |= name == "randaugment" and side >= folder.LARGE_SIZE
    crops = not resized and name != "none"
    return augment.Augmentation(
        padding=max(1, side // _PADDING_DIVISOR) if crops else 0,
        flip=FLAGS.flip,
        resized=resized,
        jitter=FLAGS.color_jitter,
        mixing=_mixing(len(data.class_names)),
        smallest_area=FLAGS.smallest_area,
        each_image=(*_operations(data.image_shape[-1]), *_cutout(data)),
    )


def _operations(channels):
    """The rule of --auto_augment, or none."""
    kind = FLAGS.auto_augment
    if FLAGS.augmentation == "randaugment":
        if kind == "autoaugment":
            raise InputError(
                "--augmentation=randaugment with --auto_augment=autoaugment: "
                "an image gets operations of one kind; choose "
                "--augmentation=crop"
            )
        kind = "randaugment"
    if kind != "none" and channels != 3:
        raise InputError(
            f"--{_asking()}={kind}: the images have {channels} channel, and it "
            "needs the 3 of colour images; choose --augmentation=crop and "
            "--auto_augment=none"
        )
    if kind == "none":
        return ()
    numbers = ()
    if kind == "randaugment":
        numbers = FLAGS.randaugment_layers, FLAGS.randaugment_magnitude
    return (auto_augment.RULES[kind](*numbers),)


def _asking():
    """The flag that asks for operations."""
    asked = FLAGS.augmentation == "randaugment"
    return "augmentation" if asked else "auto_augment"


def _cutout(data):
    """The rule of --cutout, or none."""
    side = min(data.image_shape[:2])
    if FLAGS.cutout > side:
        raise InputError(
            f"--cutout={FLAGS.cutout}: the images have {side} pixels; expected "
            f"at most as much, usually about {max(1, side // 2)}"
        )
    if not FLAGS.cutout:
        return ()
    mean, _ = data.pixel_statistics
    pixel = tuple(int(round(float(value))) for value in mean)
    return (cutout.Cutout(FLAGS.cutout, pixel),)


def _mixing(classes):
    """What happens to whole batches, or None."""
    if FLAGS.mixing not in choices.BATCH_MIXINGS:
        return None
    return mixing.Mixing(
        FLAGS.mixing, classes, FLAGS.mixup_alpha, FLAGS.mixing_lambda
    )
