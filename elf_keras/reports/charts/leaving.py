"""Who leaves where: HAR, Figure 6, lower row, for the files of a report."""

import numpy as np

from elf_keras.reports import leavers
from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView


def composition(view: RunView) -> style.Chart:
    """Shares and accuracies by exit and shot group, as bars.

    Args:
      view: a run with answers and early exits.
    """
    rows = leavers.composition(view, view.point.limits)
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
        name=f"{style.slug(view.name)}/composition",
        title="Where images leave",
        shows="Who leaves at each exit, and how many of them are right.",
        alt="",
        rows=rows,
        source="HAR, Fig. 6",
    )
