"""Rows of the results table, by hand."""

import dataclasses
import itertools

import made_report
import pytest

from elf_keras.reports import score_rows


def run(tmp_path, name, accuracy, *, seed, flags=()):
    """A run whose static accuracy on test is given."""
    view = made_report.view(tmp_path / name, seed=seed, flags=flags)
    metrics = view.folder.metrics
    for part in metrics["test"].values():
        part["static"]["accuracy"] = accuracy
    return dataclasses.replace(view.folder, metrics=metrics)


def test_seeds_of_one_recipe_share_rows(tmp_path):
    found = [
        run(tmp_path, "har_seed0", 0.5, seed=0),
        run(tmp_path, "har_seed1", 0.7, seed=1),
        run(tmp_path, "other", 0.9, seed=0, flags=("--batch_size=7",)),
    ]
    rows = score_rows.rows(found)
    static = [row for row in rows if row["mode"] == "static"]
    static = {(row["run"], row["epoch"]): row for row in static}
    epochs = ("best (3)", "last (3)")
    assert set(static) == set(itertools.product(("har", "other"), epochs))
    both, alone = static["har", "best (3)"], static["other", "best (3)"]
    assert both["seeds"] == "0, 1"
    assert both["accuracy"] == pytest.approx(0.6)
    assert both["accuracy_spread"] == pytest.approx(0.1)
    assert alone["accuracy"] == 0.9
    assert alone["accuracy_spread"] is None
    modes = {row["mode"] for row in rows}
    assert modes == {"static", "dynamic", "mean_of_exits"}
    # A run that has not ended has no row.
    stopped = dataclasses.replace(found[0], metrics=None)
    assert score_rows.rows([stopped]) == []


def test_other_images_and_the_same_seed_are_no_further_seeds(tmp_path):
    first = run(tmp_path, "first", 0.5, seed=0)
    again = run(tmp_path, "again", 0.6, seed=0)
    more = run(tmp_path, "more", 0.7, seed=1)
    more = with_images(more, test=7)
    names = [[each.name for each in group] for group in groups(first, again)]
    assert names == [["first"], ["again"]]
    assert len(groups(first, more)) == 2
    sibling = run(tmp_path, "sibling", 0.7, seed=1)
    # A cut of whole series takes more or fewer by seed.
    sibling = with_images(sibling, train=99, validation=9)
    assert len(groups(first, sibling)) == 1


def with_images(found, **counts):
    known = found.record["data"]
    images = {**known.get("images", {}), **counts}
    record = {**found.record, "data": {**known, "images": images}}
    return dataclasses.replace(found, record=record)


def test_groups_of_one_name_are_told_apart(tmp_path):
    found = [
        run(tmp_path, name, 0.5, seed=seed)
        for name, seed in (("har_a", 0), ("har_b", 1), ("har_c", 0))
    ]
    found += [run(tmp_path, "har_d", 0.9, seed=1)]
    shown = [row["run"] for row in score_rows.rows(found)]
    assert {*shown} == {"har_a + har_b", "har_c + har_d"}
    assert score_rows.names([found[:2], found[2:3]]) == ["har", "har_c"]


def groups(*found):
    return score_rows.groups([*found])


def test_a_policy_without_heads(tmp_path):
    view = made_report.swept(made_report.view(tmp_path / "run"), [0.5, 0.5])
    rows = score_rows.rows([view.folder])
    (row,) = [row for row in rows if row["mode"] == "accurate"]
    assert row["exit_threshold"] == "0.5"
    assert row["saving_with_heads"] == 0.1
    # A third of the images pays 40, 60 and 100, of a backbone of 100.
    assert row["saving_without_heads"] == pytest.approx(1 - 200 / 300)


def test_common_names():
    assert score_rows.common(["har_seed0", "har_seed12"]) == "har"
    assert score_rows.common(["one", "two"]) == "one + two"
    assert score_rows.common(["har_seed0"]) == "har_seed0"
