"""Figures about classes: how many images, how sure, and who pays."""

import numpy as np
from matplotlib import ticker

from elf_keras.reports import leavers
from elf_keras.reports.charts import style
from elf_keras.reports.run_view import GROUPS, RunView
from elf_keras.reports.text import percent, points, short, slug

# Up to so many classes each has its name at an axis.
NAMED = 24
_LARGE_MARKS = 60
_BINS = 20
_BOTH_KINDS = (
    "The probability that the last exit gives to the true class, for the most "
    "frequent and the rarest class. Images at the right are easy, images at "
    "the left are hard. Weights of classes cannot tell easy and hard images of "
    "one class apart."
)
_GROUP_MARKS = {"many": "o", "medium": "s", "few": "^"}


def distribution(name: str, view: RunView) -> style.Chart:
    """Training images of each class: ELF, Figure 4."""
    order = view.order
    counts = np.asarray(view.class_counts)[order]
    groups = list(view.shot_groups.items())
    figure, axes = style.panel(
        x="classes, from the most frequent to the rarest",
        y="training images",
        grid=False,
    )
    _bars(axes, counts, [(group, mask[order]) for group, mask in groups])
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.8)
    if len(counts) <= NAMED:
        names = [short(view.class_names[c], 14) for c in order]
        axes.set_xticks(range(len(counts)), names, rotation=45, ha="right")
    style.legend_below(axes, 1)
    first, last = view.class_names[order[0]], view.class_names[order[-1]]
    return style.drawn(
        figure,
        name=name,
        title="The long tail",
        shows=(
            f"Training images of each of the {len(counts)} classes, before "
            "validation images were taken from them, on a logarithmic scale. "
            "The steeper it falls, the fewer images the rare classes have to "
            "learn from."
        ),
        alt=(
            f"From {counts[0]} images of {first} down to {counts[-1]} of "
            f"{last}; "
            + ", ".join(f"{int(m.sum())} {group}-shot" for group, m in groups)
            + " classes."
        ),
        rows=[
            {"class": view.class_names[c], "training_images": int(n)}
            for c, n in zip(order, counts, strict=True)
        ],
        source="ELF, Fig. 4",
    )


def confidences(view: RunView) -> style.Chart:
    """True-class probability of two classes: ELF, Figure 2; HAR, Figure 3."""
    labels = view.seen.labels
    present = [c for c in view.order if (labels == c).any()]
    figure, axes = style.panel(
        x="probability given to the true class, last exit",
        y="images of the class, %",
        grid=False,
    )
    rows, told = [], []
    for number, role in enumerate(("most frequent", "rarest")):
        c = present[-number]
        own = view.seen.of_truth[labels == c, -1]
        name = f"{role}: {view.class_names[c]}"
        label = f"{short(name, 36)}, {view.class_counts[c]} training images"
        shares = _histogram(axes, own, number, label)
        sure, unsure = (own >= 0.9).mean(), (own <= 0.1).mean()
        told.append(
            f"{name[0].upper()}{name[1:]}: {percent(sure, 0)} of "
            f"{len(own)} images at 0.9 or more, "
            f"{percent(unsure, 0)} at 0.1 or less"
        )
        rows += _bins(view.class_names[c], shares)
    axes.set_xlim(0, 1)
    style.legend_below(axes, 1)
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/confidence",
        title="Easy and hard images in both kinds of class",
        shows=f"{_BOTH_KINDS} {'; '.join(told)}.",
        alt=f"{'; '.join(told)}.",
        rows=rows,
        source="ELF, Fig. 2; HAR, Fig. 3",
    )


