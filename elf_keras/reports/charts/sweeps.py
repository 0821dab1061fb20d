"""Pictures of the commands sweep and search, the last one on a page, too.

Lines and marks differ in form, not in colour alone: they are read in grey.
"""

import pathlib

from matplotlib import figure as figures

from elf_keras import runs
from elf_keras.policies import search_record
from elf_keras.reports.charts import style
from elf_keras.reports.text import percent, slug

_DOTS_PER_INCH = 130


def trade_off(
    splits: dict[str, dict],
    path: pathlib.Path,
    *,
    title: str,
    backbone: int,
    static_milliseconds: float | None = None,
) -> None:
    """Draw accuracy against multiply-adds, and against time where known.

    Args:
      splits: of `trade_off.pictured`.
      path: of the PNG file.
      title: above the picture.
      backbone: multiply-adds of the bare backbone.
      static_milliseconds: time of the bare backbone; None draws no times.
    """
    axes = [("macs", backbone, "multiply-adds / those of the backbone")]
    if static_milliseconds is not None:
        label = "expected time of one image, ms"
        axes.append(("milliseconds", 1.0, label))
    figure, panels = _panels(len(axes), len(splits))
    for row, (key, unit, label) in zip(panels, axes, strict=True):
        static = 1.0 if key == "macs" else static_milliseconds
        for panel, (split, found) in zip(row, splits.items(), strict=True):
            _split(panel, found, key, unit)
            mark = _marked("o", "static model", "white", 10)
            panel.plot(static, found["static"]["accuracy"], **mark)
            role = "chooses" if split == "validation" else "only reports"
            panel.set_title(f"{split}: {found['images']} images, {role}")
            panel.set_xlabel(label)
        row[0].set_ylabel("accuracy, mean over classes")
    _finish(figure, panels[0][0], title, path)


def search(
    lines: dict[str, dict[str, dict]], path: pathlib.Path, *, title: str
) -> None:
    """Draw one line a train threshold t over its exit thresholds s.

    ELF, Figure 7: accuracy against cost, each line one t, each point one s.

    Args:
      lines: of `search_record.lines`, by split and how t is written.
      path: of the PNG file.
      title: above the picture.
    """
    figure, panels = _panels(1, len(lines))
    for panel, (split, of_split) in zip(panels[0], lines.items(), strict=True):
        for number, (text, line) in enumerate(of_split.items()):
            _train_threshold(panel, text, line, number)
        panel.set_title(split)
        panel.set_xlabel("multiply-adds / those of the backbone")
    panels[0][0].set_ylabel("accuracy, mean over classes")
    _finish(figure, panels[0][0], title, path)


def searched(name: str, found: dict[str, dict], chosen: str) -> style.Chart:
    """The train thresholds of a search: ELF, Figure 7.

    `found` are curve.json by how t is written; validation preferred `chosen`.
    """
    lines = search_record.lines(found, chosen)
    split = "test" if "test" in lines else "validation"
    figure, axes = style.panel(
        *(6.2, 4.6),
        x="multiply-adds / those of the backbone",
        y="accuracy, mean over classes",
    )
    rows = []
    for number, (text, line) in enumerate(lines[split].items()):
        _train_threshold(axes, text, line, number)
        points = zip(line["macs"], line["accuracy"], strict=True)
        rows += [
            {"t": text, "macs_of_backbone": cost, "accuracy": accuracy}
            for cost, accuracy in points
        ]
    style.legend_below(axes)
    return style.drawn(
        figure,
        name=f"search_{slug(name)}",
        title=f"Train threshold t and exit threshold s: {name}",
        shows=(
            f"One line for each t, one mark for each of the papers' s, white: "
            f"all exits, on {split}. Lines close together mean that the "
            f"choice of t matters little; t = {chosen} was chosen on "
            "validation."
        ),
        alt="; ".join(
            f"t = {text}: {percent(line['static'])} with all exits"
            for text, line in lines[split].items()
        )
        + ".",
        rows=rows,
        source="ELF, Fig. 7",
    )


def _train_threshold(panel, text, line, number):
    """Draw one train threshold t into a panel; see `search`."""
    shade = str(0.75 * number / (number + 3))
    own = style.line_style(number) | {"color": shade, "marker": None}
    width, chosen = (2.6, ", chosen") if line["chosen"] else (1.2, "")
    panel.plot(line["macs"], line["accuracy"], **own, linewidth=width)
    mark = style.line_style(number)["marker"]
    panel.plot(
        *(line["marks"]["macs"], line["marks"]["accuracy"]),
        **_marked(mark, f"t = {text}{chosen}", shade, 6),
    )
    panel.plot(1.0, line["static"], **_marked(mark, None, "white", 9))
    panel.grid(alpha=0.3)


def _split(panel, found, key, unit):
    for kind, label, dashes, shade in (
        ("shared", "one threshold for all exits", "-", "black"),
        ("per_exit", "one threshold per exit", "--", "0.45"),
    ):
        if (line := found[kind]) is not None:
            cost = [value / unit for value in line[key]]
            own = {"color": shade, "linewidth": 1.4, "label": label}
            panel.plot(cost, line["accuracy"], dashes, **own)
    grid = found["papers_grid"]
    panel.plot(
        [at[key] / unit for at in grid.values()],
        [at["accuracy"] for at in grid.values()],
        "|k",
        **{"markersize": 13, "markeredgewidth": 1.6},
        # What has no label is not in the legend.
        label=f"papers' s: {', '.join(grid)}" if grid else None,
    )
    for number, (name, at) in enumerate(found["policies"].items()):
        mark = style.line_style(number)["marker"]
        shade = "0.75" if number % 2 else "0.25"
        own = _marked(mark, f"policy {name}", shade, 8)
        panel.plot(at[key] / unit, at["accuracy"], **own)
    panel.grid(alpha=0.3)


def _marked(mark, label, shade, size):
    return {
        "marker": mark,
        "label": label,
        "markersize": size,
        "markerfacecolor": shade,
        "markeredgecolor": "black",
        "linestyle": "none",
    }


def _panels(rows, columns):
    # Without `pyplot`: no window, and the user's own choice of one is kept.
    figure = figures.Figure(figsize=(5.6 * columns, 4.2 * rows + 1.4))
    return figure, figure.subplots(rows, columns, squeeze=False, sharey="row")


def _finish(figure, panel, title, path):
    handles, labels = panel.get_legend_handles_labels()
    figure.suptitle(title, fontsize=11)
    figure.legend(
        handles, labels, loc="lower center", ncols=2, fontsize=8, frameon=False
    )
    rows = (len(labels) + 1) // 2
    bottom = (0.25 + 0.18 * rows) / figure.get_figheight()
    figure.tight_layout(rect=(0, bottom, 1, 1))
    content = style.written(figure, dpi=_DOTS_PER_INCH, format="png")
    with runs.replacing(path) as temporary:
        temporary.write_bytes(content)
