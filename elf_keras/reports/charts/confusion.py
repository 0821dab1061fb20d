"""Confusion at each exit: HAR, Figure 6, upper row, for 10 or 1000 classes."""

import dataclasses

import numpy as np

from elf_keras.reports.charts import classes, style
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import exit_name, percent, short, slug

# Up to so many classes cells hold numbers; beyond BLOCKS classes are merged.
NUMBERED, BLOCKS = 12, 50
_PAIRS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Answers `guess` to images of the class `true`, all `(pairs,)`."""

    true: np.ndarray
    guess: np.ndarray
    # How many, more than 0.
    images: np.ndarray


def confusions(view: RunView) -> list[style.Chart]:
    """One chart an exit, over the images that leave there."""
    found, chosen = view.seen, view.chosen
    here = [chosen.exit_taken == number for number in range(view.exits)]
    return [
        _chart(view, number, count(found.labels[own], chosen.classes[own]))
        for number, own in enumerate(here)
    ]


def count(true: np.ndarray, guess: np.ndarray) -> Pairs:
    """Count pairs; a dense matrix of 8142 classes would take gigabytes."""
    both = np.stack([true, guess])
    (true, guess), images = np.unique(both, axis=1, return_counts=True)
    return Pairs(true, guess, images)


def shares(view: RunView, pairs: Pairs, block: int) -> np.ndarray:
    """Share of a block's images that leave with each answer.

    Args:
      view: a run with answers.
      pairs: of the images that leave at one exit.
      block: how many classes, neighbours in size, share a row.

    Returns:
      In [0, 1], `(blocks, blocks)`, commonest classes first.
    """
    place = np.argsort(view.order) // block
    size = int(place.max()) + 1
    cells = place[pairs.true] * size + place[pairs.guess]
    merged = np.bincount(cells, pairs.images, minlength=size**2)
    totals = np.bincount(place[view.seen.labels], minlength=size)
    return merged.reshape(size, size) / np.maximum(totals, 1)[:, None]


def _chart(view, number, pairs):
    classes = len(view.class_names)
    block = -(-classes // BLOCKS)
    cells = shares(view, pairs, block)
    figure, axes = style.panel(
        *(3.5, 3.6), x="predicted class", y="true class", grid=False
    )
    # The root, so that a cell of a few images is not white.
    axes.imshow(np.sqrt(cells), cmap="Greys", vmin=0, vmax=1)
    if classes <= NUMBERED:
        _numbers(axes, cells)
    _classes(axes, view, block)
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/confusion_exit_{number + 1}",
        title=exit_name(number, view.exits).capitalize(),
        shows=_said(view, pairs, block),
        rows=_rows(view, pairs),
        source="HAR, Fig. 6",
    )


def _said(view, pairs, block):
    leavers = int(pairs.images.sum())
    if not leavers:
        return "Nobody leaves here."
    right = pairs.images[pairs.true == pairs.guess].sum() / leavers
    text = (
        f"{leavers:,} of {len(view.seen.labels):,} images leave here, "
        f"{percent(right)} of them rightly."
    )
    wrong = np.where(pairs.true == pairs.guess, 0, pairs.images)
    names = view.class_names
    common = [
        f"{names[pairs.true[k]]} taken for {names[pairs.guess[k]]} ({wrong[k]})"
        for k in np.argsort(-wrong, kind="stable")[:_PAIRS]
        if wrong[k] > 1
    ]
    if common:
        text += f" Most frequent mistakes: {', '.join(common)}."
    if block > 1:
        text += f" Each square holds {block} classes of similar size."
    return text


def _numbers(axes, cells):
    for (row, column), share in np.ndenumerate(cells):
        if share >= 0.005:
            colour = "white" if share > 0.3 else "black"
            middle = {"ha": "center", "va": "center", "fontsize": 8.5}
            text = f"{100 * share:.0f}"
            axes.text(column, row, text, color=colour, **middle)


def _classes(axes, view, block):
    order = view.order
    if len(order) <= classes.NAMED:
        names = [short(view.class_names[c], 11) for c in order]
        size = 9.5 if len(order) <= NUMBERED else 7.5
        axes.set_xticks(range(len(order)), names, rotation=90, fontsize=size)
        axes.set_yticks(range(len(order)), names, fontsize=size)
        return
    ticks, names, edge = [], [], 0.0
    for group, mask in view.shot_groups.items():
        size = int(mask.sum()) / block
        ticks.append(edge + size / 2 - 0.5)
        names.append(group)
        edge += size
        for line in (axes.axhline, axes.axvline):
            line(edge - 0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names, rotation=90, va="center")


def _rows(view, pairs):
    """Every pair, the commonest true class first."""
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
