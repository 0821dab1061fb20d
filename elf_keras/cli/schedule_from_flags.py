"""From flags to what an epoch holds, and how epochs follow each other."""

from absl import flags

from elf_keras import choices
from elf_keras.cli import augmentation_from_flags
from elf_keras.data import splits
from elf_keras.data.batches import Batches, steps_per_epoch
from elf_keras.errors import InputError
from elf_keras.losses import class_weights
from elf_keras.training import epoch_run, schedules, time_limit

FLAGS = flags.FLAGS
# Steps of an epoch below which --least_steps makes longer, not more epochs.
SHORT = 10


def passes(data: splits.Splits) -> int:
    """Return how often an epoch shows every image.

    Once, but where --least_steps would make many epochs of a step or two, each
    with a validation and a checkpoint: then as often as makes ten steps, or as
    many as leave --epochs.
    """
    steps = min(SHORT, FLAGS.least_steps // FLAGS.epochs)
    # As few as begin the last of these steps.
    return max(0, steps - 1) * FLAGS.batch_size // len(data.train) + 1


def whole_length(data: splits.Splits) -> time_limit.Length:
    """Return the length of a training that no time limits.

    Its epochs are --epochs, or the more of --least_steps.
    """
    each = passes(data)
    steps = steps_per_epoch(each * len(data.train), FLAGS.batch_size)
    epochs = max(FLAGS.epochs, -(-FLAGS.least_steps // steps))
    return time_limit.Length(epochs, steps, each)


def schedule(
    data: splits.Splits, length: time_limit.Length | None = None
) -> epoch_run.Schedule:
    """Build the schedule, scaled where the epochs are not --schedule_epochs.

    Args:
      length: by default that of the flags without a limit of time.
    """
    length = (length or whole_length(data)).epochs
    warmup = FLAGS.warmup_epochs
    if length != (FLAGS.schedule_epochs or FLAGS.epochs):
        warmup = min(warmup, schedules.scaled_warmup(length))
    weighting = class_weights.CLASS_WEIGHTINGS[FLAGS.class_weighting]
    options = {}
    if FLAGS.class_weighting == "effective_number":
        options["beta"] = FLAGS.effective_number_beta
    trains = FLAGS.second_stage not in choices.UNTRAINED_STAGES
    bbn = FLAGS.method == "bbn"
    return epoch_run.Schedule(
        epochs=length if trains else 0,
        learning_rate=_learning_rate(length, warmup),
        reweight_epoch=_scaled(FLAGS.reweight_epoch, length),
        class_weights=weighting(data.train_counts, **options),
        conventional_share=schedules.cumulative_share(length) if bbn else None,
    )


def batches(
    data: splits.Splits, length: time_limit.Length | None = None
) -> Batches:
    """Build what turns the training split into batches.

    Args:
      length: by default that of the flags without a limit of time.
    """
    length = length or whole_length(data)
    return Batches(
        FLAGS.batch_size,
        FLAGS.seed,
        augmentation_from_flags.augmentation(data),
        FLAGS.sampler,
        deferred_epoch=_scaled(FLAGS.reweight_epoch, length.epochs),
        second_sampler="reversed" if FLAGS.method == "bbn" else None,
        most_steps=length.steps,
        passes=length.passes,
    )


def _learning_rate(epochs, warmup):
    if FLAGS.learning_rate_schedule == "cosine":
        return schedules.cosine(
            FLAGS.learning_rate, epochs=epochs, warmup_epochs=warmup
        )
    return schedules.step_decay_with_warmup(
        FLAGS.learning_rate,
        warmup_epochs=warmup,
        decay_epochs=[_scaled(text, epochs) for text in FLAGS.decay_epochs],
        decay_factor=FLAGS.decay_factor,
    )


def _scaled(epoch, epochs):
    full = FLAGS.schedule_epochs or FLAGS.epochs
    try:
        number = int(epoch)
    except ValueError as error:
        raise InputError(
            f"--decay_epochs: {epoch!r} is not a number of epochs; write for "
            "example 160,180"
        ) from error
    if epochs == full or number == 0:
        return number
    return schedules.scaled(number, epochs=epochs, full_epochs=full)
