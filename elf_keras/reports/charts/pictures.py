"""Images by class and exit in one picture, for the files of a report."""

import numpy as np

from elf_keras.reports import gallery
from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView


def gallery_of(view: RunView) -> style.Chart:
    """One image for each class and exit: ELF, Figure 6; HAR, Figure 7."""
    rows = _rows(view)
    columns = len(gallery.chosen_classes(view))
    figure, panels = style.panels(
        *(view.exits, columns, 1.0 * columns + 0.6, 1.1 * view.exits + 0.4)
    )
    _draw(np.reshape(panels, (-1, columns)), rows, view)
    return style.drawn(
        figure,
        name=f"{style.slug(view.name)}/gallery",
        title="Which images leave where",
        shows="One image for each class and exit; grey: none leaves there.",
        alt="",
        rows=rows,
        source="ELF, Fig. 6 and 9; HAR, Fig. 7",
    )


def _rows(view):
    """One image for each shown class and exit, None where none leaves."""
    chosen = view.leave(view.point.limits)
    labels = view.seen.answers.labels
    random = np.random.default_rng(0)
    rows = []
    for number in reversed(range(view.exits)):
        for c in gallery.chosen_classes(view):
            own = (labels == c) & (chosen.exit_taken == number)
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
        axes.set_title(style.short(row["class"], 12), fontsize=9)
    for axes, number in zip(
        panels[:, 0], reversed(range(view.exits)), strict=True
    ):
        axes.set_ylabel(f"exit {number + 1}")
