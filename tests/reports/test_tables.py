"""Tables of a report's page, from what a run's folder says."""

import dataclasses

import made_report

from elf_keras.reports import run_view, tables


def test_flags_are_shown_as_they_can_be_given_again(tmp_path):
    words = "--check_counts --nodeterministic --noflip --seed=3"
    folder = made_report.of_flags(tmp_path / "run", words)
    shown = tables.flags(run_view.RunView(folder)).split()
    assert "--noflip" in shown and "--nodeterministic" in shown
    assert shown[0] == "--check_counts=true" and shown[-1] == "--seed=3"


def test_the_epoch_that_is_kept_is_that_of_the_scores(tmp_path):
    """Records were once of the epoch that was best by the way."""
    view = made_report.view(tmp_path / "run")
    folder = view.folder
    for epoch, shown in ((0, "0"), (7, "7")):
        metrics = {"test": {"last": {}, "best": {"epoch": epoch}}}
        found = dataclasses.replace(folder, metrics=metrics)
        rows = dict(tables.facts(run_view.RunView(found)))
        assert rows["epoch kept, by validation"] == shown


def test_what_costs_more_is_said_of_every_kind_of_export():
    dear = {"accurate": {"accuracy": 0.7, "saving": -0.1}}
    cheap = {"accurate": {"accuracy": 0.7, "saving": 0.1}}
    static = {"accuracy": 0.7}
    exports = {
        "mine": {
            "saved_model": {"policies": dear, "static": static},
            "variants": {"int8": {"policies": cheap, "static": static}},
            "reported_on": {"split": "test"},
        },
        "phones": {
            "saved_model": None,
            "variants": {"int8": {"policies": dear, "static": static}},
            "reported_on": {"split": "test"},
        },
    }
    served, phones = tables.dearer(exports)
    assert served.startswith("mine, saved_model: ")
    assert "use static, the backbone alone" in served
    # Its variant has no file of the backbone alone.
    assert phones.startswith("phones, int8: ")
    assert "an export without --chain_only has static" in phones


def test_all_that_an_export_answers_by_is_a_row():
    at = {"accuracy": 0.7, "saving": 0.1, "milliseconds": 2.0}
    static = {"accuracy": 0.8}
    files = {"stages": [{"bytes": 3}, {"bytes": 4}], "exits": [{"bytes": 5}]}
    manifest = {
        "saved_model": {"policies": {"accurate": at}, "static": static},
        "variants": {
            "int8": {"policies": {"accurate": at}, "static": static, **files}
        },
        "reported_on": {"split": "validation"},
    }
    found = tables.exported({"mine": manifest})
    assert [
        (row["variant"], row["policy"], row["accuracy"], row["bytes"])
        for row in found
    ] == [
        ("saved_model", "static", 0.8, None),
        ("saved_model", "accurate", 0.7, None),
        ("int8", "static", 0.8, 5),
        ("int8", "accurate", 0.7, 7),
    ]
    assert [row["saving"] for row in found[:2]] == [0.0, 0.1]
    assert {row["split"] for row in found} == {"validation"}


def test_runs_with_and_without_a_test_split_are_told_apart(tmp_path):
    """And a run without validation, which has no best epoch, stays in sight."""
    folders = {
        name: made_report.view(tmp_path / name, flags=[f"--batch_size={name}"])
        for name in ("both", "no_test", "no_validation")
    }
    metrics = {
        name: dict(view.folder.metrics) for name, view in folders.items()
    }
    del metrics["no_test"]["test"]
    del metrics["no_validation"]["validation"]
    last = {"last": metrics["no_validation"]["test"]["last"]}
    metrics["no_validation"]["test"] = last
    flags = {name: {"batch_size": name} for name in folders}
    found = tables.results(
        [
            dataclasses.replace(
                view.folder, metrics=metrics[name], flags=flags[name]
            )
            for name, view in folders.items()
        ]
    )
    assert found["splits"] == ["test", "validation"]
    shown = {
        (row["run"], row["epoch"][:4], row["split"]) for row in found["main"]
    }
    assert shown == {
        ("both", "best", "test"),
        ("no_test", "best", "validation"),
        ("no_validation", "last", "test"),
    }


def test_a_run_that_recorded_no_exits_has_a_table_of_costs(tmp_path):
    view = made_report.view(tmp_path / "run")
    record = {**view.folder.record}
    del record["model"]
    folder = dataclasses.replace(view.folder, record=record)
    rows = tables.costs(dataclasses.replace(view, folder=folder))["rows"]
    assert {row["tap"] for row in rows} == {"–"}
    assert all(row["cost"] > 0 for row in rows)
