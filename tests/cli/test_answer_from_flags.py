"""How a model answers by its flags, and which thresholds are in reach."""

import sys

import command_runs
import pytest

from elf_keras import choices, runs
from elf_keras.cli import answer_from_flags
from elf_keras.errors import InputError
from elf_keras.exits.answer_rule import PLAIN, AnswerRule


def by(*words):
    return command_runs.fresh_flags("--workdir=", *words)


def test_own_logits_and_confidence_unless_flags_say_otherwise():
    with by():
        assert answer_from_flags.rule().leaves_as(PLAIN)


def test_every_flag_ends_in_the_rule():
    words = "--exit_rule=depth_confidence --answer=running --answer_decay=0.25"
    with by(*words.split(), "--exit_loss=ldam", "--ldam_scale=20"):
        found = answer_from_flags.rule()
    rule = AnswerRule(20.0, "depth_confidence")
    assert found.scale == 20
    assert not found.leaves_as(rule)
    assert found.flags == words


@pytest.mark.parametrize(
    ("words", "chooses"),
    [
        ("--answer=running --answer_decay=validation", True),
        ("--exit_rule=all --answer_decay=validation", True),
        ("--answer=running --answer_decay=0.25", False),
        # No sum, no decay.
        ("--answer=own --answer_decay=validation", False),
        ("--exit_rule=all --answer_decay=validation --method=summed", False),
        (
            "--exit_rule=all --answer=running --answer_decay=validation "
            "--method=summed",
            False,
        ),
    ],
)
def test_a_decay_that_validation_chooses_is_a_half_before(words, chooses):
    with by(*words.split()):
        assert answer_from_flags.chooses_decay() is chooses
        decay = 0.5 if "validation" in words else 0.25
        assert answer_from_flags.rule().answer_decay == decay
        assert answer_from_flags.all_rules()[-1].answer_decay == decay


def test_summed_predictions_have_no_running_sum():
    refused = pytest.raises(InputError, match="--method=summed")
    with by("--method=summed", "--answer=running"), refused:
        answer_from_flags.rule()
    with by("--method=summed", "--exit_rule=all"):
        found = answer_from_flags.all_rules()
    assert {rule.answer for rule in found} == {"own"}
    with by("--method=har", "--answer_decay=0.3"):
        found = answer_from_flags.all_rules()
    assert len(found) == len(choices.EXIT_RULES) * len(choices.ANSWERS)
    assert found[0].leaves_as(PLAIN)
    assert {rule.answer_decay for rule in found} == {0.3}


@pytest.mark.parametrize(
    ("words", "exits", "reached"),
    [
        # 10 classes: a cosine reaches 1/(1 + 9 e^-2) = 0.451, the sum of two
        # with decay 0.5 1/(1 + 9 e^-3) = 0.69, the last exit needs no s.
        ((), 3, 0.451),
        (("--answer=running",), 2, 0.451),
        (("--answer=running",), 3, 0.690),
        (("--answer=running", "--answer_decay=0"), 3, 0.451),
    ],
)
def test_what_a_sum_of_cosines_can_reach(words, exits, reached):
    words = ("--exit_loss=ldam", *words)
    with by(*words, f"--exit_threshold={reached - 0.002}"):
        found = answer_from_flags.exit_thresholds(10, exits)
        assert found.number == pytest.approx(reached - 0.002)
    refused = pytest.raises(InputError, match="can never be exceeded")
    with by(*words, f"--exit_threshold={reached + 0.002}"), refused:
        answer_from_flags.exit_thresholds(10, exits)


def test_a_correction_for_the_prior_reaches_further():
    """Rare classes are added 1/30 log 1/π: cosines alone reach 0.451."""
    words = ("--exit_loss=ldam", "--exit_threshold=0.46")
    with by(*words, "--prior_correction=1"):
        assert answer_from_flags.exit_thresholds(10, 3).number == 0.46


def test_where_all_are_compared_a_threshold_of_one_rule_says_nothing():
    words = ("--exit_loss=ldam", "--exit_threshold=0.9", "--exit_rule=all")
    with by(*words):
        assert answer_from_flags.exit_thresholds(10, 3).number == 0.2


@pytest.mark.parametrize(
    ("words", "s"),
    [
        # The run's 0.25 is by margin: kept as long as that is what is asked.
        ((), 0.25),
        (("--exit_rule=margin",), 0.25),
        (("--exit_rule=confidence",), 0.9),
        (("-exit_rule=confidence",), 0.9),
        # The default of margin, as sure as 0.9 of confidence with 10 classes.
        (("--answer=running",), 8 / 9),
        (("--answer=running", "-exit_threshold=0.3"), 0.3),
    ],
)
def test_a_run_s_threshold_is_not_meant_for_another_rule(
    tmp_path, monkeypatch, words, s
):
    recorded = ["--exit_rule=margin", "--exit_threshold=0.25"]
    (tmp_path / runs.FLAGS).write_text("\n".join(recorded) + "\n")
    monkeypatch.setattr(sys, "argv", ["evaluate", *words])
    whole = (f"--workdir={tmp_path}", *recorded, *words)
    with command_runs.fresh_flags(*whole):
        assert answer_from_flags.exit_thresholds(10, 3).number == pytest.approx(
            s
        )


def test_a_decay_is_told_so_that_it_can_be_asked_for():
    rule = AnswerRule(answer="running", answer_decay=0.12345678)
    with by(*rule.flags.split()):
        assert answer_from_flags.rule().leaves_as(rule)
