"""Flags of a recipe about the network: backbone, exits, second stage."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them, as flags of the module that asks."""
    flags.disclaim_key_flags()
    _model()
    _second_stage()


def _model():
    known = (
        f"{', '.join(choices.BACKBONES)}, {choices.KERAS_PREFIX}NAME or "
        f"FILE{choices.KERAS_FILE}"
    )
    flags.DEFINE_string(
        "backbone",
        "resnet32",
        f"Network below the exits: {known}; NAME is a model of "
        "keras.applications, FILE any functional Keras model with its weights.",
    )
    flags.register_validator(
        "backbone",
        lambda name: (
            name in choices.BACKBONES
            or name.startswith(choices.KERAS_PREFIX)
            or name.endswith(choices.KERAS_FILE)
        ),
        f"choose one of {known}",
    )
    flags.DEFINE_string(
        "exits", "all", "Early exits: all, or tap numbers such as 1,3."
    )
    flags.DEFINE_list(
        "taps",
        [],
        "Layers of the backbone whose outputs the exits read, from the image "
        "on, in place of those that are found; --exits counts them.",
    )
    flags.DEFINE_enum(
        "exit_head",
        "auto",
        ("auto", *choices.EXIT_HEADS),
        "Form of the early exits; auto is the one that suits the backbone.",
    )
    flags.DEFINE_integer(
        "exit_stride", 2, "Stride in the heads; 1 is the literal form.", 1, 2
    )
    flags.DEFINE_list(
        "head_filters",
        [],
        "For each early exit FIRST:SECOND, filters of its two convolutions, "
        "or one number for both, such as 64:128,96:192; default: those that "
        "suit the backbone.",
    )
    flags.DEFINE_string(
        "weights",
        "none",
        "What to start from: pretrained (ImageNet weights of "
        "efficientnet_lite0, from a package), a model.keras, for densenet169 "
        f"and {choices.KERAS_PREFIX}NAME an .h5 of keras.applications or "
        "imagenet (from the network), or none.",
    )


def _second_stage():
    flags.DEFINE_enum(
        "second_stage",
        "none",
        ("none", *choices.TRAINED_STAGES, *choices.UNTRAINED_STAGES),
        "What to do with the classifiers of --weights=RUN/model.keras: train "
        "them anew (crt), train one scale a class (lws), or, without "
        "training, divide class vectors by their norm^τ (tau_norm), "
        "subtract τ log prior (logit_adjustment), or what --prior_correction "
        "says (prior_correction).",
    )
    flags.DEFINE_string(
        "tau",
        "auto",
        "τ of the stages without training: a number, or validation to choose "
        "it there; auto is 1 for logit_adjustment, validation for tau_norm.",
    )
    flags.DEFINE_string(
        "prior_correction",
        "none",
        "After training, subtract τ log prior / σ at every exit: τ as a "
        "number, or one for each exit (0.4,0.6); validation chooses each of "
        "0 to 2 there; none.",
    )
