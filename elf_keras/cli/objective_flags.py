"""Flags of a recipe about what training minimises."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them."""
    _method()
    _weighting()
    _across_exits()
    _parameters()


def _method():
    flags.DEFINE_enum(
        "method",
        "har",
        choices.METHODS,
        "How exits are trained. har: an image stops contributing once an early "
        "exit classifies it correctly and confidently, so that hard images "
        "count more. sum: the losses of all exits are added. summed: one loss "
        "of the sum of the exits' logits. single: the backbone without early "
        "exits. bbn: its last block twice, once for rare classes.",
    )
    flags.DEFINE_enum(
        "exit_loss",
        "ce",
        choices.EXIT_LOSSES,
        "Loss at every exit: cross-entropy (ce), focal loss, LDAM (larger "
        "margins for rare classes), balanced softmax, logit adjustment (la) "
        "or vector scaling (vs).",
    )
    flags.DEFINE_string(
        "train_threshold",
        "auto",
        "Threshold t of --method=har: in training an image leaves at the "
        "first exit that is correct with a confidence above t. A number, a "
        "multiple of 1/C for C classes such as 2/C, or auto: what suits the "
        "loss.",
    )
    flags.DEFINE_enum(
        "leaving",
        "masked",
        choices.LEAVINGS,
        "What har does with images that left. masked: later exits ignore "
        "their loss. removed: later stages are not computed for them, which "
        "saves time.",
    )


def _weighting():
    flags.DEFINE_enum(
        "class_weighting",
        "none",
        choices.CLASS_WEIGHTINGS,
        "Class weights in the loss from --reweight_epoch on, computed from "
        "the number of images of each class.",
    )
    flags.DEFINE_enum(
        "loss_normalization",
        "class_weights",
        choices.NORMALIZATIONS,
        "What the loss of a batch is divided by: the sum of its class "
        "weights, its number of images, or at each exit the weights of the "
        "images that reached it (survivors).",
    )


def _across_exits():
    flags.DEFINE_list(
        "exit_weights",
        [],
        "Weights of the exits' losses, a number above 0 for each exit. With "
        "--method=summed, of their logits. Default: 1 for each.",
    )
    flags.DEFINE_float(
        "distillation",
        0.0,
        "Weight of a loss by which the last exit teaches the early ones, for "
        "--method=har and sum. 0: none.",
        0.0,
    )
    flags.DEFINE_float(
        "distillation_temperature",
        1.0,
        "Temperature by which the logits of teacher and student are divided.",
        1e-3,
    )


def _parameters():
    flags.DEFINE_float(
        "effective_number_beta",
        0.9999,
        "β of --class_weighting=effective_number.",
        0.0,
        1.0,
    )
    flags.DEFINE_float(
        "focal_gamma", 0.5, "Exponent γ of --exit_loss=focal.", 0.0
    )
    flags.DEFINE_enum(
        "focal_weights",
        "outside",
        choices.FOCAL_WEIGHTS,
        "Where class weights enter the focal loss. outside: they multiply it. "
        "inside: they are also a power of the true class's probability, as in "
        "the code of LDAM-DRW, which goes with "
        "--loss_normalization=batch_size.",
    )
    flags.DEFINE_float(
        "ldam_scale",
        30.0,
        "Factor σ of the logits in --exit_loss=ldam.",
        1e-3,
    )
    flags.DEFINE_float(
        "ldam_power",
        -0.25,
        "Exponent of a class's number of images in the margins of ldam. The "
        "papers on ELF and HAR print -1.",
    )
    flags.DEFINE_float(
        "logit_tau", 1.0, "Factor τ of log prior in --exit_loss=la, vs.", 0.0
    )
    flags.DEFINE_float(
        "vs_exponent",
        0.15,
        "Exponent γ of the class counts that scale logits in --exit_loss=vs.",
        0.0,
    )