def payers(view: RunView) -> style.Chart:
    """What leaving early changes for each class."""
    rows = leavers.changes(view)
    few = len(rows) <= _LARGE_MARKS
    figure, axes = style.panel(
        *(5.6, 4.0),
        x="training images of the class",
        y="change by leaving early, points",
    )
    _class_marks(axes, view, rows, few)
    if few:
        _name_losers(axes, rows)
    axes.plot([], [], color="#d55e00", linewidth=2.5, label="group mean")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.margins(x=0.12)
    if not any(row["change"] for row in rows):
        axes.set_ylim(-1, 1)
    style.legend_below(axes, 2)
    worst = min(rows, key=lambda row: row["change"])
    most = f"; the largest loss is {points(-worst['change'])} points"
    most = f"{most}, {worst['class']}" if worst["change"] < 0 else ""
    return style.drawn(
        figure,
        name=f"{slug(view.name)}/who_pays",
        title="Change of each class",
        shows=(
            "Each mark is a class: how much its accuracy changes when images "
            f"leave early (s = {view.point.written}), against its number of "
            "training images. Classes below the line lose accuracy; the rare "
            "classes are at the left."
        ),
        alt=(
            f"Of {len(rows)} classes "
            f"{sum(row['change'] < 0 for row in rows)} lose and "
            f"{sum(row['change'] > 0 for row in rows)} gain{most}."
        ),
        rows=[{key: row[key] for key in row if key != "index"} for row in rows],
    )


def _bars(axes, counts, groups):
    """Bars of sorted counts; groups differ in hatch, or many in grey alone."""
    wide = len(counts) <= _LARGE_MARKS
    for number, (group, mask) in enumerate(groups):
        where = np.flatnonzero(mask)
        axes.bar(
            *(where, counts[where]),
            width=0.85 if wide else 1.0,
            color=style.FILLS[number],
            hatch=style.HATCHES[number] if wide else "",
            edgecolor="black" if wide else style.FILLS[number],
            linewidth=0.6,
            label=f"{group} ({GROUPS[group]}): {len(where)} class"
            + "es" * (len(where) != 1),
        )


def _histogram(axes, values, number, label):
    """An outline (first) or hatched steps (second); return the shares."""
    edges = np.linspace(0, 1, _BINS + 1)
    shares = np.histogram(values, edges)[0] / len(values)
    outline = {"edgecolor": "black", "linewidth": 2, "zorder": 3}
    hatched = {"color": style.FILLS[2], "edgecolor": "#3c6e98", "hatch": "//"}
    axes.stairs(
        *(100 * shares, edges),
        fill=number == 1,
        label=label,
        **(hatched if number else outline),
    )
    return shares


def _bins(name, shares):
    return [
        {
            "class": name,
            "from": k / _BINS,
            "to": (k + 1) / _BINS,
            "share_of_images": round(float(share), 6),
        }
        for k, share in enumerate(shares)
    ]


def _class_marks(axes, view, rows, few):
    """A mark a class, and the mean of each shot group."""
    for number, (group, mask) in enumerate(view.shot_groups.items()):
        own = [row for row in rows if mask[row["index"]]]
        counts = [row["training_images"] for row in own]
        changes = [100 * row["change"] for row in own]
        axes.plot(
            *(counts, changes, _GROUP_MARKS[group]),
            markerfacecolor=style.FILLS[number],
            markeredgecolor="black",
            markersize=8 if few else 4.5,
            label=f"{group}-shot classes",
            alpha=1.0 if few else 0.6,
        )
        if own:
            span = (np.mean(changes), min(counts), max(counts))
            axes.hlines(*span, color="#d55e00", linewidth=2.5, zorder=4)


def _name_losers(axes, rows):
    """Name the classes that lose most, where the names do not overlap."""
    marks = [(row["training_images"], 100 * row["change"]) for row in rows]
    places = np.array([(np.log(count), change) for count, change in marks])
    spread = np.ptp(places, axis=0)
    # The room of a name, as shares of the panel's width and height.
    room, named = np.where(spread, spread, 1) * (0.25, 0.07), []
    for k in np.argsort(places[:, 1], kind="stable")[:5]:
        beside = [(abs(places[k] - other) > room).any() for other in named]
        if marks[k][1] < 0 and all(beside):
            named.append(places[k])
            offset = {"xytext": (7, -4), "textcoords": "offset points"}
            name = short(rows[k]["class"])
            axes.annotate(name, marks[k], **offset, fontsize=9.5)
