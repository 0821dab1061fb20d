"""How far probabilities can be believed, exit by exit (Guo et al. 2017)."""

import numpy as np

from elf_keras.evaluation import metrics
from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import exit_name, slug

_BINS = 10
# Bins with a smaller share of the images are not drawn: chance rules them.
_ENOUGH = 0.002
_STYLES = (
    ("as trained", {"color": "black", "linestyle": "--", "marker": "o"}),
    ("with temperature", {"color": "#d55e00", "marker": "s"}),
)


def calibrations(view: RunView) -> list[style.Chart]:
    """One chart an exit, before and after its temperature."""
    return [_chart(view, number) for number in range(view.exits)]


def _chart(view, number):
    seen, errors, rows = view.seen, [], []
    right, weights = seen.correct[:, number], view.weights
    figure, axes = style.panel(
        3.5, 3.8, x="stated probability, %", y="correct answers, %"
    )
    axes.plot([0, 100], [0, 100], color="0.6", linewidth=1)
    kinds = (seen.probability, seen.calibrated)
    for known, (name, line) in zip(kinds, _STYLES, strict=True):
        if known is None:
            continue
        answers = (known[:, number], right)
        errors.append(
            metrics.expected_calibration_error(*answers, weights=weights)
        )
        means = _means(*answers, weights)
        drawn = 100 * means[means[:, 2] >= _ENOUGH]
        axes.plot(*drawn[:, :2].T, **line, label=name, markersize=5)
        columns = ("probability", "accuracy", "share_of_images")
        rows += [
            {"kind": name, **dict(zip(columns, mean, strict=True))}
            for mean in means.round(6).tolist()
        ]
    axes.set_xlim(0, 102)
    axes.set_ylim(0, 102)
    style.legend_below(axes)
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/calibration_exit_{number + 1}",
        title=exit_name(number, view.exits).capitalize(),
        shows=_said(view, number, errors),
        rows=rows,
    )


def _said(view, number, errors):
    text = f"Wrong by {100 * errors[0]:.1f} points on average"
    if len(errors) == 1:
        return text + "; there is no validation split to fit a temperature on."
    temperature = view.scored.temperatures[number]
    return (
        f"{text}, {100 * errors[1]:.1f} with temperature {temperature:.2f} "
        "fitted on validation."
    )


def _means(probability, right, weights):
    """Mean probability, accuracy and weight of each bin that has images."""
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    sums = [
        np.bincount(bins, weights * values, minlength=_BINS)
        for values in (probability, right, 1.0)
    ]
    probability, right, total = np.array(sums)[:, sums[2] > 0]
    return np.stack([probability / total, right / total, total], axis=1)
