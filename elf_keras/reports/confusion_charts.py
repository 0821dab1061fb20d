"""Confusion at each exit: HAR, Figure 6, upper row, for 10 or 1000 classes."""

import numpy as np

from elf_keras import metrics
from elf_keras.reports import charts, class_charts
from elf_keras.reports.run_view import RunView

# Up to so many classes cells hold numbers; beyond BLOCKS classes are merged.
NUMBERED, BLOCKS = 12, 50
_PAIRS = 5


def confusions(view: RunView) -> list[charts.Chart]:
    """One chart an exit, over the images that leave there.

    Args:
      view: a run with answers.
    """
    found, chosen = view.seen.answers, view.leave(view.point.limits)
    classes = len(view.class_names)
    images = np.bincount(found.labels, minlength=classes)
    parts = []
    for number in range(view.exits):
        own = chosen.exit_taken == number
        counts = metrics.confusion(
            chosen.classes[own], found.labels[own], classes=classes
        )
        parts.append(_chart(view, number, counts, images))
    return parts


def _chart(view, number, counts, images):
    order, leavers = view.order, int(counts.sum())
    ordered = counts[np.ix_(order, order)]
    totals = images[order]
    blocks = -(-len(order) // BLOCKS) if len(order) > BLOCKS else 1
    merged = _merged(ordered, blocks)
    shares = merged / np.maximum(_merged_rows(totals, blocks), 1)[:, None]
    figure, axes = charts.panel(3.5, 3.6)
    # The root, so that a cell of a few images is not white.
    axes.imshow(np.sqrt(shares), cmap="Greys", vmin=0, vmax=1)
    if len(order) <= NUMBERED:
        _numbers(axes, shares)
    _classes(axes, view, blocks)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    right = int(np.trace(counts))
    accuracy = right / leavers if leavers else None
    pairs = _pairs(view, counts)
    said = (
        f"{leavers} of {int(images.sum())} images leave here, "
        f"{charts.percent(accuracy)} of them rightly."
        if leavers
        else "Nobody leaves here."
    )
    mistakes = f" Most frequent mistakes: {pairs}." if pairs else ""
    return charts.drawn(
        figure,
        name=f"{charts.slug(view.name)}/confusion_exit_{number + 1}",
        title=f"Exit {number + 1}" + (" (last)" * (number == view.exits - 1)),
        shows=said + mistakes,
        alt=said + mistakes,
        rows=_rows(view, counts, order),
        source="HAR, Fig. 6",
    )


def _merged(ordered, blocks):
    starts = np.arange(0, len(ordered), blocks)
    return np.add.reduceat(
        np.add.reduceat(ordered, starts, axis=0), starts, axis=1
    )


def _merged_rows(totals, blocks):
    return np.add.reduceat(totals, np.arange(0, len(totals), blocks))


def _numbers(axes, shares):
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            axes.text(
                *(column, row, f"{100 * share:.0f}"),
                **{"ha": "center", "va": "center", "fontsize": 8.5},
                color="white" if share > 0.3 else "black",
            )


def _classes(axes, view, blocks):
    order = view.order
    if len(order) <= class_charts.NAMED:
        names = [charts.short(view.class_names[c], 11) for c in order]
        size = 9.5 if len(order) <= NUMBERED else 7.5
        axes.set_xticks(
            *(range(len(order)), names),
            **{"rotation": 90, "fontsize": size},
        )
        axes.set_yticks(range(len(order)), names, fontsize=size)
        return
    ticks, names, edge = [], [], 0.0
    for group, mask in view.shot_groups.items():
        size = int(mask.sum()) / blocks
        ticks.append(edge + size / 2 - 0.5)
        names.append(group)
        edge += size
        for line in (axes.axhline, axes.axvline):
            line(edge - 0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names, rotation=90, va="center")


def _pairs(view, counts):
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    flat = np.argsort(wrong, axis=None)[::-1][:_PAIRS]
    pairs = [np.unravel_index(index, wrong.shape) for index in flat]
    names = view.class_names
    return ", ".join(
        f"{names[true]} taken for {names[guess]} ({wrong[true, guess]})"
        for true, guess in pairs
        if wrong[true, guess]
    )


def _rows(view, counts, order):
    """Every cell that holds an image."""
    names = view.class_names
    return [
        {
            "true_class": names[true],
            "predicted_class": names[guess],
            "images": int(counts[true, guess]),
        }
        for true in order
        for guess in order[counts[true, order] > 0]
    ] or [{"true_class": "", "predicted_class": "", "images": 0}]
