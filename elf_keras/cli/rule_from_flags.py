"""From flags to the exit rule and answer that a sweep chooses on validation."""

import dataclasses

import keras
from absl import flags

from elf_keras import choices
from elf_keras.cli import answer_from_flags, command, rules_table
from elf_keras.data import splits
from elf_keras.evaluation import prediction
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import answer_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies import decay_choice, rule_choice

FLAGS = flags.FLAGS


def chosen(
    model: keras.Model,
    data: splits.Splits,
    scorer: Scorer,
    budgets: list[float],
) -> tuple[AnswerRule, dict]:
    """Return the rule to sweep by, and what policy.json keeps of its choice.

    The decay comes first: rules are compared with it. Where the flags leave
    nothing to choose, the rule is the scorer's, and the dict is empty.

    Args:
      model: a multi-exit model.
      data: its validation split chooses.
      scorer: of the run, by the rule of the flags.
      budgets: shares of the backbone's MACs, at which rules are compared.

    Raises:
      InputError: where every image costs more than each budget.
    """
    rule, told = scorer.rule, {}
    if answer_from_flags.chooses_decay():
        rule, told["decays"] = _by_decay(model, data.validation, scorer)
        command.say(told["decays"]["said"])
    if FLAGS.exit_rule == choices.ALL_RULES:
        rule, told["compared"] = rule_choice.compare(
            model,
            data.validation,
            scorer,
            answer_from_flags.all_rules(rule.answer_decay),
            budgets,
        )
        print(rules_table.rules(told["compared"]), flush=True)
    return rule, told


def _by_decay(model, validation, scorer):
    """The rule of running sums with the best decay, and how all did."""
    return decay_choice.choose(
        prediction.logit_parts(model, validation),
        validation.labels,
        scorer.weights(validation.labels),
        dataclasses.replace(scorer.rule, answer=answer_rule.RUNNING),
    )
