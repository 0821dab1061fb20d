"""Flags of a recipe about the run as a whole: its folder, seed and devices."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them."""
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the run. Training writes all its files there; the other "
        "commands read them.",
    )
    text = (
        "A module of your own that adds losses, backbones, exit rules or data "
        "sources, such as my_project.losses. It is looked for in the current "
        "folder and on PYTHONPATH. May be given several times."
    )
    flags.DEFINE_multi_string("plugin", [], text)
    # Without what absl adds: that is said already.
    flags.FLAGS["plugin"].help = text
    flags.DEFINE_bool(
        "resume",
        False,
        "Continue from the newest checkpoint in --workdir, if there is one.",
    )
    flags.DEFINE_integer(
        "seed",
        0,
        "Seed of everything random: splits, weights, order, augmentation.",
        0,
        2**32 - 1,
    )
    flags.DEFINE_float(
        "checkpoint_minutes",
        10.0,
        "Minutes between two checkpoints within an epoch. 0 saves only at the "
        "end of each epoch.",
        0.0,
    )
    flags.DEFINE_bool(
        "deterministic",
        False,
        "Use only operations that repeat bit for bit. Slower.",
    )
    flags.DEFINE_enum(
        "mixed_precision",
        "float32",
        choices.PRECISIONS,
        "Number type of the layers' arithmetic. Weights and losses stay in "
        "float32.",
    )
    flags.DEFINE_enum(
        "strategy",
        "auto",
        choices.STRATEGIES,
        "Devices to train on. single: one device. mirrored: all devices of "
        "this machine. multi_worker: all machines named in TF_CONFIG. tpu: a "
        "TPU. auto: the machines in TF_CONFIG if there are several, else all "
        "GPUs if there are several, else one device.",
    )
    flags.DEFINE_list(
        "logger",
        ["tensorboard"],
        f"Where each epoch is logged: {', '.join(choices.LOGGERS)}; several "
        "with commas between, an empty value for none.",
    )
