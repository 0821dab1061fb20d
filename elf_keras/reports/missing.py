"""What a run's folder lacks or contradicts, one sentence on each thing."""

from collections.abc import Iterator

from elf_keras import runs

# Of an accuracy, in [0, 1].
_TOLERANCE = 0.005


def of(found) -> Iterator[str]:
    """Say what is not there in `found`, a `RunFolder`."""
    if found.metrics is None or "model" not in (found.record or {}):
        yield (
            f"The run has not finished: {len(found.history)} of "
            f"{found.epochs} epochs are recorded, and there are no scores "
            "yet. Continue it with elf-keras train --resume."
        )
    elif not found.recorded():
        yield (
            "The run has neither validation nor test images, so nothing "
            "measures how good it is. This page shows its training only."
        )
    elif "validation" not in found.metrics:
        yield (
            "The run has no validation split, so neither the epoch nor a "
            "threshold could be chosen on one."
        )
    elif "test" not in found.metrics:
        yield _without_test(found)
    if found.other_rule:
        yield (
            f"The policies of policy.json are not shown: their thresholds are "
            f"for the exit rule {found.other_rule.shown}, and this page uses "
            f"{found.rule.shown}. To show them, make the page with "
            f"{found.other_rule.flags}."
        )
    swept = found.policy or found.other_rule or len(found.exits) < 2
    if not swept and "validation" in (found.metrics or {}):
        yield (
            "No policies yet: no thresholds were chosen for a budget. Run "
            f"elf-keras sweep --workdir={_place(found)} and make this page "
            "again."
        )


def _without_test(found):
    best = "best" in found.metrics["validation"]
    chosen = ["its epoch"] * best + ["its thresholds"] * bool(found.policy)
    told = "The run has no test split: its scores are of the validation images"
    if not chosen:
        return f"{told}."
    verb = "was" if chosen == ["its epoch"] else "were"
    return (
        f"{told} on which {' and '.join(chosen)} {verb} chosen, and are too "
        "high."
    )


def _place(found):
    """The path as given; of an absolute one its end, for others see it."""
    if found.path.is_absolute():
        return f"…/{found.name}"
    return runs.legible(str(found.path))


def differs(view) -> tuple[str, ...]:
    """Say where a scored `RunView` is not what its training wrote down."""
    split = view.scored.shown
    written = view.folder.scores(split)
    if written is None:
        return ()
    here, before = view.static["accuracy"], written["static"]["accuracy"]
    if abs(here - before) <= _TOLERANCE:
        return ()
    return (
        f"The whole backbone now reaches {100 * here:.1f} % on {split}, but "
        f"the training recorded {100 * before:.1f} %: model.keras, the images "
        "or the software have changed since.",
    )
