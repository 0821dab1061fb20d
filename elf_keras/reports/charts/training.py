"""How a training went: loss and accuracy, and who left where, by epoch."""

import numpy as np

from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView


def all_of(view: RunView) -> list[style.Chart]:
    """The charts of a run's training, as far as there is a history."""
    found = [draw(view) for draw in (accuracy, shares, loss)]
    return [chart for chart in found if chart is not None]


def accuracy(view: RunView) -> style.Chart | None:
    """Accuracy of each exit on validation, or on training, by epoch."""
    history = view.folder.history
    exits = _exits(history)
    if not history or not exits:
        return None
    split = "validation"
    if f"validation_exit_{exits}_accuracy" not in history[0]:
        split = "training"
    prefix = "validation_" if split == "validation" else ""
    epochs = [row["epoch"] for row in history]
    figure, axes = style.panel()
    for number in range(exits):
        key = f"{prefix}exit_{number + 1}_accuracy"
        name = f"exit {number + 1}" + (" (last)" * (number == exits - 1))
        axes.plot(
            *(epochs, [100 * row[key] for row in history]),
            **style.exit_style(number, exits),
            **{"label": name, "markevery": _every(epochs), "markersize": 5},
        )
    marked = _events(axes, view)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"accuracy on {split} images, %")
    axes.grid(alpha=0.3)
    style.legend_below(axes, 3)
    last = history[-1]
    means = ", means over classes" if split == "validation" else ""
    return style.drawn(
        figure,
        name=f"{style.slug(view.name)}/training_accuracy",
        title="Learning, exit by exit",
        shows=(
            f"Accuracy of each exit after each epoch on {split} images"
            f"{means}. {marked}Look how far early exits stay below the last, "
            "and whether the curves still rise at the end."
        ),
        alt=f"After epoch {int(last['epoch'])}: "
        + ", ".join(
            f"exit {k + 1} "
            f"{style.percent(last[f'{prefix}exit_{k + 1}_accuracy'])}"
            for k in range(exits)
        )
        + ".",
        rows=history,
    )


def loss(view: RunView) -> style.Chart | None:
    """Training loss and learning rate by epoch."""
    history = view.folder.history
    if not history:
        return None
    epochs = [row["epoch"] for row in history]
    figure, axes = style.panel()
    axes.plot(
        *(epochs, [row["loss"] for row in history]),
        **{"color": "black", "linewidth": 2, "label": "training loss"},
    )
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss, all exits passed")
    rates = axes.twinx()
    rates.step(
        *(epochs, [row["learning_rate"] for row in history]),
        **{"where": "mid", "color": "#0072b2", "linestyle": ":"},
    )
    rates.set_yscale("log")
    rates.set_ylabel("learning rate")
    rates.spines["right"].set_visible(True)
    # In the legend of the other axis, where it is looked for.
    right = "learning rate (right axis)"
    axes.plot([], [], color="#0072b2", linestyle=":", label=right)
    marked = _events(axes, view)
    axes.grid(alpha=0.3)
    style.legend_below(axes, 2)
    return style.drawn(
        figure,
        name=f"{style.slug(view.name)}/training_loss",
        title="Loss and learning rate",
        shows=(
            "The loss that training lowers, and the size of its steps. "
            f"{marked}A jump where rare classes get their weight is expected: "
            "the loss then measures something else."
        ),
        alt=(
            f"The loss goes from {history[0]['loss']:.3g} to "
            f"{history[-1]['loss']:.3g} in {len(history)} epochs."
        ),
        rows=[
            {key: row[key] for key in ("epoch", "loss", "learning_rate")}
            for row in history
        ],
    )


def shares(view: RunView) -> style.Chart | None:
    """Share of training images that leave at each exit, by epoch."""
    history = view.folder.history
    exits = _exits(history)
    if not history or exits < 2:
        return None
    epochs = [row["epoch"] for row in history]
    keys = [f"exit_{number + 1}_share" for number in range(exits)]
    figure, axes = style.panel()
    below = np.zeros(len(epochs))
    for number, key in enumerate(keys):
        top = below + [100 * row[key] for row in history]
        axes.fill_between(
            *(epochs, below, top),
            facecolor=style.FILLS[number % len(style.FILLS)],
            hatch=style.HATCHES[number % len(style.HATCHES)],
            edgecolor="black" if number != 0 else "white",
            linewidth=0.5,
            label=f"exit {number + 1}" + (" (last)" * (number == exits - 1)),
        )
        below = top
    axes.set_ylim(0, 100)
    axes.set_xlim(epochs[0], max(epochs[-1], epochs[0] + 1))
    axes.set_xlabel("epoch")
    axes.set_ylabel("training images, %")
    style.legend_below(axes, 4)
    leaving = "No image leaves in training with this method. " * (
        view.folder.method == "sum"
    )
    return style.drawn(
        figure,
        name=f"{style.slug(view.name)}/exit_shares",
        title="Where training images leave, epoch by epoch",
        shows=(
            leaving + "Share of the training images that leave at each exit: "
            "right, and surer than the train threshold t. The more leave "
            "early, the more the last exit learns from hard images alone."
        ),
        alt="In the last epoch "
        + ", ".join(
            f"{style.percent(history[-1][key], 0)} at exit {number + 1}"
            for number, key in enumerate(keys)
        )
        + ".",
        rows=[{"epoch": row["epoch"], **_only(row, keys)} for row in history],
    )


def _exits(history):
    """Number of exits that the rows of a history tell of."""
    count = 0
    while history and f"exit_{count + 1}_accuracy" in history[0]:
        count += 1
    return count


def _events(axes, view):
    """Mark what changed during training; say so in words."""
    decays, reweighted = view.folder.decays(), view.folder.reweighted_from()
    # Epochs count from 1 on the axis; a change holds from its epoch on.
    for epoch in decays:
        axes.axvline(epoch + 0.5, color="0.35", linestyle="--", linewidth=1)
    words = []
    if decays:
        words.append(
            "the learning rate falls at the dashed lines (epochs "
            f"{', '.join(str(epoch + 1) for epoch in decays)})"
        )
    if reweighted and reweighted < max(len(view.folder.history), 1):
        axes.axvline(reweighted + 0.5, color="0.35", linestyle=":", linewidth=2)
        words.append(
            "rare classes weigh more from the dotted line on (epoch "
            f"{reweighted + 1})"
        )
    if not words:
        return ""
    text = "; ".join(words)
    return f"{text[0].upper()}{text[1:]}. "


def _every(epochs):
    return max(1, len(epochs) // 8)


def _only(row, keys):
    return {key: row[key] for key in keys}
