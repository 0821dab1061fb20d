"""Who leaves where, for the files of a report: the page itself is live."""

import numpy as np

from elf_keras.reports import leavers
from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import short, slug


def composition(view: RunView) -> style.Chart:
    """Shares and accuracies by exit and shot group: HAR, Figure 6, below.

    Args:
      view: a run with answers and early exits.
    """
    rows = leavers.composition(view, view.point.thresholds)
    groups = list(dict.fromkeys(row["group"] for row in rows))
    figure, panels = style.panels(2, 1, 6.0, 5.2)
    for axes, key, label in zip(
        panels,
        ("share", "accuracy"),
        ("leave here, % of the group", "right, % of those"),
        strict=True,
    ):
        for number, group in enumerate(groups):
            own = [row for row in rows if row["group"] == group]
            axes.bar(
                np.arange(1, view.exits + 1)
                + 0.8 * ((number + 0.5) / len(groups) - 0.5),
                [100 * (row[key] or 0.0) for row in own],
                width=0.8 / len(groups),
                color=style.FILLS[number],
                hatch=style.HATCHES[number],
                edgecolor="black",
                label=f"{group}-shot" if key == "share" else None,
            )
        axes.set_ylim(0, 100)
        axes.set_xticks(range(1, view.exits + 1))
        axes.set_ylabel(label)
        axes.grid(axis="y", alpha=0.3)
    panels[1].set_xlabel(f"exit (s = {view.point.written})")
    style.legend_below(panels[0], 3)
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/composition",
        title="Where images leave",
        shows="Who leaves at each exit, and how many of them are right.",
        alt="",
        rows=rows,
        source="HAR, Fig. 6",
    )


def gallery(view: RunView) -> style.Chart:
    """One image for each class and exit: ELF, Figure 6; HAR, Figure 7."""
    rows = _rows(view)
    columns = len(leavers.chosen_classes(view))
    figure, panels = style.panels(
        *(view.exits, columns, 1.0 * columns + 0.6, 1.1 * view.exits + 0.4)
    )
    _draw(np.reshape(panels, (-1, columns)), rows, view)
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/gallery",
        title="Which images leave where",
        shows="One image for each class and exit; grey: none leaves there.",
        alt="",
        rows=rows,
        source="ELF, Fig. 6 and 9; HAR, Fig. 7",
    )


def _rows(view):
    """One image for each shown class and exit, None where none leaves."""
    labels = view.seen.labels
    random = np.random.default_rng(0)
    rows = []
    for number in reversed(range(view.exits)):
        for c in leavers.chosen_classes(view):
            own = (labels == c) & (view.chosen.exit_taken == number)
            found = random.permutation(np.flatnonzero(own))[:1]
            rows.append(
                {
                    "exit": number + 1,
                    "class": view.class_names[c],
                    "image": int(found[0]) if found.size else None,
                    "name": view.examples.names[found[0]].rpartition("/")[2]
                    if found.size
                    else "",
                }
            )
    return rows


def _draw(panels, rows, view):
    """Draw the rows; a grey square where no image leaves."""
    for axes, row in zip(np.ravel(panels), rows, strict=True):
        axes.set_xticks([])
        axes.set_yticks([])
        if row["image"] is None:
            axes.set_facecolor("0.8")
            axes.set_aspect("equal")
            continue
        image = np.asarray(view.examples.images[[row["image"]]])[0]
        grey = image.shape[-1] == 1
        axes.imshow(image[..., 0] if grey else image, cmap="gray")
    for axes, row in zip(panels[0], rows, strict=False):
        axes.set_title(short(row["class"], 12), fontsize=9)
    for axes, number in zip(
        panels[:, 0], reversed(range(view.exits)), strict=True
    ):
        axes.set_ylabel(f"exit {number + 1}")
