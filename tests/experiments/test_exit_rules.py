"""The table of exit rules: every rule, and its numbers."""

from elf_keras import runs
from elf_keras.exits import certainty
from experiments import exit_rules


def test_a_row_by_hand():
    test = {"accuracy": 0.705, "saving": 0.25}
    policies = {name: {"test": test} for name in exit_rules.POLICIES}
    made = exit_rules.table({"rules": {"margin": {"policies": policies}}})
    cells = " | ".join(["70.5 (25.0)"] * 4)
    assert made.splitlines()[2] == f"| margin | {cells} |"


def test_every_rule_was_swept():
    record = runs.read_json(exit_rules.RECORD)
    assert list(record["rules"]) == list(certainty.EXIT_RULES)
