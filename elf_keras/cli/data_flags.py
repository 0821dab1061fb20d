"""Flags of a recipe about images and labels: where from, and which."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them."""
    _source()
    _splits()
    _folders()


def _source():
    flags.DEFINE_enum(
        "dataset",
        "digits_lt",
        choices.DATASETS,
        "Data set to train on; folder is a folder of your own images.",
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of the data: your own images, a TensorFlow Datasets folder "
        "for CIFAR, or the folder that the paths in published list files "
        "begin in.",
    )
    flags.DEFINE_integer(
        "image_size",
        None,
        "Width and height that images are resized to, in pixels. Default: "
        "the size of the data set; 32 for a folder, 224 for published lists.",
        1,
    )
    flags.DEFINE_float(
        "magnification_limit",
        None,
        "Largest factor that the images of a folder are magnified by, "
        "measured on the median of their shorter sides. If --image_size needs "
        "more, a smaller size is used, a multiple of 32. Magnifying adds no "
        "detail, and training takes less time. Default: no limit.",
        1.0,
    )
    flags.DEFINE_float(
        "imbalance",
        100.0,
        "Training images of the largest class divided by those of the "
        "smallest. Digits and CIFAR are cut to this ratio.",
        1.0,
    )


def _splits():
    flags.DEFINE_float(
        "validation_fraction",
        0.1,
        "Share of each class's training images to keep for validation, where "
        "the data has no validation split.",
        0.0,
        0.9,
    )
    flags.DEFINE_string(
        "validation_group",
        None,
        "Keep related images on one side of the validation split. prefix:_ "
        "groups by the file name up to the first _, regex:PATTERN by what the "
        "pattern matches in the name, alike by similar features under "
        "--weights (for photos taken in series).",
    )
    flags.DEFINE_enum(
        "sampler",
        "instance",
        choices.SAMPLERS,
        "How often each class is seen in an epoch. instance: as often as it "
        "has images. class_balanced: all equally. square_root: by the root of "
        "the counts. progressive: from instance to class_balanced, epoch by "
        "epoch. deferred: class_balanced from --reweight_epoch on. reversed: "
        "by the inverse counts.",
    )


def _folders():
    flags.DEFINE_string(
        "labels",
        None,
        "CSV table of the files in --data_dir, instead of a folder for each "
        "class: columns path and label, optionally split and group.",
    )
    flags.DEFINE_string(
        "list_dir",
        None,
        "Folder of the published list files (ImageNet-LT, Places-LT, "
        "iNaturalist 2018). Default: --data_dir.",
    )
    flags.DEFINE_bool(
        "check_counts",
        True,
        "Refuse list files whose class counts differ from the published ones.",
    )
    flags.DEFINE_enum(
        "images_on",
        "auto",
        choices.IMAGES_ON,
        "Where the images of a folder are kept. auto: on disk if they are "
        "128 pixels or larger, or would take a quarter of the memory; else in "
        "memory.",
    )
