"""Every flag that recipes share, defined once, for all commands.

Bounds and choices are checked while parsing, so that a wrong recipe ends
before any work begins.
"""

from absl import flags

from elf_keras import choices
from elf_keras.cli import (
    data_flags,
    model_flags,
    objective_flags,
    start_flags,
)


def define() -> None:
    """Define the shared flags; a second call changes nothing."""
    if "workdir" in flags.FLAGS:
        return
    _run()
    data_flags.define()
    model_flags.define()
    objective_flags.define()
    start_flags.define()
    _schedule()
    _scores()


def _run():
    flags.DEFINE_string("workdir", None, "Folder of the run.")
    flags.DEFINE_integer(
        "seed", 0, "Seed of data, weights and order.", 0, 2**32 - 1
    )
    flags.DEFINE_bool(
        "resume",
        False,
        "Go on after the newest checkpoint in --workdir, if there is one.",
    )
    flags.DEFINE_float(
        "checkpoint_minutes",
        10.0,
        "Minutes between two checkpoints within an epoch; 0: at its end only.",
        0.0,
    )
    flags.DEFINE_bool(
        "deterministic",
        False,
        "Take only operations that give the same bits each time, though "
        "slower.",
    )
    flags.DEFINE_enum(
        "mixed_precision",
        "float32",
        choices.PRECISIONS,
        "Type of the layers' arithmetic; weights and losses stay float32.",
    )
    flags.DEFINE_enum(
        "strategy",
        "auto",
        choices.STRATEGIES,
        "Devices: one; all of this machine; those of all workers that "
        "TF_CONFIG names; a TPU. auto: the workers, if there are several, "
        "else this machine's GPUs, if there are several, else one.",
    )


def _schedule():
    flags.DEFINE_integer("epochs", 200, "Epochs to train.", 1)
    flags.DEFINE_integer(
        "least_steps",
        0,
        "As many epochs more as it takes to train so many steps.",
        0,
    )
    flags.DEFINE_float(
        "most_minutes",
        0.0,
        "Then as many epochs as fit into this time, by the speed of some "
        "steps; 0: all.",
        0.0,
    )
    flags.DEFINE_enum(
        "learning_rate_schedule",
        "step_decay",
        choices.LEARNING_RATE_SCHEDULES,
        "After warm-up: multiplied at each of --decay_epochs, or falling to 0 "
        "along a cosine, step by step.",
    )
    flags.DEFINE_integer(
        "schedule_epochs",
        None,
        "Length that the epoch numbers below refer to; they are scaled to "
        "--epochs. Default: --epochs.",
        1,
    )
    flags.DEFINE_integer("batch_size", 128, "Images per step.", 1)
    flags.DEFINE_float("learning_rate", 0.1, "After warm-up.", 1e-12)
    flags.DEFINE_integer("warmup_epochs", 5, "Linear warm-up.", 0)
    flags.DEFINE_list(
        "decay_epochs", ["160", "180"], "Zero-based epochs of the decays."
    )
    flags.DEFINE_float(
        "decay_factor", 0.01, "Multiplies the rate at each decay.", 1e-12
    )
    flags.DEFINE_integer(
        "reweight_epoch",
        160,
        "Zero-based epoch from which class weights, or --sampler=deferred, "
        "apply.",
        0,
    )
    flags.DEFINE_enum(
        "optimizer",
        "sgd",
        choices.OPTIMIZERS,
        "sgd has momentum 0.9 and coupled L2; adamw decoupled weight decay.",
    )
    flags.DEFINE_float(
        "weight_decay", 2e-4, "Of all weights, as --optimizer takes it.", 0.0
    )
    flags.DEFINE_float(
        "average_weights",
        0.0,
        "Decay per step, such as 0.99, of an average of all weights and batch "
        "statistics, which is scored and saved in their place; 0: none.",
        0.0,
        1.0,
    )


def _scores():
    flags.DEFINE_string(
        "exit_threshold",
        "auto",
        "s: as --train_threshold; auto takes the default t of the loss, and "
        "for other rules what they say of as sure an exit.",
    )
    flags.DEFINE_enum(
        "exit_rule",
        "confidence",
        (*choices.EXIT_RULES, choices.ALL_RULES),
        "What s is compared with: the largest probability p; 1 - H(p)/log C; "
        "p's lead over the second; r/(r+1) where r exits in a row agree; or "
        "the largest of softmax(k z), k the exit's number. sweep takes all: "
        "it compares each with each --answer.",
    )
    flags.DEFINE_enum(
        "answer",
        "own",
        choices.ANSWERS,
        "What exit k answers by, and is sure by: its own logits, or the sum "
        "of those of exits 1 to k, weighted by --answer_decay.",
    )
    flags.DEFINE_float(
        "answer_decay",
        0.5,
        "How much an exit counts in the running sum beside the next one: 1 "
        "as much, 0 not at all.",
        0.0,
        1.0,
    )
    flags.DEFINE_enum(
        "deployment_prior",
        "uniform",
        choices.DEPLOYMENT_PRIORS,
        "Class shares that scores are expected over.",
    )
