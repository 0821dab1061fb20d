"""Tables of a report's page, from what a run's folder says."""

import made_report

from elf_keras.reports import run_view, tables


def test_flags_are_shown_as_they_can_be_given_again(tmp_path):
    words = "--check_counts --nodeterministic --noflip --seed=3"
    folder = made_report.of_flags(tmp_path / "run", words)
    shown = tables.flags(run_view.RunView(folder)).split()
    assert "--noflip" in shown and "--nodeterministic" in shown
    assert shown[0] == "--check_counts=true" and shown[-1] == "--seed=3"
