"""Flags of a recipe that starts from weights of another task."""

from absl import flags


def define() -> None:
    """Define them, as flags of the module that asks."""
    flags.disclaim_key_flags()
    flags.DEFINE_integer(
        "exits_first",
        0,
        "Steps that train the exits alone first, on features of the given "
        "backbone that are computed once; the last one is a balanced linear "
        "probe. 0: all is trained from the start.",
        0,
    )
    flags.DEFINE_integer(
        "exits_last",
        0,
        "Steps that train the early exits once more after the last epoch, on "
        "features of the trained backbone that are computed once; kept unless "
        "validation is worse for it. 0: none.",
        0,
    )
    flags.DEFINE_string(
        "frozen_until",
        None,
        "Layer of the backbone up to which weights stay as they are given.",
    )
    flags.DEFINE_float(
        "backbone_rate",
        1.0,
        "Multiplies --learning_rate for the backbone, not for the exits.",
        1e-6,
        1.0,
    )
    flags.DEFINE_bool(
        "frozen_norms",
        False,
        "Keep statistics, scales and shifts of the backbone's batch norms.",
    )
