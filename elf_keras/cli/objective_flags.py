"""Flags of a recipe about what training minimises."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them, as flags of the module that asks."""
    flags.disclaim_key_flags()
    _objective()
    _across_exits()


def _objective():
    flags.DEFINE_enum(
        "method",
        "har",
        choices.METHODS,
        "har: easy images leave; sum: none leaves; summed: one loss of the "
        "exits' summed scores; single: bare backbone; bbn: its last block "
        "doubled, one for rare classes.",
    )
    flags.DEFINE_enum(
        "exit_loss", "ce", choices.EXIT_LOSSES, "Loss of every exit."
    )
    flags.DEFINE_string(
        "train_threshold",
        "auto",
        "t: a number, a multiple of 1/C such as 2/C, or auto.",
    )
    flags.DEFINE_enum(
        "leaving",
        "masked",
        choices.LEAVINGS,
        "What har does with an image that left: its later losses count "
        "nothing, or it goes no further and costs nothing either.",
    )
    flags.DEFINE_enum(
        "class_weighting",
        "none",
        choices.CLASS_WEIGHTINGS,
        "Class weights from --reweight_epoch on.",
    )
    flags.DEFINE_enum(
        "loss_normalization",
        "class_weights",
        choices.NORMALIZATIONS,
        "What the batch's loss is divided by.",
    )


def _across_exits():
    flags.DEFINE_list(
        "exit_weights",
        [],
        "A number above 0 for each exit, which its loss (summed: its scores) "
        "is multiplied by; default: all 1.",
    )
    flags.DEFINE_float(
        "distillation",
        0.0,
        "Weight of what the last exit teaches the earlier ones; for har, sum.",
        0.0,
    )
    flags.DEFINE_float(
        "distillation_temperature", 1.0, "T that both are divided by.", 1e-3
    )

    flags.DEFINE_float(
        "effective_number_beta", 0.9999, "β of effective_number.", 0.0, 1.0
    )
    flags.DEFINE_float("focal_gamma", 0.5, "γ of focal.", 0.0)
    flags.DEFINE_enum(
        "focal_weights",
        "outside",
        choices.FOCAL_WEIGHTS,
        "Class weights multiply focal (outside), or are the power of p_y in "
        "it as well, as in LDAM-DRW's code (inside), which goes with "
        "--loss_normalization=batch_size.",
    )
    flags.DEFINE_float("ldam_scale", 30.0, "σ of ldam.", 1e-3)
    flags.DEFINE_float("ldam_power", -0.25, "Power of n_c in LDAM's margins.")
    flags.DEFINE_float("logit_tau", 1.0, "τ of la and vs.", 0.0)
    flags.DEFINE_float("vs_exponent", 0.15, "γ of vs.", 0.0)
