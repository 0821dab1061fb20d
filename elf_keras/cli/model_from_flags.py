"""From flags to strategies, models, objectives and scorers."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from elf_keras import choices, losses, models
from elf_keras.cli import (
    answer_from_flags,
    backbone_from_flags,
    command,
    data_from_flags,
    heads_from_flags,
    pass_from_flags,
    second_stage_from_flags,
    weights_from_flags,
)
from elf_keras.data import long_tail, splits
from elf_keras.distribution import cluster, strategies
from elf_keras.errors import InputError
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import thresholds
from elf_keras.losses import across_exits, objective
from elf_keras.models import bilateral, multiply_adds
from elf_keras.training import optimizer

FLAGS = flags.FLAGS
_TORCH_FILES = (".pth", ".pt", ".safetensors")
# The flag of each parameter of an exit loss.
LOSS_FLAGS = {
    "gamma": "focal_gamma",
    "scale": "ldam_scale",
    "margin_power": "ldam_power",
    "tau": "logit_tau",
    "exponent": "vs_exponent",
}


def strategy(*, alone: bool = False):
    """Return the strategy, and set precision and seeds on the way.

    Args:
      alone: take one device of this process, whatever --strategy says.
    """
    # First: workers are joined before TensorFlow does anything else.
    name = "single" if alone else FLAGS.strategy
    chosen = strategies.create(name, cluster.for_strategy(name))
    keras.utils.set_random_seed(FLAGS.seed)
    if FLAGS.deterministic:
        tf.config.experimental.enable_op_determinism()
    half = FLAGS.mixed_precision != "float32"
    keras.config.set_dtype_policy(
        f"{'mixed_' if half else ''}{FLAGS.mixed_precision}"
    )
    return chosen


def model(data: splits.Splits) -> keras.Model:
    """Build the model, or take over what fits from --weights."""
    if FLAGS.second_stage != "none":
        return second_stage_from_flags.model(data)
    source, pixels = _source(data)
    network = (data.image_shape, len(data.class_names))
    backbone = backbone_from_flags.backbone(data.image_shape)
    options = {"backbone": backbone, "pixels": pixels}
    cosine = thresholds.of_cosines(FLAGS.exit_loss)
    if FLAGS.method == "bbn":
        built = bilateral.build(*network, cosine=cosine, **options)
    else:
        built = models.build(
            *network,
            exits=heads_from_flags.exits(),
            heads=heads_from_flags.heads(cosine=cosine),
            **options,
        )
    if backbone_from_flags.taps_are_found():
        taps = ", ".join(models.tap_names(built))
        command.say(f"the exits read the outputs of {taps}")
    if source:
        other = _other_classes(data)
        if other:
            command.say(f"note: {other}")
        but = built.output_names if other else ()
        command.say(models.take_over(built, source, but=but))
    models.freeze(built, until=FLAGS.frozen_until, norms=FLAGS.frozen_norms)
    return built


def compiled(built: keras.Model, data: splits.Splits) -> keras.Model:
    """Compile a model with optimizer and objective."""
    weights = objective.unit_weights(len(data.class_names))
    exit_loss = _across_exits(_exit_loss(data, weights), models.exits(built))
    leaving = FLAGS.method == "har"
    loss = cumulative_loss(
        data, leaving=leaving, exit_loss=exit_loss, weights=weights
    )
    built.compile(
        _optimizer(),
        loss,
        training_pass=pass_from_flags.training_pass(built, loss),
    )
    return built


def cumulative_loss(
    data: splits.Splits,
    *,
    leaving: bool,
    exit_loss: Callable | None = None,
    weights: keras.Variable | None = None,
) -> objective.CumulativeLoss:
    """Build the objective; without leaving, t is infinite.

    Without `exit_loss` it is the plain sum of --exit_loss, by which hardness
    is measured whatever --method trains with; `weights` is the variable of
    class weights that `exit_loss` may look at.
    """
    classes = len(data.class_names)
    threshold = data_from_flags.train_threshold(classes)
    return objective.CumulativeLoss(
        exit_loss or _exit_loss(data, weights),
        classes,
        train_threshold=threshold if leaving else np.inf,
        normalization=FLAGS.loss_normalization,
        weights=weights,
    )


def scorer(
    built: keras.Model,
    data: splits.Splits,
    given: flags.FlagValues = FLAGS,
) -> Scorer:
    """Build what scores a model, by this command's flags or another run's."""
    classes = len(data.class_names)
    exits = models.exits(built)
    by_training = given.deployment_prior == "train"
    summed_weights = None
    if given.method == "summed":
        summed_weights = across_exits.check_weights(given.exit_weights, exits)
    return Scorer(
        classes=classes,
        shot_groups=long_tail.shot_groups(data.class_counts),
        costs=multiply_adds.exit_costs(built),
        thresholds=answer_from_flags.exit_thresholds(classes, exits, given),
        prior=data.class_counts if by_training else None,
        rule=dataclasses.replace(
            answer_from_flags.rule(given), exit_weights=summed_weights
        ),
    )


def _optimizer():
    rates = FLAGS.learning_rate, FLAGS.weight_decay, FLAGS.backbone_rate
    rate, decay, of_backbone = rates
    if FLAGS.optimizer == "adamw":
        return optimizer.AdamW(rate, decay, of_backbone)
    return optimizer.CoupledSGD(
        rate, coupled_decay=decay, backbone_rate=of_backbone
    )


def _exit_loss(data, weights=None):
    """--exit_loss, of class weights where it looks at them itself."""
    taken = losses.EXIT_LOSSES[FLAGS.exit_loss].parameters
    # A plug-in's parameters are flags of the same name.
    own = FLAGS.exit_loss in choices.EXIT_LOSSES
    inside = FLAGS.exit_loss == "focal" and FLAGS.focal_weights == "inside"
    return losses.exit_loss(
        FLAGS.exit_loss,
        data.train_counts,
        class_weights_inside=weights if inside else None,
        **{
            name: FLAGS[LOSS_FLAGS[name] if own else name].value
            for name in taken
        },
    )


def _across_exits(exit_loss, exits):
    """What --distillation, --exit_weights and --method=summed make of it."""
    if FLAGS.distillation:
        if FLAGS.method not in ("har", "sum") or exits == 1:
            raise InputError(
                f"--distillation={FLAGS.distillation:g} needs early exits with "
                f"a loss of their own, which --method={FLAGS.method} with "
                f"{exits} exits does not have: choose har or sum, or leave "
                "--distillation out"
            )
        exit_loss = across_exits.distilled(
            exit_loss,
            weight=FLAGS.distillation,
            temperature=FLAGS.distillation_temperature,
            scale=answer_from_flags.score_scale(),
        )
    weights = across_exits.check_weights(FLAGS.exit_weights, exits)
    if FLAGS.method == "summed":
        return across_exits.summed(exit_loss, weights)
    if FLAGS.exit_weights:
        return across_exits.weighted(exit_loss, weights)
    return exit_loss


def _source(data):
    """The model to start from, if any; mean and deviation of the pixels."""
    weights = FLAGS.weights
    if weights_from_flags.is_published():
        return weights_from_flags.published(data.image_shape)
    if weights.endswith(_TORCH_FILES):
        raise InputError(
            f"--weights={weights}: files of PyTorch cannot be read; expected a "
            "model.keras, an .h5 of keras.applications, pretrained, imagenet "
            "or none"
        )
    source = None if weights == "none" else models.load(weights)
    if backbone_from_flags.is_file():
        return source, None
    channels = data.image_shape[-1]
    if source and source.input_shape[-1] == channels:
        # Its weights expect images as it had them.
        return source, models.pixels_of(source)
    return source, models.Pixels(*data.pixel_statistics)


def _other_classes(data):
    """What keeps classifiers of --weights from being taken over, if any."""
    run = data_from_flags.of_weights()
    if run is None or run.class_names == data.class_names:
        return None
    return (
        f"--weights={FLAGS.weights} was trained on other classes "
        f"({splits.shown(run.class_names)}) than these "
        f"({splits.shown(data.class_names)}): all weights but those of its "
        "classifiers are used"
    )
