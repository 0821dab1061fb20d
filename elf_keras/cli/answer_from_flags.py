"""From flags to how a model answers, and to the thresholds it leaves by."""

import pathlib

from absl import flags

from elf_keras import choices, plugins, runs
from elf_keras.cli import workdir
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule, thresholds
from elf_keras.exits.answer_rule import AnswerRule

FLAGS = flags.FLAGS


def rule(given: flags.FlagValues = FLAGS) -> AnswerRule:
    """Return --exit_rule, --answer and --answer_decay, with σ of the loss.

    Where all rules are compared, what they are compared with: confidence of
    own logits. A decay that validation chooses is 0.5 until `sweep` has done so
    (`chooses_decay`).

    Raises:
      InputError: for an answer that --method does not have.
    """
    scale = score_scale(given)
    if given.exit_rule == choices.ALL_RULES:
        return AnswerRule(scale, answer_decay=decay(given))
    found = AnswerRule(
        scale,
        given.exit_rule,
        answer=given.answer,
        answer_decay=decay(given),
    )
    return checked(found, given)


def decay(given: flags.FlagValues = FLAGS) -> float:
    """Return --answer_decay as a number, 0.5 where validation chooses it."""
    if given.answer_decay == choices.BY_VALIDATION:
        return answer_rule.DECAY
    return given.answer_decay


def chooses_decay() -> bool:
    """Whether a sweep is to choose the decay of running sums."""
    sums = FLAGS.exit_rule == choices.ALL_RULES
    sums |= FLAGS.answer == answer_rule.RUNNING
    sums &= FLAGS.method != "summed"
    return sums and FLAGS.answer_decay == choices.BY_VALIDATION


def checked(found: AnswerRule, given: flags.FlagValues = FLAGS) -> AnswerRule:
    """Return a rule that --method has.

    Raises:
      InputError: for one that it has not.
    """
    if found.answer != answer_rule.OWN and given.method == "summed":
        raise InputError(
            f"--answer={found.answer}: --method=summed always answers by the "
            "sum of all exits; leave --answer out"
        )
    return found


def is_given_here() -> bool:
    """Whether the command line itself says how to leave, not the run alone."""
    return workdir.given_here(*answer_rule.PLAIN.told)


def all_rules(answer_decay: float | None = None) -> list[AnswerRule]:
    """Every exit rule with every answer that --method has, plain ones first.

    `answer_decay` is that of the running sums, by default that of the flags.
    """
    if answer_decay is None:
        answer_decay = decay()
    summed = FLAGS.method == "summed"
    answers = (answer_rule.OWN,) if summed else choices.ANSWERS
    return [
        AnswerRule(
            score_scale(), name, answer=answer, answer_decay=answer_decay
        )
        for answer in answers
        for name in plugins.names("exit rule")
    ]


def exit_thresholds(
    classes: int,
    exits: int,
    given: flags.FlagValues = FLAGS,
    by: AnswerRule | None = None,
) -> thresholds.ExitThresholds:
    """Return --exit_threshold for every exit, as --exit_rule compares it.

    Where it is to be used by another rule than it was recorded for (`by`, of
    an export, or the command line's), it is not meant: a default takes its
    place.
    """
    asked, text = rule(given), given.exit_threshold
    by = by or asked
    meant = _recorded(given, asked).leaves_as(by)
    meant |= workdir.given_here("exit_threshold")
    if given.exit_rule == choices.ALL_RULES or not meant:
        text = "auto"
    # An export does not name its loss, but whether its logits are cosines.
    cosines = by.scale != 1 and not thresholds.of_cosines(given.exit_loss)
    s = thresholds.parse(
        text,
        "ldam" if cosines else given.exit_loss,
        classes,
        rule=by.exit_rule,
        # The last exit takes whoever gets there.
        total=by.total(exits - 1),
        # Nor whether a correction lets them reach further.
        corrected=cosines or given.prior_correction != "none",
    )
    return thresholds.ExitThresholds.shared(s, exits)


def _recorded(given, asked):
    """The rule by which the run's own s is compared, if there is a run."""
    folder = pathlib.Path(given.workdir or "")
    known = given.workdir and (folder / runs.FLAGS).is_file()
    if not is_given_here() or not known:
        return asked
    return rule(workdir.flags_of(folder))


def score_scale(given: flags.FlagValues = FLAGS) -> float:
    """Return σ, by which the exit loss multiplies logits: 1 but for LDAM."""
    cosine = thresholds.of_cosines(given.exit_loss)
    return given.ldam_scale if cosine else 1.0
