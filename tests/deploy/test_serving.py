"""What a served model is told by its manifest, and when it is timed."""

import types

import exported
import numpy as np
import pytest
import tiny

from elf_keras.deploy import bundle, manifest, serving
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies import policy_rules


def record(default):
    rule = AnswerRule(2.0, "margin", answer="running", answer_decay=0.25)
    return {
        **manifest.leaving(rule),
        "class_names": exported.CLASS_NAMES,
        "exits": [{"temperature": 1.5}, {"temperature": 2.0}],
        "static_temperature": 3.0,
        "input": {"kept": 0.875},
        "default_policy": default,
        "saved_model": {
            "policies": {
                "all_exits": {"thresholds": [None]},
                "macs_50": {"thresholds": [0.25]},
            }
        },
    }


def test_it_is_what_the_manifest_says():
    found = serving.of_manifest(record("macs_50"))
    limits = {name: at.to_json() for name, at in found.policies.items()}
    assert limits == {"all_exits": [None], "macs_50": [0.25]}
    assert found.names == ["serving_default", "all_exits", "static", "macs_50"]
    assert found.default_policy == "macs_50"
    assert found.temperatures.tolist() == [1.5, 2.0]
    assert (found.static_temperature, found.kept) == (3.0, 0.875)
    assert found.rule.exit_rule == "margin"
    assert (found.rule.scale, found.rule.answer_decay) == (2.0, 0.25)


def test_the_bare_backbone_may_be_the_default():
    assert serving.of_manifest(record("static")).default_policy == "static"


def test_a_default_that_no_thresholds_keep_is_left_to_the_command():
    """It refuses the export as a whole, by the names of all variants."""
    assert serving.of_manifest(record("ms_1")).default_policy == "all_exits"


@pytest.mark.parametrize(("budget", "timed"), [("0.5", 0), ("2ms", 2)])
def test_stages_are_timed_where_a_budget_is_one_of_time(budget, timed):
    """A policy that a sweep chose for its time can then be served."""
    rules = policy_rules.rules([budget], (policy_rules.SHARED,))
    images = np.zeros((3, *tiny.SHAPE), "uint8")
    found = bundle._stage_times(
        types.SimpleNamespace(model=tiny.model()),
        types.SimpleNamespace(
            rules=policy_rules.PolicyPlan(rules),
            reported_on=types.SimpleNamespace(images=images),
        ),
    )
    assert len(found or []) == timed
    assert all(milliseconds > 0 for milliseconds in found or [])
