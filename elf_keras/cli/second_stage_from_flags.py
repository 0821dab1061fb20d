"""From --second_stage, --weights and --tau to a model that is ready for it."""

import pathlib

import keras
import numpy as np
from absl import flags

from elf_keras import choices, models, plugins, runs
from elf_keras.cli import command, fitting_model, workdir
from elf_keras.data import splits
from elf_keras.errors import InputError
from elf_keras.exits import thresholds
from elf_keras.models.exit_heads import CosineClassifier
from elf_keras.training import epoch_run, second_stage

FLAGS = flags.FLAGS
# What a run and its second stage must share: its training images and classes.
_SHARED = (
    *("dataset", "imbalance", "validation_fraction", "validation_group"),
    *("seed", "image_size", "magnification_limit", "backbone"),
)


def model(data: splits.Splits) -> keras.Model:
    """Load the model of --weights, and make it ready for the stage.

    It keeps its own pixel statistics and precision.
    """
    if not FLAGS.weights.endswith(".keras"):
        raise InputError(
            f"--second_stage={FLAGS.second_stage} starts from a trained run, "
            f"and --weights={FLAGS.weights} is not one; add "
            "--weights=RUN/model.keras"
        )
    loaded = fitting_model.load(
        FLAGS.weights, data, remedy="name a model that was trained on them"
    )
    _check_flags(pathlib.Path(FLAGS.weights).parent)
    _check_model(loaded)
    prepare = second_stage.TRAINED_STAGES.get(FLAGS.second_stage)
    return prepare(loaded) if prepare else loaded


def begin(training: epoch_run.Training) -> dict | None:
    """Apply a stage that trains nothing; return what run.json says of any."""
    stage, loaded = FLAGS.second_stage, training.model
    if stage == "none":
        return None
    if stage == choices.PRIOR_CORRECTION:
        # It follows when scores are taken, as after any training.
        return {"name": stage}
    if stage in choices.TRAINED_STAGES:
        trained = sum(np.prod(w.shape) for w in loaded.trainable_weights)
        return {"name": stage, "trained_parameters": int(trained)}
    rule = second_stage.RULES[stage]
    tau = _tau()
    tau, tried = _chosen(training, rule) if tau is None else (tau, [])
    second_stage.change(loaded, rule, training.data.train_counts, tau)
    return {"name": stage, "tau": tau, "tried": tried}


def _tau():
    """--tau as a number, or None where validation chooses it."""
    if FLAGS.tau == "auto" and FLAGS.second_stage == "logit_adjustment":
        return 1.0
    if FLAGS.tau in ("auto", "validation"):
        return None
    try:
        tau = float(FLAGS.tau)
    except ValueError:
        tau = np.nan
    if not 0 <= tau < np.inf:
        raise InputError(
            f"--tau={FLAGS.tau}: expected a number ≥ 0, validation or auto"
        )
    return tau


def _chosen(training, rule):
    validation = training.data.validation
    if validation is None:
        raise InputError(
            f"--second_stage={FLAGS.second_stage}: without a validation split "
            "no τ can be chosen; give a number, such as --tau=1, or set "
            "--validation_fraction as in the run of --weights"
        )
    found = second_stage.accuracies(
        training.model,
        rule,
        training.data.train_counts,
        validation,
        training.scorer.weights(validation.labels),
    )
    # The smallest of equals: the least change.
    best = second_stage.TAUS[found.argmax()]
    command.say(f"τ = {best} is best on validation: {100 * found.max():.1f} %")
    tried = [
        {"tau": tau, "validation_accuracy": accuracy}
        for tau, accuracy in zip(second_stage.TAUS, found, strict=True)
    ]
    return best, tried


def _check_flags(folder):
    """Other images would let validation meet what was trained on."""
    if not (folder / runs.FLAGS).exists():
        return
    before = workdir.flags_of(folder)
    changed = sorted(
        given[name].serialize()
        for name in _SHARED
        if FLAGS[name].value != before[name].value
        for given in (before, FLAGS)
        if given[name].value is not None
    )
    if changed:
        raise InputError(
            f"--weights={FLAGS.weights} comes from a run with other flags "
            f"({' '.join(changed)}); a second stage needs the same data and "
            "backbone: repeat that run's flags"
        )
    _check_corrected(before)
    adjusted = [
        before[name].serialize()
        for name, values in _adjusting().items()
        if before[name].value in values
    ]
    if FLAGS.second_stage == "logit_adjustment" and adjusted:
        raise InputError(
            f"--weights={FLAGS.weights} was trained with "
            f"{', '.join(adjusted)}, which already adjusts for the class "
            "counts; logit_adjustment would do so twice: start from a run "
            "with --exit_loss=ce or focal, --class_weighting=none, "
            "--sampler=instance, --second_stage=none and not bbn"
        )


def _adjusting():
    """What in a run's flags moves logits towards rare classes."""
    return {
        "class_weighting": set(choices.CLASS_WEIGHTINGS) - {"none"},
        "exit_loss": plugins.prior_losses(),
        "method": ("bbn",),
        "sampler": set(choices.SAMPLERS) - {"instance"},
        "second_stage": {*choices.TRAINED_STAGES, *choices.UNTRAINED_STAGES},
    }


def _check_corrected(before):
    """A correction on top of another would be none of the prior."""
    corrected = before.prior_correction != "none"
    # cRT draws new classifiers. Others keep the correction, and the next run
    # that starts from them could not tell.
    kept = FLAGS.second_stage != "crt"
    adjusts = FLAGS.second_stage == "logit_adjustment"
    adjusts |= kept and (corrected or FLAGS.prior_correction != "none")
    if adjusts and (corrected or before.second_stage == "logit_adjustment"):
        name = "prior_correction" if corrected else "second_stage"
        raise InputError(
            f"--weights={FLAGS.weights} was corrected for the prior already, "
            f"by {before[name].serialize()}: start from a run without that flag"
        )


def _check_model(loaded):
    exits = models.exits(loaded)
    if (exits == 1) != (FLAGS.method == "single"):
        raise InputError(
            f"--weights={FLAGS.weights} has {exits} exits, which does not fit "
            f"--method={FLAGS.method}; set single for one exit (also after "
            "bbn), har or sum for several"
        )
    post_hoc = FLAGS.second_stage in choices.POST_HOC_STAGES
    if FLAGS.method == "summed" and post_hoc:
        raise InputError(
            f"--second_stage={FLAGS.second_stage} changes each exit by itself, "
            "but --method=summed answers by their sum; choose crt or lws, or "
            "another method"
        )
    cosine = isinstance(second_stage.classifiers(loaded)[-1], CosineClassifier)
    if cosine != thresholds.of_cosines(FLAGS.exit_loss):
        raise InputError(
            f"--weights={FLAGS.weights} has {'cosine' if cosine else 'plain'} "
            f"classifiers, which do not fit --exit_loss={FLAGS.exit_loss}; "
            "cosine classifiers go with ldam"
        )
    if cosine and FLAGS.second_stage not in ("crt", choices.PRIOR_CORRECTION):
        raise InputError(
            f"--second_stage={FLAGS.second_stage}: a cosine classifier has "
            "neither norms nor a bias to change; only crt and "
            "prior_correction suit it"
        )
