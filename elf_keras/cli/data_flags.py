"""Flags of a recipe about images, their batches and their augmentation."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them, as flags of the module that asks."""
    flags.disclaim_key_flags()
    _data()
    _files()
    _augmentation()
    _each_image()
    _mixing()


def _data():
    flags.DEFINE_enum(
        "dataset", "digits_lt", choices.DATASETS, "Source of the images."
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "A TensorFlow Datasets folder (CIFAR), a folder of images, or the "
        "folder that the paths of published lists begin in.",
    )
    flags.DEFINE_float(
        "imbalance", 100.0, "Images of the largest per smallest class.", 1.0
    )
    flags.DEFINE_float(
        "validation_fraction",
        0.1,
        "Share of each class's training images kept for validation.",
        0.0,
        0.9,
    )
    flags.DEFINE_string(
        "validation_group",
        None,
        "Keep images of a group on one side: `prefix:_` groups by the part "
        "of the file name before the first `_`; `alike` by features of "
        "--weights, for photos that come in series.",
    )
    flags.DEFINE_integer(
        "image_size", None, "Side of the square images, in pixels.", 1
    )
    flags.DEFINE_enum(
        "sampler",
        "instance",
        choices.SAMPLERS,
        "Class shares of an epoch: as they are, equal, by the root of the "
        "counts, from the first to the second step by step, or (deferred) at "
        "--reweight_epoch, or by the inverse counts.",
    )


def _files():
    flags.DEFINE_string(
        "labels",
        None,
        "A table (CSV) of the files in --data_dir: columns path, label, maybe "
        "split and group; in place of a folder per class.",
    )
    flags.DEFINE_string(
        "list_dir",
        None,
        "Folder of the published list files, if they are not in --data_dir.",
    )
    flags.DEFINE_bool(
        "check_counts",
        True,
        "Refuse lists whose counts are not the published ones.",
    )
    flags.DEFINE_enum(
        "images_on",
        "auto",
        choices.IMAGES_ON,
        "Where a folder's images are kept; auto: on disk from 128 pixels, or "
        "where they would take over a quarter of the memory.",
    )


def _augmentation():
    flags.DEFINE_enum(
        "augmentation",
        "crop",
        choices.AUGMENTATIONS,
        "crop: after padding by an eighth of the side; resized_crop: a window "
        "of --smallest_area to all of the area; randaugment: the one of them "
        "that suits the size (resized_crop from 128 pixels), and "
        "--auto_augment=randaugment.",
    )
    flags.DEFINE_float(
        "smallest_area",
        0.08,
        "Smallest part of the area that a window of resized_crop has.",
        0.01,
        1.0,
    )
    flags.DEFINE_bool("flip", False, "Mirror half of the training images.")
    flags.DEFINE_float(
        "color_jitter",
        0.0,
        "Most that brightness, contrast and saturation change by; 0.4 is "
        "usual for ImageNet-LT.",
        0.0,
        0.99,
    )


def _each_image():
    flags.DEFINE_enum(
        "auto_augment",
        "none",
        choices.AUTO_AUGMENTS,
        "Operations on each image after its crop: autoaugment: one of the 25 "
        "pairs found on CIFAR-10; randaugment: --randaugment_layers of 14, "
        "all of --randaugment_magnitude.",
    )
    flags.DEFINE_integer("randaugment_layers", 2, "N of randaugment.", 1, 10)
    flags.DEFINE_integer(
        "randaugment_magnitude", 9, "M of randaugment; 10 is the most.", 0, 10
    )
    flags.DEFINE_integer(
        "cutout",
        0,
        "Side of the square hole in each training image, filled with the mean "
        "pixel; 16 is usual for CIFAR-10, 0 for none.",
        0,
    )


def _mixing():
    flags.DEFINE_enum(
        "mixing",
        "none",
        choices.MIXINGS,
        "Mix the images of a batch; manifold_mixup: or feature maps, of a "
        "single exit.",
    )
    flags.DEFINE_float(
        # Far below, float32 draws underflow, and 0 / 0 stands for a half.
        "mixup_alpha",
        0.2,
        "α of both mixups' Beta(α, α).",
        0.05,
        1.0,
    )
    flags.DEFINE_enum(
        "mixing_lambda",
        "image",
        choices.MIXING_LAMBDAS,
        "Whether mixup and cutmix draw λ for each image, or once a batch.",
    )
