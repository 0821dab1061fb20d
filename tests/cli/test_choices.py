"""The names in `choices` are those of the tables, in the same order."""

import pytest

from elf_keras import choices, data, losses
from elf_keras.data import auto_augment, mixing, samplers
from elf_keras.exits import answer_rule, certainty
from elf_keras.losses import class_weights, objective
from elf_keras.models import exit_heads
from elf_keras.models.backbones import BACKBONES
from elf_keras.training import log_clients, second_stage


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (choices.BACKBONES, BACKBONES),
        (choices.CLASS_WEIGHTINGS, class_weights.CLASS_WEIGHTINGS),
        (choices.DATASETS, data.SOURCES),
        (choices.EXIT_HEADS, exit_heads.EXIT_HEADS),
        (choices.EXIT_LOSSES, losses.EXIT_LOSSES),
        (choices.EXIT_RULES, certainty.EXIT_RULES),
        (choices.AUTO_AUGMENTS[1:], auto_augment.RULES),
        (choices.BATCH_MIXINGS, mixing.MIXINGS),
        (choices.LOGGERS, log_clients.CLIENTS),
        (choices.NORMALIZATIONS, objective.NORMALIZATIONS),
        (choices.POST_HOC_STAGES, second_stage.RULES),
        (choices.SAMPLERS, samplers.SAMPLERS),
        (choices.TRAINED_STAGES, second_stage.TRAINED_STAGES),
    ],
)
def test_names_are_those_of_the_table(names, table):
    assert list(names) == list(table)
    made = [getattr(entry, "function", entry) for entry in table.values()]
    assert all(map(callable, made))


def test_losses_that_use_the_class_shares_are_known():
    uses = {
        name
        for name, loss in losses.EXIT_LOSSES.items()
        if "log_priors" in loss.of_counts
    }
    assert set(choices.PRIOR_LOSSES) == uses


def test_no_name_is_listed_twice():
    for names in vars(choices).values():
        if isinstance(names, tuple):
            assert len(names) == len(set(names))


def test_answers_are_those_of_the_rule():
    assert choices.ANSWERS == answer_rule.ANSWERS
