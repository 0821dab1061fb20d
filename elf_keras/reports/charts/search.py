"""The runs of a threshold search in one picture."""

from elf_keras.policies import search_record
from elf_keras.reports.charts import plots, style


def search(name: str, found: dict[str, dict], chosen: str) -> style.Chart:
    """The train thresholds of a search: ELF, Figure 7.

    Args:
      name: of the search.
      found: how t is written -> curve.json of its run.
      chosen: the t that validation prefers.
    """
    lines = search_record.lines(found, chosen)
    split = "test" if "test" in lines else "validation"
    figure, axes = style.panel(6.2, 4.6)
    rows = []
    for number, (text, line) in enumerate(lines[split].items()):
        plots.train_threshold(axes, text, line, number)
        rows += [
            {"t": text, "macs_of_backbone": cost, "accuracy": accuracy}
            for cost, accuracy in zip(
                line["macs"], line["accuracy"], strict=True
            )
        ]
    axes.set_xlabel("multiply-adds / those of the backbone")
    axes.set_ylabel("accuracy, mean over classes")
    style.legend_below(axes)
    return style.drawn(
        figure,
        name=f"search_{name}",
        title=f"Train threshold t and exit threshold s: {name}",
        shows=(
            f"One line for each t, one mark for each of the papers' s, white: "
            f"all exits, on {split}. Lines close together mean that the "
            f"choice of t matters little; t = {chosen} was chosen on "
            "validation."
        ),
        alt="; ".join(
            f"t = {text}: {style.percent(line['static'])} with all exits"
            for text, line in lines[split].items()
        )
        + ".",
        rows=rows,
        source="ELF, Fig. 7",
    )
