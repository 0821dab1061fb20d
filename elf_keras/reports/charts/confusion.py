"""Confusion of all answers, and at each exit: HAR, Figure 6, upper row.

Up to 12 classes, cells hold numbers and both axes names. Up to 60, the
overall matrix is so large that both axes name every class, and the page
scrolls it on a narrow screen; the small ones of each exit name the shot groups
alone. Beyond that, each square holds several classes of similar size, and the
page's table names the pairs that are confused most.
"""

import numpy as np

from elf_keras.reports import confused
from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import distinct, exit_name, percent, slug

# Classes up to which cells hold numbers, and up to which axes hold names;
# squares that a larger matrix has at most.
NUMBERED, NAMED, BLOCKS = 12, 60, 50
# Letters of a name at an axis, of the overall matrix and of small ones.
_LETTERS, _FEW_LETTERS = 26, 13
# Mistakes in the caption of an exit.
_TOLD = 3


def overall(view: RunView) -> style.Chart:
    """One chart over all images, by the headline policy."""
    pairs = confused.count(view.seen.labels, view.judged.classes)
    classes = len(view.class_names)
    named = classes <= NAMED
    block = 1 if named else -(-classes // BLOCKS)
    side = _side(view, named)
    how = f" by {view.headline.name}" if view.exits > 1 else ""
    return style.drawn(
        _figure(view, pairs, block, side, _LETTERS if named else 0),
        name=f"{slug(view.name)}/confusion",
        title=f"All answers{how}",
        shows=f"{_right(pairs)} of {len(view.seen.labels):,} images are "
        f"correct.{_squares(block)}",
        rows=_rows(view, pairs),
        # Below its own width names are too small to be read.
        least=6 * side if named and classes > NUMBERED else 0,
    )


def confusions(view: RunView) -> list[style.Chart]:
    """One chart an exit, over the images that leave there."""
    return [_of_exit(view, number) for number in range(view.exits)]


def _of_exit(view, number):
    pairs = confused.left_at(view, view.chosen, number)
    classes = len(view.class_names)
    block = -(-classes // BLOCKS)
    letters = _FEW_LETTERS if classes <= NUMBERED else 0
    return style.drawn(
        _figure(view, pairs, block, 3.6, letters),
        name=f"{slug(view.name)}/confusion_exit_{number + 1}",
        title=exit_name(number, view.exits).capitalize(),
        shows=_said(view, pairs) + _squares(block),
        rows=_rows(view, pairs),
        source="HAR, Fig. 6",
    )


def _side(view, named):
    """Inches of the overall matrix, with the names beside it."""
    if not named:
        return 6.4
    classes = len(view.class_names)
    longest = min(_LETTERS, max(map(len, view.class_names)))
    if classes <= NUMBERED:
        return 2.0 + 0.3 * classes + 0.06 * longest
    return 0.9 + 0.17 * classes + 0.08 * longest


def _figure(view, pairs, block, side, letters):
    """A matrix; at its axes names of so many letters, or the shot groups."""
    cells = confused.shares(view, pairs, block)
    figure, axes = style.panel(
        side, side, x="predicted class", y="true class", grid=False
    )
    # The root, so that a cell of a few images is not white.
    axes.imshow(np.sqrt(cells), cmap="Greys", vmin=0, vmax=1)
    if len(view.class_names) <= NUMBERED:
        _numbers(axes, cells)
    else:
        _groups(axes, view, block, named=not letters)
    if letters:
        _names(axes, view, letters)
    return figure


def _said(view, pairs):
    if not pairs.images.size:
        return "No image leaves here."
    here, images = int(pairs.images.sum()), len(view.seen.labels)
    text = (
        f"{here:,} of {images:,} images leave here, {_right(pairs)} of them "
        "correct."
    )
    told = [
        f"{row['true_class']} as {row['predicted_class']} ({row['images']})"
        for row in confused.worst(view, pairs, _TOLD)
        if row["images"] > 1
    ]
    return text + (f" Most frequent mistakes: {', '.join(told)}." * bool(told))


def _right(pairs):
    own = pairs.true == pairs.guess
    return percent(pairs.images[own].sum() / pairs.images.sum())


def _squares(block):
    text = f" Each square holds {block} classes of similar size."
    return text if block > 1 else ""


def _numbers(axes, cells):
    for (row, column), share in np.ndenumerate(cells):
        if share >= 0.005:
            colour = "white" if share > 0.3 else "black"
            middle = {"ha": "center", "va": "center", "fontsize": 8.5}
            text = f"{100 * share:.0f}"
            axes.text(column, row, text, color=colour, **middle)


def _names(axes, view, letters):
    names = distinct([view.class_names[c] for c in view.order], letters)
    size = 9.5 if len(names) <= NUMBERED else 8.5
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90, fontsize=size)
    axes.set_yticks(places, names, fontsize=size)


def _groups(axes, view, block, *, named):
    """Lines between the shot groups, and their names."""
    ticks, names, edge = [], [], 0.0
    for group, mask in view.shot_groups.items():
        size = int(mask.sum()) / block
        ticks.append(edge + size / 2 - 0.5)
        names.append(group)
        edge += size
        for line in (axes.axhline, axes.axvline):
            line(edge - 0.5, color="black", linewidth=0.8, linestyle=":")
    if named:
        axes.set_xticks(ticks, names)
        axes.set_yticks(ticks, names, rotation=90, va="center")


def _rows(view, pairs):
    """Every pair, the most frequent true class first."""
    names, place = view.class_names, np.argsort(view.order)
    order = np.lexsort((place[pairs.guess], place[pairs.true]))
    return [
        {
            "true_class": names[pairs.true[k]],
            "predicted_class": names[pairs.guess[k]],
            "images": int(pairs.images[k]),
        }
        for k in order
    ]
