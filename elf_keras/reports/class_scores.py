"""Precision, recall and F1 of each class, and top-5, by scikit-learn."""

import numpy as np
from sklearn import metrics

from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import exit_name

# Answers among which the true class is looked for.
TOP = 5
# Classes that a page lists; of more, so many weakest ones.
LISTED, WEAKEST = 60, 30
_SCORES = ("precision", "recall", "f1")


def per_class(view: RunView) -> list[dict]:
    """Scores of each class by the headline policy, most frequent class first.

    They count images: precision depends on how many images of the other
    classes the split has.

    Returns:
      Rows with `class`, `training_images`, `images` of the shown split,
      `answers` (images that were given this class), `precision` (None where
      that is 0), `recall` (None where `images` is 0), `f1` (None where
      neither is known), and `static_recall`, of the whole backbone.
    """
    labels, answered = view.seen.labels, view.judged.classes
    scores = _scores(view, answered)
    static = _scores(view, view.seen.static_classes)["recall"]
    given = np.bincount(answered, minlength=len(view.class_names))
    images = np.bincount(labels, minlength=len(view.class_names))
    return [
        {
            "class": view.class_names[c],
            "training_images": int(view.class_counts[c]),
            "images": int(images[c]),
            "answers": int(given[c]),
            **{key: _known(scores[key][c]) for key in _SCORES},
            "static_recall": _known(static[c]),
        }
        for c in view.order
    ]


def means(view: RunView) -> list[dict]:
    """Means over classes, of all and of each shot group.

    Of classes that have images; precision and F1 of one that is never
    answered count as 0, as in scikit-learn.
    """
    scores = _scores(view, view.judged.classes)
    images = np.bincount(view.seen.labels, minlength=len(view.class_names))
    groups = {"all": np.ones(len(images), bool)} | view.shot_groups
    return [
        {
            "group": name,
            "classes": int(own.sum()),
            **{key: _mean(scores[key][own]) for key in _SCORES},
        }
        for name, mask in groups.items()
        if (own := mask & (images > 0)).any()
    ]


def top(view: RunView) -> list[dict]:
    """How often the true class is the first, or among the first five.

    Returns:
      Rows of the whole backbone, the headline policy, and each exit as if
      all images left there: `of`, `top1` and `top5` over images, and
      `mean_top1` and `mean_top5`, over classes. No top-5 among five classes.
    """
    seen, taken = view.seen, view.judged.exit_taken
    ranks = {"whole backbone (static)": seen.static_rank}
    if view.exits > 1:
        own = seen.rank[np.arange(len(taken)), taken]
        ranks[f"leaving early, {view.headline.name}"] = own
        for number in range(view.exits):
            name = f"all images at {exit_name(number, view.exits)}"
            ranks[name] = seen.rank[:, number]
    return [{"of": name, **_top(view, rank)} for name, rank in ranks.items()]


def _top(view, rank):
    found, weights = {}, view.weights
    for k in (1, TOP):
        known = len(view.class_names) > k
        among = rank < k
        found[f"top{k}"] = float(among.mean()) if known else None
        found[f"mean_top{k}"] = float(weights @ among) if known else None
    return found


def _scores(view, answered):
    """Scores of each class, NaN where nothing is known, `(classes,)`."""
    *found, _ = metrics.precision_recall_fscore_support(
        view.seen.labels,
        answered,
        labels=np.arange(len(view.class_names)),
        zero_division=np.nan,
    )
    return dict(zip(_SCORES, found, strict=True))


def _mean(values):
    return float(np.nan_to_num(values).mean())


def _known(value):
    return None if np.isnan(value) else float(value)


def listed(view: RunView) -> dict:
    """The classes that a page lists: all of up to 60, else the weakest.

    Returns:
      `rows` of `per_class`, how many `classes` there are, and whether these
      are `all`; else they are those with the lowest F1, lowest first.
    """
    rows = per_class(view)
    found = {"classes": len(rows), "all": len(rows) <= LISTED, "rows": rows}
    if not found["all"]:
        known = [row for row in rows if row["images"]]
        found["rows"] = sorted(known, key=lambda row: row["f1"])[:WEAKEST]
    return found
