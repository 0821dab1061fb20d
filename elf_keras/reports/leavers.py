"""Who leaves where, and what leaving early changes, by class and group."""

import numpy as np

from elf_keras.evaluation import metrics
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.reports.run_view import RunView

# Of a gallery.
CLASSES = 8


def changes(view: RunView) -> list[dict]:
    """Right answers of each class, static and leaving early.

    Without answers, what the training wrote is taken.

    Returns:
      A row for each class that has images, commonest first: `index`, `class`,
      `training_images`, `images`, `static_right`, `dynamic_right`, `change`
      (of the accuracy).
    """
    if view.scored is not None:
        images, *right = _answered(view)
        change = (right[1] - right[0]) / np.maximum(images, 1)
    elif rows := view.folder.per_class:
        images = np.array([row["test_images"] for row in rows])
        static = np.array([row["static_accuracy"] for row in rows])
        dynamic = np.array([row["dynamic_accuracy"] for row in rows])
        right = [(each * images).round() for each in (static, dynamic)]
        change = dynamic - static
    else:
        return []
    return [
        {
            "index": int(c),
            "class": view.class_names[c],
            "training_images": int(view.class_counts[c]),
            "images": int(images[c]),
            "static_right": int(right[0][c]),
            "dynamic_right": int(right[1][c]),
            "change": float(change[c]),
        }
        for c in view.order
        if images[c]
    ]


def _answered(view):
    """Images of each class, and those right, static and leaving early."""
    found, classes = view.seen, len(view.class_names)
    right = (found.static_classes, view.chosen.classes)
    labels = [found.labels] + [found.labels[r == found.labels] for r in right]
    return [np.bincount(each, minlength=classes) for each in labels]


def composition(view: RunView, thresholds: ExitThresholds) -> list[dict]:
    """Who leaves where, and how often rightly: HAR, Figure 6, lower row.

    Returns:
      A row for each exit and shot group: `exit`, `group`, `share` of the
      group's images that leave there (mean over classes), `accuracy` of
      these, None where nobody does.
    """
    found, chosen = view.seen, view.seen.leave(thresholds)
    correct, rows = chosen.classes == found.labels, []
    weights = view.weights
    for group, mask in view.shot_groups.items():
        own = mask[found.labels]
        if not own.any():
            continue
        taken, part = chosen.exit_taken[own], weights[own]
        shares = metrics.shares(taken, view.exits, weights=part)
        right = metrics.mean_by_exit(
            correct[own], taken, exits=view.exits, weights=part
        )
        for number, share in enumerate(shares.tolist()):
            row = {"exit": number + 1, "group": group, "share": share}
            known = None if np.isnan(right[number]) else float(right[number])
            rows.append({**row, "accuracy": known})
    return rows


def chosen_classes(view: RunView) -> list[int]:
    """Classes of the gallery: all of a few, else common, middling and rare."""
    present = np.unique(view.seen.labels)
    order = [c for c in view.order if c in present]
    places = np.arange(len(order))
    if len(order) > CLASSES + 2:
        places = np.linspace(0, len(order) - 1, CLASSES).round().astype(int)
    return [int(order[place]) for place in places]
