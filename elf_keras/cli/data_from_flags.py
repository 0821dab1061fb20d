"""From flags to the data, and to the numbers that depend on its classes."""

import pathlib
import threading

from absl import flags

from elf_keras import choices
from elf_keras.cli import command
from elf_keras.exits import thresholds

FLAGS = flags.FLAGS
# Seconds until the user is told what takes so long.
PATIENCE = 10.0
# Of a folder's training images, below which fresh weights learn little.
FEW_IMAGES = 5000


def splits(given: flags.FlagValues = FLAGS, recorded=None, folder=None):
    """Load the data that this command's flags name, or another run's.

    `recorded` is what the run that they are for knows of them, if any, and
    `folder` its own, which may keep its arrays.
    """
    from elf_keras import data

    if given.dataset.startswith("cifar"):
        command.load_tensorflow()
    reading = _slow_reading()
    request = data.Request(
        data_dir=_data_dir(given, folder),
        imbalance=given.imbalance,
        validation_fraction=given.validation_fraction,
        validation_group=_group_rule(given, reading),
        seed=given.seed,
        image_size=given.image_size,
        magnification_limit=given.magnification_limit,
        list_dir=pathlib.Path(given.list_dir) if given.list_dir else None,
        check_counts=given.check_counts,
        images_on=given.images_on,
        labels=pathlib.Path(given.labels) if given.labels else None,
        recorded=recorded,
    )
    if FLAGS.data_dir:
        reading.start()
    try:
        return data.load(given.dataset, request)
    finally:
        reading.cancel()


def _data_dir(given, folder):
    """--data_dir, or the run's own folder where its arrays are."""
    if given.data_dir:
        return pathlib.Path(given.data_dir)
    return folder if given.dataset == "arrays" else None


def _group_rule(given, reading):
    """What keeps images on one side of the validation cut.

    Features take long, but have a line of their own: `reading` is over.
    """
    if given.validation_group != "alike" or given.dataset != "folder":
        return given.validation_group
    # It loads Keras, and knows of data itself.
    from elf_keras.cli import alike_from_flags

    def groups(examples):
        reading.cancel()
        return alike_from_flags.groups(examples)

    return groups


def of_run(
    folder: pathlib.Path, given: flags.FlagValues = FLAGS, *, who: str = ""
):
    """Load the data of the run in a folder, with its classes and its splits.

    What its training did not say of them is said, with `who` before it.
    """
    from elf_keras.data import recorded

    run = recorded.read(folder)
    loaded = splits(given, run, folder)
    for note in loaded.notes:
        if run is None or note not in run.notes:
            command.say(f"note: {who}{note}")
    return loaded


def to_train_on(goes_on: pathlib.Path | None):
    """Load data by what a run that goes on, or --weights, knows of them.

    A second stage has the examples of the run that it adapts, in its splits.
    Of another start the order of classes is kept, where they are the same.
    """
    from elf_keras.data import recorded

    run = recorded.read(goes_on, whole=True) if goes_on else None
    if run is not None:
        return splits(FLAGS, run)
    run = of_weights()
    if FLAGS.second_stage != "none":
        return splits(FLAGS, run)
    loaded = splits()
    if run is None or set(run.class_names) != set(loaded.class_names):
        return loaded
    if run.class_names == loaded.class_names:
        return loaded
    return splits(FLAGS, run.without_examples)


def of_weights():
    """What the run of --weights recorded of its data, or None."""
    from elf_keras.data import recorded

    path = pathlib.Path(FLAGS.weights)
    return recorded.read(path.parent) if path.suffix == ".keras" else None


def without_validation() -> str:
    """Say what gives this data a validation split, as it has none."""
    if FLAGS.validation_fraction:
        return (
            f"--validation_fraction={FLAGS.validation_fraction:g} cuts none "
            "where each class has a single image or group; add images, or a "
            "folder validation/, and train again"
        )
    return (
        "train with --validation_fraction=0.1, or add a folder validation/ to "
        "your images"
    )


def _slow_reading():
    """A timer that says that images are being read, where that takes long."""
    line = (
        "still reading --data_dir: of images that stay on disk, only the "
        "first and last bytes, but 100,000 files take minutes on a slow disk"
    )
    timer = threading.Timer(PATIENCE, command.say, [line])
    # Nobody waits for it where loading fails.
    timer.daemon = True
    return timer


def say_if_few(data) -> None:
    """Say what fresh weights and few images come to, and what helps."""
    images, classes = len(data.train), len(data.class_names)
    given = FLAGS.backbone.endswith(choices.KERAS_FILE)
    fresh = FLAGS.weights == "none" and not given
    if FLAGS.dataset == "folder" and fresh and images < FEW_IMAGES:
        command.say(
            f"note: {images} training images of {classes} classes are few for "
            "random weights: expect most answers to be wrong, above all for "
            "rare classes; start from ImageNet weights instead, with "
            "--recipe=photos"
        )


def tell_damaged(data) -> None:
    """Say which images were found to be damaged when they were decoded."""
    from elf_keras.data import damaged

    for note in damaged.news(data):
        command.say(f"note: {note}")


def train_threshold(classes: int) -> float:
    """Return t, also for methods that do not train with it."""
    return thresholds.parse(FLAGS.train_threshold, FLAGS.exit_loss, classes)
