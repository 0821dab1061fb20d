"""Flags of a recipe about epochs, batches, optimizer and learning rate."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them."""
    _length()
    _rate()
    _optimizer()


def _length():
    flags.DEFINE_integer(
        "epochs", 200, "Number of epochs: passes over the training images.", 1
    )
    flags.DEFINE_integer(
        "least_steps",
        0,
        "Smallest number of training steps. If --epochs has fewer, more "
        "epochs are trained. If these would have fewer than ten steps, each "
        "passes over the images several times instead.",
        0,
    )
    flags.DEFINE_float(
        "most_minutes",
        0.0,
        "Time limit of the training, from when the command begins, at a speed "
        "that is measured first. If not all fits, there are fewer epochs and "
        "steps, those of --exits_first and --exits_last included, and training "
        "looks at a part of a large validation split (where exits are trained "
        "alone). Scoring comes on top. 0: no limit.",
        0.0,
    )
    flags.DEFINE_integer("batch_size", 128, "Images in a training step.", 1)
    flags.DEFINE_integer(
        "schedule_epochs",
        None,
        "Length of training that --warmup_epochs, --decay_epochs and "
        "--reweight_epoch are given for; they are scaled to the real one. "
        "Default: --epochs.",
        1,
    )
    flags.DEFINE_integer(
        "reweight_epoch",
        160,
        "Epoch, counted from 0, from which --class_weighting or "
        "--sampler=deferred takes effect.",
        0,
    )


def _rate():
    flags.DEFINE_float(
        "learning_rate", 0.1, "Learning rate after the warm-up.", 1e-12
    )
    flags.DEFINE_enum(
        "learning_rate_schedule",
        "step_decay",
        choices.LEARNING_RATE_SCHEDULES,
        "How the learning rate falls after the warm-up. step_decay: at each "
        "of --decay_epochs. cosine: step by step along a cosine, to 0.",
    )
    flags.DEFINE_integer(
        "warmup_epochs",
        5,
        "Epochs in which the learning rate rises linearly to --learning_rate.",
        0,
    )
    flags.DEFINE_list(
        "decay_epochs",
        ["160", "180"],
        "Epochs, counted from 0, at which step_decay lowers the learning rate.",
    )
    flags.DEFINE_float(
        "decay_factor",
        0.01,
        "Factor that multiplies the learning rate at each of --decay_epochs.",
        1e-12,
    )


def _optimizer():
    flags.DEFINE_enum(
        "optimizer",
        "sgd",
        choices.OPTIMIZERS,
        "sgd: with momentum 0.9, and weight decay as part of the gradient "
        "(L2). adamw: with decoupled weight decay.",
    )
    flags.DEFINE_float(
        "weight_decay",
        2e-4,
        "Strength of the weight decay.",
        0.0,
    )
    flags.DEFINE_float(
        "average_weights",
        0.0,
        "Score and save a moving average of all weights and batch statistics "
        "in place of the last ones. Its decay for each step, such as 0.99; 0: "
        "no average.",
        0.0,
        1.0,
    )
