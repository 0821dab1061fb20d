"""Mean training loss by exit taken, of all runs on a page."""

import numpy as np

from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView


def losses(views: list[RunView]) -> style.Chart | None:
    """Mean training loss by exit taken: HAR, Figure 4; ELF, Figure 3."""
    # A run has the same style as in other pictures of all runs.
    found = [
        (number, view, part)
        for number, view in enumerate(views)
        if (part := loss_by_exit(view))
    ]
    if not found:
        return None
    figure, axes = style.panel()
    rows = []
    for number, view, part in found:
        exits = np.arange(1, len(part["loss"]) + 1)
        values = np.array(part["loss"], float)
        axes.plot(
            *(exits, values),
            **style.line_style(number),
            **{"label": view.name, "markersize": 7},
        )
        rows += [
            {"run": view.name, "exit": k, "loss": loss, "share": share}
            for k, loss, share in zip(
                exits.tolist(), part["loss"], part["shares"], strict=True
            )
        ]
    axes.set_yscale("log")
    axes.set_xticks(range(1, max(row["exit"] for row in rows) + 1))
    axes.set_xlabel("exit at which a training image leaves")
    axes.set_ylabel("mean loss it adds up on the way")
    axes.grid(alpha=0.3)
    style.legend_below(axes, 1)
    return style.drawn(
        figure,
        name="loss_by_exit",
        title="Hard images count more",
        shows=(
            "The loss that training images add up until they leave, by the "
            "exit they take. Rising lines mean that images that stay longer "
            "weigh more in training, as the method promises."
        ),
        alt="; ".join(
            f"{view.name}: "
            + ", ".join(
                "nobody" if v is None else f"{v:.2f}" for v in part["loss"]
            )
            for _, view, part in found
        )
        + ", from the first exit to the last.",
        rows=rows,
        source="HAR, Fig. 4; ELF, Fig. 3",
    )


def loss_by_exit(view: RunView) -> dict | None:
    """Mean loss and shares by exit of the training split, if recorded."""
    part = view.folder.scores("train") or {}
    found = part.get("loss_by_exit")
    return found if found and len(found["loss"]) > 1 else None
