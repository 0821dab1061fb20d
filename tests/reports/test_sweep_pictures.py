"""Pictures are drawn from what the commands hand over, with names and units."""

import numpy as np
import pytest
from matplotlib import figure as figures

from elf_keras.reports.charts import sweeps


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved."""
    kept, save = [], figures.Figure.savefig

    def keep(figure, *arguments, **options):
        kept.append(figure)
        return save(figure, *arguments, **options)

    monkeypatch.setattr(figures.Figure, "savefig", keep)
    return kept


def point(accuracy, macs):
    return {"accuracy": accuracy, "macs": macs, "milliseconds": macs / 50}


def part(images, *, per_exit=True):
    line = {"accuracy": [0.5, 0.6], "macs": [40, 110]}
    line["milliseconds"] = [0.8, 2.2]
    return {
        "images": images,
        "shared": line,
        "per_exit": line if per_exit else None,
        "static": {"accuracy": 0.6, "macs": 100},
        "papers_grid": {"0.5": point(0.55, 60), "0.55": point(0.56, 70)},
        "policies": {"accurate": point(0.6, 80), "macs_50": point(0.5, 50)},
    }


@pytest.mark.parametrize("milliseconds", [None, 2.0])
def test_a_curve_has_axes_names_units_and_marks(tmp_path, drawn, milliseconds):
    path = tmp_path / "curve.png"
    splits = {"validation": part(30), "test": part(90, per_exit=False)}
    own = {"backbone": 100, "static_milliseconds": milliseconds}
    sweeps.trade_off(splits, path, title="a run", **own)
    assert path.read_bytes()[:4] == b"\x89PNG"
    axes = drawn[0].axes
    assert len(axes) == (2 if milliseconds is None else 4)
    assert axes[0].get_title() == "validation: 30 images, chooses"
    assert axes[1].get_title() == "test: 90 images, only reports"
    assert axes[0].get_xlabel() == "multiply-adds / those of the backbone"
    assert axes[0].get_ylabel() == "accuracy, mean over classes"
    if milliseconds:
        assert axes[2].get_xlabel() == "expected time of one image, ms"
    lines = {line.get_label(): line for line in axes[0].get_lines()}
    shared = lines["one threshold for all exits"]
    np.testing.assert_allclose(shared.get_xdata(), [0.4, 1.1])
    own = lines["one threshold per exit"]
    assert own.get_linestyle() != shared.get_linestyle()
    np.testing.assert_allclose(lines["static model"].get_xdata(), [1.0])
    papers = lines["papers' s: 0.5, 0.55"]
    np.testing.assert_allclose(papers.get_xdata(), [0.6, 0.7])
    np.testing.assert_allclose(lines["policy macs_50"].get_xdata(), [0.5])
    marks = {lines[f"policy {p}"].get_marker() for p in ("accurate", "macs_50")}
    assert len(marks) == 2


def test_a_search_has_a_line_for_each_t(tmp_path, drawn):
    same = {"macs": [0.4, 1.1], "marks": {"macs": [0.6], "accuracy": [0.55]}}
    lines = {
        text: {
            "accuracy": [0.5, best],
            "static": best,
            "chosen": chosen,
            **same,
        }
        for text, best, chosen in (("1.9/C", 0.58, False), ("2/C", 0.6, True))
    }
    path = tmp_path / "search.png"
    sweeps.search({"validation": lines, "test": lines}, path, title="t")
    assert path.read_bytes()[:4] == b"\x89PNG"
    found = drawn[0].axes[0].get_lines()
    labels = {line.get_label() for line in found}
    assert labels >= {"t = 2/C, chosen", "t = 1.9/C"}
    curves = [line for line in found if len(line.get_xdata()) > 1]
    assert len({line.get_linewidth() for line in curves}) == 2
