"""How budgets are written, and rules that go through a file and back."""

import dataclasses

import pytest

from elf_keras.errors import InputError
from elf_keras.policies import policy_rules
from elf_keras.policies.policy_rules import Guard


def test_budgets_are_shares_or_times():
    found = policy_rules.rules(["0.5", " 2.5 MS ", "1.2"], ("shared",))
    assert [(rule.name, rule.unit, rule.limit) for rule in found] == [
        ("accurate", None, None),
        ("macs_50", "macs", 0.5),
        ("ms_2.5", "ms", 2.5),
        ("macs_120", "macs", 1.2),
    ]


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "50M", "ms", ""])
def test_a_budget_that_is_none(text):
    with pytest.raises(InputError, match="above 0"):
        policy_rules.rules([text], ("shared",))


def test_a_percentage_is_told_as_the_share_that_it_means():
    with pytest.raises(InputError) as refused:
        policy_rules.rules(["0.5", "50"], ("shared",))
    assert str(refused.value) == (
        "--budget=50: expected shares of the bare backbone's multiply-adds, "
        "such as 0.5; did you mean 0.5, or the time 50ms?"
    )
    # With their heads, all exits may cost more than the bare backbone.
    assert len(policy_rules.rules(["2", "50ms"], ("shared",))) == 3


def test_rules_come_back_from_a_file():
    made = policy_rules.rules(["0.5", "3ms"], ("shared", "per_exit"))
    guard = Guard(0.1, 0.8, 7, 3)
    policies = {}
    for rule in (policy_rules.Rule("all_exits"), *made):
        written = dataclasses.asdict(rule)
        policies[written.pop("name")] = {"rule": written}
    record = {"guard": dataclasses.asdict(guard), "policies": policies}
    assert policy_rules.of_file(record) == policy_rules.PolicyPlan(made, guard)
