"""From flags to what an epoch holds, and how epochs follow each other."""

from absl import flags

from elf_keras import choices
from elf_keras.data import augment, mixing, splits
from elf_keras.data.batches import Batches
from elf_keras.data.sources import folder
from elf_keras.errors import InputError
from elf_keras.losses import class_weights
from elf_keras.training import epoch_run, schedules

FLAGS = flags.FLAGS
# A crop is cut after padding by this part of the side: 4 of 32 pixels.
_PADDING_DIVISOR = 8


def schedule(data: splits.Splits) -> epoch_run.Schedule:
    """Build the schedule, scaled where --epochs is not --schedule_epochs."""
    epochs = FLAGS.epochs
    warmup = FLAGS.warmup_epochs
    if epochs != (FLAGS.schedule_epochs or epochs):
        warmup = min(warmup, schedules.scaled_warmup(epochs))
    weighting = class_weights.CLASS_WEIGHTINGS[FLAGS.class_weighting]
    options = {}
    if FLAGS.class_weighting == "effective_number":
        options["beta"] = FLAGS.effective_number_beta
    trains = FLAGS.second_stage not in choices.POST_HOC_STAGES
    bbn = FLAGS.method == "bbn"
    return epoch_run.Schedule(
        epochs=epochs if trains else 0,
        learning_rate=schedules.step_decay_with_warmup(
            FLAGS.learning_rate,
            warmup_epochs=warmup,
            decay_epochs=[_scaled(text) for text in FLAGS.decay_epochs],
            decay_factor=FLAGS.decay_factor,
        ),
        reweight_epoch=_scaled(FLAGS.reweight_epoch),
        class_weights=weighting(data.train_counts, **options),
        conventional_share=schedules.cumulative_share(epochs) if bbn else None,
    )


def batches(data: splits.Splits) -> Batches:
    """Build what turns the training split into batches."""
    name, side = FLAGS.augmentation, data.image_shape[0]
    randaugment = name == "randaugment"
    resized = name == "resized_crop"
    resized |= randaugment and side >= folder.LARGE_SIZE
    crops = not resized and name != "none"
    padding = max(1, side // _PADDING_DIVISOR) if crops else 0
    if randaugment and data.image_shape[-1] != 3:
        raise InputError(
            f"--augmentation=randaugment: images of {data.image_shape[-1]} "
            "channel; it needs 3, colours; choose crop"
        )
    mixes = None
    of_batch = FLAGS.mixing if FLAGS.mixing in choices.BATCH_MIXINGS else "none"
    if randaugment or of_batch != "none":
        mixes = mixing.Mixing(
            of_batch, len(data.class_names), FLAGS.mixup_alpha, randaugment
        )
    return Batches(
        FLAGS.batch_size,
        FLAGS.seed,
        augment.Augmentation(
            padding, FLAGS.flip, resized, FLAGS.color_jitter, mixes
        ),
        FLAGS.sampler,
        deferred_epoch=_scaled(FLAGS.reweight_epoch),
        second_sampler="reversed" if FLAGS.method == "bbn" else None,
    )


def _scaled(epoch):
    full = FLAGS.schedule_epochs or FLAGS.epochs
    try:
        number = int(epoch)
    except ValueError as error:
        raise InputError(
            f"--decay_epochs: {epoch!r} is not a number of epochs; write for "
            "example 160,180"
        ) from error
    if FLAGS.epochs == full or number == 0:
        return number
    return schedules.scaled(number, epochs=FLAGS.epochs, full_epochs=full)
