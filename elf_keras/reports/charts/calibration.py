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
    """One chart an exit, before and after its temperature.

    Args:
      view: a run with answers.
    """
    seen = view.seen
    weights = view.scored.scorer.weights(seen.labels)
    found = []
    for number in range(view.exits):
        kinds = [seen.probability[:, number]]
        if seen.calibrated is not None:
            kinds.append(seen.calibrated[:, number])
        right = seen.correct[:, number]
        found.append(_chart(view, number, kinds, right, weights))
    return found


def _chart(view, number, kinds, right, weights):
    figure, axes = style.panel(
        *(3.5, 3.8),
        x="probability it states, %",
        y="how often it is right, %",
    )
    axes.plot([0, 100], [0, 100], color="0.6", linewidth=1)
    rows, errors = [], []
    for probability, (name, line) in zip(kinds, _STYLES, strict=False):
        errors.append(
            metrics.expected_calibration_error(
                probability, right, weights=weights
            )
        )
        means = _means(probability, right, weights)
        drawn = means[means[:, 2] >= _ENOUGH]
        axes.plot(
            *(100 * drawn[:, 0], 100 * drawn[:, 1]),
            **{**line, "label": name, "markersize": 5},
        )
        columns = ("probability", "accuracy", "share_of_images")
        rows += [
            {"kind": name, **dict(zip(columns, mean, strict=True))}
            for mean in means.round(6).tolist()
        ]
    axes.set_xlim(0, 102)
    axes.set_ylim(0, 102)
    style.legend_below(axes)
    said = _said(view, number, errors)
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/calibration_exit_{number + 1}",
        title=exit_name(number, view.exits).capitalize(),
        shows=said,
        alt=said,
        rows=rows,
    )


def _said(view, number, errors):
    text = f"Off by {100 * errors[0]:.1f} points on average"
    if len(errors) == 1:
        return text + "; no validation split to fit a temperature on."
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
    used = sums[2] > 0
    total = sums[2][used]
    return np.stack(
        [sums[0][used] / total, sums[1][used] / total, total], axis=1
    )
