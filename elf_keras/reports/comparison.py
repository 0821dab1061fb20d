"""What several runs on one page come to, and how sure that is."""

import dataclasses

import numpy as np

from elf_keras.evaluation import metrics
from elf_keras.reports import score_rows, statistics
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import percent, points


def compared(views: list[RunView]) -> list[str]:
    """Findings about several runs on the same images."""
    scored = {view.name: view for view in views if view.scored is not None}
    if len({view.scored.shown for view in scored.values()}) != 1:
        return []
    groups = score_rows.groups([view.folder for view in scored.values()])
    found = [
        _group(name, [scored[folder.name] for folder in group])
        for name, group in zip(score_rows.names(groups), groups, strict=True)
    ]
    found.sort(key=lambda each: -each["mean"])
    told = [_seeds(each) for each in found if each["seeds"] > 1]
    return told + ([_first(*found[:2])] if len(found) > 1 else [])


def _group(name, views):
    means = [whole_backbone(view, view.scored.shown) for view in views]
    values = [mean for mean, _ in means]
    return {
        "name": name,
        "split": views[0].scored.shown,
        "seeds": len(views),
        "mean": float(np.mean(values)),
        "range": (min(values), max(values)),
        # All are scored on the same images: more seeds do not help here.
        "error": float(np.mean([error for _, error in means])),
    }


def _seeds(group):
    low, high = group["range"]
    return (
        f"{group['name']}: over {group['seeds']} seeds the whole backbone has "
        f"{percent(low)} to {percent(high)} on {group['split']}."
    )


def _first(best, second):
    reach = statistics.SURE * float(np.hypot(best["error"], second["error"]))
    clear = best["mean"] - second["mean"] > reach
    single = [each["name"] for each in (best, second) if each["seeds"] == 1]
    sure = "; with one seed each, another seed may change the order"
    if len(single) == 1:
        sure = f"; {single[0]} has one seed, another may change the order"
    return (
        f"With the whole backbone, {best['name']} is the most accurate on "
        f"{best['split']} ({percent(best['mean'])}), ahead of "
        f"{second['name']} ({percent(second['mean'])}), by "
        f"{'more than' if clear else 'no more than'} the choice of images "
        f"explains ({margin(reach)})" + (f"{sure}." if single else ".")
    )


def whole_backbone(
    view: RunView, split: str, classes: np.ndarray | None = None
) -> tuple[float, float]:
    """Accuracy of the last exit, mean over classes, and its standard error.

    The mean is over `classes`, by default over all that have images.
    """
    found = view.scored.splits[split]
    if classes is None:
        classes = np.unique(found.labels)
    right = found.static_classes == found.labels
    return metrics.class_means(right, found.labels, classes)


@dataclasses.dataclass(frozen=True)
class Splits:
    """How far the whole backbone differs between validation and test.

    Attributes:
      apart: accuracy on validation less that on test.
      agree: whether the choice of images explains that.
      numbers: both accuracies in words.
    """

    apart: float
    agree: bool
    numbers: str


def splits(view: RunView) -> Splits | None:
    """Compare both splits over the classes that both have, if they can be."""
    parts = view.scored.splits
    if len(parts) < 2:
        return None
    shared = np.intersect1d(*(found.labels for found in parts.values()))
    if not shared.size:
        return None
    (first, one), (second, other) = (
        whole_backbone(view, split, shared) for split in ("validation", "test")
    )
    reach = statistics.SURE * float(np.hypot(one, other))
    apart = first - second
    difference = signed(apart)
    numbers = (
        f"the whole backbone has {percent(first)} on validation and "
        f"{percent(second)} on test, "
        + (f"a difference of {difference}" if difference else "no difference")
        + f", where chance explains {margin(reach)}"
    )
    return Splits(apart, abs(apart) <= reach, numbers)


def margin(value: float) -> str:
    """How far chance reaches, in words."""
    return f"± {points(value)} points"


def signed(value: float) -> str:
    """A difference in points, or "" where nothing of it can be seen."""
    text = f"{100 * value:+.1f}"
    return f"{text} points" if float(text) else ""
