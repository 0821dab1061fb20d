"""Tables say every number that was given, once and rounded."""

import pytest

from elf_keras import choices
from elf_keras.cli import tables
from elf_keras.policies import search_record


def part(static, dynamic, **more):
    return {
        "static": {"accuracy": static, "top1": 0.5, "many": None, "few": 0.25},
        "dynamic": {
            "exit_threshold": 0.9,
            "accuracy": dynamic,
            "top1": 0.505,
            "many": None,
            "medium": 1.0,
            "few": 0.0,
            "saving_with_heads": -0.125,
            "saving_without_heads": 0.3333,
            "exit_shares": [0.75, 0.25],
        },
        "exits": [{"exit": 1, "accuracy": 0.4}, {"exit": 2, "accuracy": 0.6}],
        **more,
    }


def line(text, *words):
    found = [
        row for row in text.splitlines() if all(word in row for word in words)
    ]
    assert len(found) == 1, (words, text)
    return found[0]


def test_rows_of_a_run():
    text = tables.scores(
        {
            "validation": {"best": part(0.11, 0.12, epoch=3)},
            "test": {
                "last": part(0.21, 0.22, epoch=4),
                "best": part(0.31, 0.32, epoch=3),
            },
            "train": {"best": {"loss_by_exit": {}}},
        }
    )
    assert "11.0 %" in line(text, "validation", "best 3", "static")
    assert "22.0 %" in line(text, "test", "last 4", "dynamic")
    row = line(text, "test", "best 3", "dynamic")
    for cell in ("32.0 %", "50.5 %", "–", "100.0 %", "0.0 %", "-12.5 %"):
        assert cell in row
    assert "(33.3 %)" in row
    best = line(text, "test", "best 3", "static")
    assert text.index(best) < text.index(line(text, "last 4", "static"))


def test_a_group_without_classes_is_a_dash_and_exits_count_from_1():
    text = tables.scores({"test": {"model": part(0.5, 0.5)}})
    assert "–" in line(text, "test", "model", "static")
    exits = line(text, "at s = 0.9")
    assert "exit 1: 40.0 %, 75.0 % leave" in exits
    assert "exit 2: 60.0 %, 25.0 % leave" in exits


def test_columns_line_up():
    text = tables.scores({"test": {"best": part(0.5, 1.0, epoch=60)}})
    head = line(text, "split", "epoch", "mode")
    row = line(text, "test", "dynamic")
    for name, cell in (("accuracy", "100.0 %"), ("top1", "50.5 %")):
        ends = head.index(name) + len(name)
        assert row[:ends].endswith(cell)


@pytest.mark.parametrize("split", choices.SPLITS)
def test_every_split_that_can_be_asked_for_is_shown(split):
    text = tables.scores({split: {"model": part(0.5, 0.5)}})
    assert "50.0 %" in line(text, split, "model", "static")


def test_a_policy_that_costs_more_than_the_backbone_is_said():
    found = part(0.655, 0.664, policy="accurate")
    told = line(tables.scores({"test": {"model": found}}), "note:")
    assert told.strip() == (
        "note: more expensive than the bare backbone on test: accurate at "
        "112.5 % of its MACs (66.4 % right); use static, the backbone alone "
        "(65.5 % right)"
    )
    found["dynamic"]["saving_with_heads"] = 0.0
    assert "note:" not in tables.scores({"test": {"model": found}})


def test_a_search_says_where_runs_leave_by_other_rules():
    scores = {"accuracy": 0.7, "saving": 0.2}
    plain = {
        "model": {"static": {"validation": {"accuracy": 0.7}}},
        "policies": {"accurate": {"validation": scores}},
    }
    summed = plain | {"exit_rule": "margin", "answer": "running"}
    rows = search_record.rows({"0.8": plain, "0.9": plain})
    assert "exit rule" not in tables.search(rows)
    rows = search_record.rows({"0.8": plain, "0.9": summed})
    said = "t = 0.8 by confidence, t = 0.9 by margin of running sums"
    assert said in tables.search(rows)


def test_a_search_says_where_its_choice_costs_more_than_the_backbone():
    def of(saving):
        scores = {"accuracy": 0.7, "saving": saving}
        return {
            "model": {"static": {"validation": {"accuracy": 0.6}}},
            "policies": {"accurate": {"validation": scores}},
        }

    rows = search_record.rows({"0.8": of(-0.1), "0.9": of(-0.2)})
    (chosen,) = [row for row in rows if row["chosen"]]
    spent = {"0.8": "110.0", "0.9": "120.0"}[chosen["t"]]
    assert line(tables.search(rows), "note:") == (
        "note: more expensive than the bare backbone on validation: accurate "
        f"at t = {chosen['t']} at {spent} % of its MACs (70.0 % right); use "
        "static, the backbone alone (60.0 % right)"
    )
    rows = search_record.rows({"0.8": of(0.1), "0.9": of(0.2)})
    assert "note:" not in tables.search(rows)
