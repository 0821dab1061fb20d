"""How training went, by epoch, and what loss who left where added up."""

import numpy as np

from elf_keras.reports.charts import style
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import exit_name, percent, short, slug


def all_of(view: RunView) -> list[style.Chart]:
    """The charts of a run's training, as far as there is a history."""
    history = view.folder.history
    exits = 0
    while history and f"exit_{exits + 1}_accuracy" in history[0]:
        exits += 1
    charts = [_accuracy(view, exits)] if exits else []
    charts += [_shares(view, exits)] if exits > 1 else []
    return charts + ([_loss(view)] if history else [])


def losses(views: list[RunView]) -> style.Chart | None:
    """Mean training loss by exit taken: HAR, Figure 4; ELF, Figure 3."""
    # A run has the same style as in other pictures of all runs.
    found = [
        (number, view.name, part)
        for number, view in enumerate(views)
        if (part := view.folder.loss_by_exit())
    ]
    if not found:
        return None
    figure, axes = style.panel(
        x="exit at which a training image leaves",
        y="mean loss added up until then",
    )
    axes.set_yscale("log")
    for number, name, part in found:
        axes.plot(
            np.arange(1, len(part["loss"]) + 1),
            np.array(part["loss"], float),
            **style.line_style(number),
            **{"label": short(name, 40), "markersize": 7},
        )
    axes.set_xticks(range(1, max(len(p["loss"]) for *_, p in found) + 1))
    style.legend_below(axes, 1)
    return style.drawn(
        figure,
        name="loss_by_exit",
        title="Loss by exit taken",
        shows=(
            "Mean loss that a training image adds up until it leaves, by the "
            "exit where it leaves. A rising line means that hard images, which "
            "leave later, count more in training, as the method intends."
        ),
        alt="; ".join(f"{name}: {_told(part)}" for _, name, part in found)
        + ", from the first exit to the last.",
        rows=[row for _, name, part in found for row in _rows(name, part)],
        source="HAR, Fig. 4; ELF, Fig. 3",
    )


def _told(part):
    return ", ".join(
        "nobody" if v is None else f"{v:.2f}" for v in part["loss"]
    )


def _rows(name, part):
    pairs = zip(part["loss"], part["shares"], strict=True)
    return [
        {"run": name, "exit": k, "loss": loss, "share": share}
        for k, (loss, share) in enumerate(pairs, start=1)
    ]


def _accuracy(view, exits):
    """Accuracy of each exit on validation, or on training, by epoch."""
    history = view.folder.history
    split, prefix, means = "training", "", ""
    if f"validation_exit_{exits}_accuracy" in history[0]:
        split, prefix = "validation", "validation_"
        means = ", means over classes"
    keys = [f"{prefix}exit_{k + 1}_accuracy" for k in range(exits)]
    epochs, *columns = _columns(history, "epoch", *keys)
    figure, axes = style.panel(x="epoch", y=f"accuracy on {split} images, %")
    marks = {"markevery": max(1, len(epochs) // 8), "markersize": 5}
    for number, column in enumerate(columns):
        own = style.exit_style(number, exits) | marks
        axes.plot(epochs, 100 * column, **own, label=exit_name(number, exits))
    marked = _events(axes, view)
    style.legend_below(axes, 3)
    reached = [f"exit {k + 1} {percent(c[-1])}" for k, c in enumerate(columns)]
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/training_accuracy",
        title="Learning, exit by exit",
        shows=(
            f"Accuracy of each exit after each epoch on {split} images"
            f"{means}. {marked}Check how far the early exits stay below the "
            "last one, and whether the curves still rise at the end."
        ),
        alt=f"After epoch {int(epochs[-1])}: {', '.join(reached)}.",
        rows=history,
    )


def _shares(view, exits):
    """Share of training images that leave at each exit, by epoch."""
    history = view.folder.history
    keys = [f"exit_{number + 1}_share" for number in range(exits)]
    epochs, *columns = _columns(history, "epoch", *keys)
    figure, axes = style.panel(x="epoch", y="training images, %", grid=False)
    below = np.zeros(len(epochs))
    for number, column in enumerate(columns):
        top = below + 100 * column
        axes.fill_between(
            *(epochs, below, top),
            facecolor=style.FILLS[number % len(style.FILLS)],
            hatch=style.HATCHES[number % len(style.HATCHES)],
            edgecolor="black" if number != 0 else "white",
            linewidth=0.5,
            label=exit_name(number, exits),
        )
        below = top
    axes.set_ylim(0, 100)
    axes.set_xlim(epochs[0], max(epochs[-1], epochs[0] + 1))
    style.legend_below(axes, 4)
    told = [
        f"{percent(c[-1], 0)} at exit {k + 1}" for k, c in enumerate(columns)
    ]
    nobody = "With this method no image leaves during training. "
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/exit_shares",
        title="Where training images leave, epoch by epoch",
        shows=nobody
        * (view.folder.flags.get("method") != "har")
        + "Share of the training images that leave at each exit, because the "
        "exit is correct and its confidence is above the train threshold t. "
        "The more leave early, the more the last exit learns from hard images "
        "only.",
        alt=f"In the last epoch {', '.join(told)}.",
        rows=[{key: row[key] for key in ("epoch", *keys)} for row in history],
    )


def _loss(view):
    """Training loss and learning rate by epoch."""
    history, keys = view.folder.history, ("epoch", "loss", "learning_rate")
    epochs, loss, rate = _columns(history, *keys)
    figure, axes = style.panel(
        x="epoch", y="training loss, sum over exits passed"
    )
    axes.plot(epochs, loss, color="black", linewidth=2, label="training loss")
    rates = axes.twinx()
    dotted = {"color": "#0072b2", "linestyle": ":"}
    rates.step(epochs, rate, where="mid", **dotted)
    rates.set_yscale("log")
    rates.set_ylabel("learning rate")
    rates.spines["right"].set_visible(True)
    # In the legend of the other axis, where it is looked for.
    axes.plot([], [], label="learning rate (right axis)", **dotted)
    marked = _events(axes, view)
    style.legend_below(axes, 2)
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/training_loss",
        title="Loss and learning rate",
        shows=(
            f"The training loss and the learning rate. {marked}A jump where "
            "rare classes get larger weights is expected: from then on the "
            "loss is a different weighted sum."
        ),
        alt=(
            f"The loss goes from {loss[0]:.3g} to {loss[-1]:.3g} in "
            f"{len(history)} epochs."
        ),
        rows=[{key: row[key] for key in keys} for row in history],
    )


def _columns(history, *keys):
    return [np.array([row[key] for row in history]) for key in keys]


def _events(axes, view):
    """Mark what changed during training; say so in words."""
    decays, reweighted = view.folder.decays(), view.folder.reweighted_from()
    words = []
    # Epochs count from 1 on the axis; a change holds from its epoch on.
    for epoch in decays:
        axes.axvline(epoch + 0.5, color="0.35", linestyle="--", linewidth=1)
    if decays:
        epochs = ", ".join(str(epoch + 1) for epoch in decays)
        s = "s" * (len(decays) > 1)
        words.append(
            f"the learning rate falls at the dashed line{s} (epoch{s} {epochs})"
        )
    if reweighted and reweighted < len(view.folder.history):
        axes.axvline(reweighted + 0.5, color="0.35", linestyle=":", linewidth=2)
        words.append(
            "rare classes have larger weights from the dotted line on (epoch "
            f"{reweighted + 1})"
        )
    text = "; ".join(words)
    return f"{text[0].upper()}{text[1:]}. " if text else ""
