"""Tables of a report's page, from what a run's folder says."""

import made_report

from elf_keras.reports import run_view, tables


def test_flags_are_shown_as_they_can_be_given_again(tmp_path):
    words = "--check_counts --nodeterministic --noflip --seed=3"
    folder = made_report.of_flags(tmp_path / "run", words)
    shown = tables.flags(run_view.RunView(folder)).split()
    assert "--noflip" in shown and "--nodeterministic" in shown
    assert shown[0] == "--check_counts=true" and shown[-1] == "--seed=3"


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
    found = [text.partition(":")[0] for text in tables.dearer(exports)]
    assert found == ["mine, saved_model", "phones, int8"]
