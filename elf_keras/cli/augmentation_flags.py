"""Flags of a recipe about what is done to training images alone."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them."""
    _window()
    _each_image()
    _mixing()


def _window():
    flags.DEFINE_enum(
        "augmentation",
        "crop",
        choices.AUGMENTATIONS,
        "Which part of a training image is used. crop: a random square, after "
        "padding by an eighth of the side. resized_crop: a random window, "
        "resized. randaugment: the one of the two that suits the size "
        "(resized_crop from 128 pixels on), with --auto_augment=randaugment.",
    )
    flags.DEFINE_float(
        "smallest_area",
        0.08,
        "Smallest share of the image area that resized_crop may pick.",
        0.01,
        1.0,
    )
    flags.DEFINE_integer(
        "training_size",
        None,
        "Width and height, in pixels, that larger images are resized to in "
        "training alone. A step then takes less time, and objects in random "
        "windows are about as large as in whole photos. Default: no limit.",
        1,
    )
    flags.DEFINE_bool(
        "flip",
        False,
        "Mirror half of the training images, left to right. Leave it off "
        "where left and right matter.",
    )
    flags.DEFINE_float(
        "color_jitter",
        0.0,
        "Strongest random change of brightness, contrast and saturation. 0.4 "
        "is usual for ImageNet-LT; 0 changes nothing.",
        0.0,
        0.99,
    )


def _each_image():
    flags.DEFINE_enum(
        "auto_augment",
        "none",
        choices.AUTO_AUGMENTS,
        "Random operations on each training image after its crop. "
        "autoaugment: one of the 25 pairs of operations found on CIFAR-10. "
        "randaugment: some of 14 operations, all equally strong.",
    )
    flags.DEFINE_integer(
        "randaugment_layers",
        2,
        "How many operations randaugment applies to an image.",
        1,
        10,
    )
    flags.DEFINE_integer(
        "randaugment_magnitude",
        9,
        "Strength of randaugment's operations; 10 is the strongest.",
        0,
        10,
    )
    flags.DEFINE_integer(
        "cutout",
        0,
        "Side in pixels of a square in each training image that is replaced "
        "by the mean pixel. 16 is usual for CIFAR-10; 0: no square.",
        0,
    )


def _mixing():
    flags.DEFINE_enum(
        "mixing",
        "none",
        choices.MIXINGS,
        "Mix pairs of training images and their labels: by mixup, by cutmix, "
        "or by manifold_mixup, which also mixes feature maps and needs a "
        "model without early exits.",
    )
    flags.DEFINE_float(
        # Far below, float32 draws underflow, and 0 / 0 stands for a half.
        "mixup_alpha",
        0.2,
        "α of the distribution Beta(α, α) from which mixup and "
        "manifold_mixup draw how much of each image is used.",
        0.05,
        1.0,
    )
    flags.DEFINE_enum(
        "mixing_lambda",
        "image",
        choices.MIXING_LAMBDAS,
        "Whether mixup and cutmix draw the share λ of an image for each image "
        "or once for a batch.",
    )
