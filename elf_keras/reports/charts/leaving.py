"""Who leaves where, for the files of a report: the page itself is live."""

import itertools

import numpy as np

from elf_keras.reports import leavers
from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import short, slug


def composition(view: RunView) -> style.Chart:
    """Shares and accuracies by exit and shot group: HAR, Figure 6, below."""
    rows = leavers.composition(view, view.point.thresholds)
    groups = list(dict.fromkeys(row["group"] for row in rows))
    figure, panels = style.panels(2, 1, 6.0, 5.2)
    kinds = {
        "share": "leave here, % of the group",
        "accuracy": "correct, % of these",
    }
    for axes, (key, label) in zip(panels, kinds.items(), strict=True):
        for number, group in enumerate(groups):
            beside = 0.8 * ((number + 0.5) / len(groups) - 0.5)
            own = [row for row in rows if row["group"] == group]
            axes.bar(
                np.arange(1, view.exits + 1) + beside,
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
        shows=(
            "Which images leave at each exit, and how many of these are "
            "correct."
        ),
        rows=rows,
        source="HAR, Fig. 6",
    )


def gallery(view: RunView) -> style.Chart:
    """One image for each class and exit: ELF, Figure 6; HAR, Figure 7."""
    shown, exits = leavers.chosen_classes(view), view.exits
    rows, columns = _rows(view, shown), len(shown)
    figure, panels = style.panels(
        exits, columns, 1.0 * columns + 0.6, 1.1 * exits + 0.4
    )
    _draw(np.reshape(panels, (-1, columns)), rows, view)
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/gallery",
        title="Which images leave where",
        shows="One image for each class and exit; grey: no image leaves there.",
        rows=rows,
        source="ELF, Fig. 6 and 9; HAR, Fig. 7",
    )


def _rows(view, shown):
    """One image for each shown class and exit, None where none leaves."""
    labels, taken = view.seen.labels, view.chosen.exit_taken
    random, rows = np.random.default_rng(0), []
    for number, c in itertools.product(reversed(range(view.exits)), shown):
        own = np.flatnonzero((labels == c) & (taken == number))
        image, name = None, ""
        if own.size:
            image = int(random.permutation(own)[0])
            name = view.examples.names[image].rpartition("/")[2]
        row = {"exit": number + 1, "class": view.class_names[c]}
        rows.append({**row, "image": image, "name": name})
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
    for number, axes in enumerate(panels[::-1, 0], start=1):
        axes.set_ylabel(f"exit {number}")
