"""Flags of a recipe about images, their batches and their augmentation."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them, as flags of the module that asks."""
    flags.disclaim_key_flags()
    _data()
    _files()
    _augmentation()


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
        "that suits the size (resized_crop from 128 pixels), then two random "
        "operations a batch.",
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
