"""Accuracy against cost of the runs on a page, as far as it is known."""

import numpy as np

from elf_keras.evaluation import cost_curve
from elf_keras.reports import statistics
from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import macs, percent, short

# Points of a curve, and how many runs' bands can be told apart.
POINTS, BANDS = 60, 4
_UNITS = ((1e9, "billions"), (1e6, "millions"), (1e3, "thousands"))
_COLUMNS = ("thresholds", "macs", "accuracy")
_BAND = (
    f"Shaded: 95 % bootstrap band over images ({statistics.RESAMPLES} "
    "resamples within classes, point by point); another seed moves a curve "
    "more than that. "
)


def curves(views: list[RunView]) -> style.Chart | None:
    """HAR, Figures 2 and 5; ELF, Figure 5."""
    lines = [
        (number, view, line)
        for number, view in enumerate(views)
        if (line := _line(view))
    ]
    if not lines:
        return None
    largest = max(line["backbone"] for _, _, line in lines)
    fitting = (pair for pair in _UNITS if largest >= pair[0])
    unit, name = next(fitting, _UNITS[-1])
    figure, axes = style.panel(
        *(6.2, 4.6),
        x=f"multiply-adds per image, {name}, heads counted",
        y="accuracy, mean over classes, %",
    )
    for number, view, line in lines:
        _draw(axes, short(view.name, 40), line, style.line_style(number), unit)
    banded = [each for each in lines if each[2]["band"] is not None]
    for number, _, line in banded[:BANDS]:
        _shade(axes, line, style.line_style(number), unit)
    _keys(axes, any(line["policies"] for _, _, line in lines))
    style.legend_below(axes, 1 if len(lines) > 3 else 2)
    splits = sorted({line["split"] for _, _, line in lines})
    return style.drawn(
        figure,
        name="accuracy_and_cost",
        title="Accuracy against cost",
        shows=(
            "Each line is one trained model at all thresholds: the further to "
            "the left, the more images leave early. White marks are the whole "
            "backbone without exits, filled marks are policies chosen on "
            "validation. A good line stays high far to the left. "
            + (_BAND if banded else "")
            + f"Scores on {' and '.join(splits)}."
        ),
        alt="; ".join(_told(view.name, line) for _, view, line in lines) + ".",
        rows=[row for _, view, line in lines for row in _rows(view.name, line)],
        source="HAR, Fig. 2 and 5; ELF, Fig. 5",
    )


def _line(view):
    """Curve, band, static point and policies of a run, from what there is."""
    band, recorded = None, view.folder.recorded()
    if view.scored is not None:
        scorer, seen = view.scored.scorer, view.seen
        split, static = view.scored.shown, view.static
        curve = cost_curve.thin(scorer.curve(seen), POINTS)
        band = statistics.curve_band(seen, scorer, curve.thresholds)
        columns = (curve.thresholds, curve.cost, curve.accuracy)
        columns = [column.tolist() for column in columns]
    elif view.folder.curve:
        splits = view.folder.curve["splits"]
        split = "test" if "test" in splits else "validation"
        static, curve = splits[split]["static"], splits[split]["shared"]
        columns = _columns(curve)
    elif recorded:
        split, scores = recorded
        static, columns = scores["static"], _columns(scores["curve"])
    else:
        return None
    return {
        "split": split,
        "static": static["accuracy"],
        "backbone": static["macs"],
        "policies": {
            name: policy[split]
            for name, policy in view.folder.policies.items()
            if policy.get(split) and not name.endswith("_per_exit")
        },
        **dict(zip(_COLUMNS, columns, strict=True)),
        "band": band,
    }


def _columns(curve):
    return [curve[key] for key in ("exit_threshold", *_COLUMNS[1:])]


def _draw(axes, name, line, style, unit):
    mark = {**style, "linestyle": "none"}
    several = len(line["macs"]) > 1
    if several:
        axes.plot(
            np.array(line["macs"]) / unit,
            100 * np.array(line["accuracy"]),
            **{**style, "marker": None, "linewidth": 1.8},
        )
    # In the legend with line and mark, in the picture with neither.
    axes.plot([], [], **(style if several else mark), label=name)
    budgets = line["policies"].values()
    axes.plot(
        [at["macs"] / unit for at in budgets],
        [100 * at["accuracy"] for at in budgets],
        **{**mark, "markersize": 6},
    )
    white = {"markerfacecolor": "white", "markeredgewidth": 1.6}
    place = (line["backbone"] / unit, 100 * line["static"])
    axes.plot(*place, **mark, **white, markersize=10)


def _shade(axes, line, style, unit):
    edges = (np.array(line["macs"]) / unit, *(100 * line["band"]))
    axes.fill_between(*edges, color=style["color"], alpha=0.13, linewidth=0)


def _keys(axes, budgets):
    """What white and filled marks are, whatever their form."""
    keys = [("white", "whole backbone, no exits")]
    keys += [("0.4", "policies, chosen on validation")] * budgets
    for fill, label in keys:
        colours = {"markerfacecolor": fill, "markeredgecolor": "black"}
        axes.plot([], [], "o", **colours, label=label)


def _rows(name, line):
    band = line["band"]
    return [
        {
            "run": name,
            "split": line["split"],
            "exit_threshold": s,
            "macs": round(cost, 1),
            "accuracy": round(accuracy, 6),
            "low": None if band is None else round(float(band[0, k]), 6),
            "high": None if band is None else round(float(band[1, k]), 6),
        }
        for k, (s, cost, accuracy) in enumerate(
            zip(*(line[key] for key in _COLUMNS), strict=True)
        )
    ]


def _told(name, line):
    points = [
        f"{percent(accuracy)} at {macs(cost)}"
        for accuracy, cost in zip(line["accuracy"], line["macs"], strict=True)
    ]
    text = (
        f"{name}: {percent(line['static'])} with the whole backbone of "
        f"{macs(line['backbone'])} multiply-adds"
    )
    if len(points) < 2:
        return text
    return (
        f"{text}, with early exits up to {points[np.argmax(line['accuracy'])]},"
        f" {points[0]} where all leave at the first"
    )
