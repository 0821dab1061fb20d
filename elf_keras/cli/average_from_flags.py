"""From --average_weights to the average of a model's weights."""

from absl import flags

from elf_keras import choices
from elf_keras.errors import InputError
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training.weight_average import WeightAverage

FLAGS = flags.FLAGS


def average(model: MultiExitModel) -> WeightAverage | None:
    """Begin the average with a model's present weights, if there is to be one.

    After --exits_first or the first change of a second stage, therefore.

    Raises:
      InputError: where nothing is trained.
    """
    if not FLAGS.average_weights:
        return None
    if FLAGS.second_stage in choices.UNTRAINED_STAGES:
        raise InputError(
            f"--average_weights={FLAGS.average_weights:g} with "
            f"--second_stage={FLAGS.second_stage}, which trains no steps to "
            "average over: set --average_weights=0, or leave the stage out"
        )
    return WeightAverage(model, FLAGS.average_weights)
