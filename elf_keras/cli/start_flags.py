"""Flags of a recipe that starts from weights: pretrained, or of a run."""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define them."""
    _weights()
    _exits_alone()
    _backbone()
    _second_stage()


def _weights():
    flags.DEFINE_string(
        "weights",
        "none",
        "Weights to start from. none: random ones. pretrained: ImageNet "
        "weights of efficientnet_lite0, from an installed package. "
        "RUN/model.keras: those of an earlier run. imagenet (downloaded by "
        "Keras) or an .h5 file of keras.applications: for densenet169 and "
        f"{choices.KERAS_PREFIX}NAME.",
    )


def _exits_alone():
    flags.DEFINE_integer(
        "exits_first",
        0,
        "Steps that train the exits alone before the first epoch, on features "
        "of the backbone that are computed once; the last exit becomes a "
        "class-balanced linear probe. 0: no such steps.",
        0,
    )
    flags.DEFINE_integer(
        "exits_last",
        0,
        "Steps that train the early exits alone once more after the last "
        "epoch. The result is kept unless validation gets worse. 0: no such "
        "steps.",
        0,
    )


def _backbone():
    flags.DEFINE_string(
        "frozen_until",
        None,
        "Name of a layer: it and the layers before it are not trained.",
    )
    flags.DEFINE_bool(
        "frozen_norms",
        False,
        "Do not train or update the backbone's batch normalization.",
    )
    flags.DEFINE_float(
        "backbone_rate",
        1.0,
        "Learning rate of the backbone, as a share of --learning_rate.",
        1e-6,
        1.0,
    )


def _second_stage():
    flags.DEFINE_enum(
        "second_stage",
        "none",
        ("none", *choices.TRAINED_STAGES, *choices.UNTRAINED_STAGES),
        "Change only the classifiers of the run in --weights=RUN/model.keras. "
        "crt: train them again from random weights. lws: train one factor for "
        "each class. Without training, tau_norm: divide class vectors by "
        "their norm^τ; logit_adjustment: subtract τ log prior; "
        "prior_correction: see --prior_correction.",
    )
    flags.DEFINE_string(
        "tau",
        "auto",
        "τ of --second_stage=tau_norm and logit_adjustment: a number, or "
        "validation to choose it on the validation split. auto: 1 for "
        "logit_adjustment, validation for tau_norm.",
    )
    flags.DEFINE_string(
        "prior_correction",
        "none",
        "Correct the trained model for the class frequencies by subtracting "
        "τ log prior / σ at every exit. τ is a number, one for each exit such "
        "as 0.4,0.6, or validation to choose each between 0 and 2 on the "
        "validation split. none: no correction.",
    )
