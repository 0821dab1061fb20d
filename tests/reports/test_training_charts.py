"""What captions say of the training: where its learning rate fell."""

import made_report
import numpy as np
import pytest

from elf_keras.reports import run_folder, run_view
from elf_keras.reports.charts import training


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ([0.1, 0.1, 0.01, 0.01], "at the dashed line (epoch 3)"),
        ([0.1, 0.01, 0.01, 0.001], "at the dashed lines (epochs 2, 4)"),
    ],
)
def test_lines_and_epochs_are_as_many_as_there_are(
    tmp_path, monkeypatch, rates, told
):
    made_report.undrawn(monkeypatch)
    made_report.view(tmp_path / "run")
    path = tmp_path / "run" / "history.csv"
    rows = made_report.history(3)
    for row, rate in zip(rows, rates, strict=True):
        row["learning_rate"] = rate
    made_report.runs.write_csv(path, rows)
    view = run_view.RunView(run_folder.read(path.parent))
    charts = training.all_of(view)
    assert np.sum([told in chart.shows for chart in charts]) == 2
