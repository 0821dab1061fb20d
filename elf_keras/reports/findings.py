"""What a report says in words: each sentence is computed from the run."""

import itertools

import numpy as np

from elf_keras.policies import policy_rules, sentences
from elf_keras.reports import comparison, leavers, statistics
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import percent

_LOSERS = 3


def summary(view: RunView) -> list[str]:
    """What one run comes to, in a sentence."""
    if view.scored is None:
        return _recorded(view)
    return [_bargain(view) if view.exits > 1 else _bare(view)]


def of_run(view: RunView) -> list[str]:
    """Further findings of one run, the most useful first."""
    early, scored = view.exits > 1, view.scored is not None
    # An exit nobody takes, a rollback, …
    warnings = (view.folder.record or {}).get("warnings") or []
    return [
        *(f"Training warned: {sentence}." for sentence in warnings),
        *(_dearer(view) if early else []),
        *(_budgets(view) if early else []),
        *(_worth(view) if early and scored else []),
        *(_losers(view) if early else []),
        *([_early(view)] if early and scored else []),
        *_increasing(view),
        *(_splits(view) if scored else []),
    ]


def _recorded(view):
    """The scores that the training wrote, where the model was not run."""
    if not (found := view.folder.recorded()):
        return []
    split, scores = found
    static, dynamic = scores["static"], scores["dynamic"]
    return [
        f"Recorded on {split}: {percent(static['accuracy'])} with the whole "
        f"backbone, {percent(dynamic['accuracy'])} leaving early, with "
        f"{percent(dynamic['saving_with_heads'])} of the multiply-adds saved, "
        "heads counted."
    ]


def _bargain(view):
    saving = view.dynamic["saving_with_heads"]
    spent = "saves" if saving >= 0 else "costs"
    return (
        f"Leaving early (s = {view.point.written}, {view.point.said}) {spent} "
        f"{percent(abs(saving))} of the multiply-adds"
        f"{' more than the backbone alone' if saving < 0 else ''}, heads "
        f"counted; accuracy on {view.scored.shown} goes from "
        f"{percent(view.static['accuracy'])} to "
        f"{percent(view.dynamic['accuracy'])}."
    )


def _dearer(view):
    """What to take where policies cost more than the whole backbone."""
    split = view.scored.shown if view.scored else "test"
    static = (view.folder.policy or {}).get("model", {}).get("static", {})
    if split not in static:
        return []
    policies = view.folder.policies.items()
    found = {name: at[split] for name, at in policies if at.get(split)}
    text = sentences.dearer(found, static[split]["accuracy"], split)
    return [f"{text}."] if text else []


def _budgets(view):
    """What is left of the accuracy at the budgets that validation chose."""
    split, parts = view.scored.shown if view.scored else "test", []
    for policy in view.folder.policies.values():
        rule, scores = policy["rule"], policy.get(split)
        kind = (rule["kind"], rule["unit"])
        if scores and kind == (policy_rules.SHARED, "macs"):
            parts.append(
                f"{percent(scores['accuracy'])} within "
                f"{percent(rule['limit'], 0)} of the multiply-adds"
            )
    return [f"One model, other budgets: {', '.join(parts)}."] if parts else []


def _bare(view):
    mean, error = comparison.whole_backbone(view, view.scored.shown)
    return (
        f"A model of a single exit: {percent(mean)} on {view.scored.shown}, "
        f"{comparison.margin(statistics.SURE * error)} by the choice of "
        "images. Nobody can leave early."
    )


def _worth(view):
    rows = statistics.worth_of_exits(
        view.seen, view.scored.scorer, view.point.thresholds
    )
    poor = [row for row in rows if not row["pays"]]
    if not poor:
        best = max(rows, key=lambda row: row["saved"])
        return [
            f"Every exit pays for its head; exit {best['exit']} the most: "
            f"without it an image would cost {percent(best['saved'])} of the "
            "backbone more."
        ]
    return [
        f"Exit {row['exit']} does not pay: {percent(row['share'])} of the "
        "images leave there, and without it an image would cost "
        f"{percent(-row['saved'])} of the backbone less; accuracy "
        f"{_would(-row['accuracy_gain'])}."
        for row in poor
    ]


def _losers(view):
    rows = leavers.changes(view)
    if not rows:
        return []
    rows = [row for row in rows if row["change"] < 0]
    if not rows:
        return ["No class loses accuracy by leaving early."]
    rows.sort(key=lambda row: row["change"])
    worst = ", ".join(
        f"{row['class']} ({row['static_right']} → {row['dynamic_right']} of "
        f"{row['images']} images right; {row['training_images']} training "
        "images)"
        for row in rows[:_LOSERS]
    )
    many = f" of {len(rows)} losing classes" if len(rows) > _LOSERS else ""
    return [f"Leaving early costs most{many}: {worst}."]


def _early(view):
    rows = leavers.composition(view, view.point.thresholds)
    parts = []
    for group in view.shot_groups:
        shares = [row["share"] for row in rows if row["group"] == group]
        if shares:
            parts.append(f"{percent(sum(shares[:-1]), 0)} of {group}-shot")
    scores = view.dynamic["accuracy_of_leavers"]
    text = f"Before the last exit leave {', '.join(parts)} images"
    if np.isnan(scores[[0, -1]]).any():
        return text + "."
    return (
        f"{text}; answers given at exit 1 are right in "
        f"{percent(scores[0], 0)}, those of the last exit in "
        f"{percent(scores[-1], 0)}."
    )


def _increasing(view):
    part = view.folder.loss_by_exit()
    if part is None:
        return []
    numbered = enumerate(part["loss"], start=1)
    known = [(k, value) for k, value in numbered if value is not None]
    if len(known) < 2:
        return [
            "Whether training loss increases from exit to exit cannot be "
            "told: training images leave at one exit only."
        ]
    values = ", ".join(f"{value:.2g} (exit {k})" for k, value in known)
    if part["increasing"]:
        return [
            "The increasing-loss property holds: training images that leave "
            f"later add up more loss, {values}."
        ]
    falls = next(k for (_, a), (k, b) in itertools.pairwise(known) if b <= a)
    return [
        "The increasing-loss property does not hold: the loss of training "
        f"images that leave at exit {falls} is not above that of the exit "
        f"before; {values}."
    ]


def _splits(view):
    splits = view.scored.splits
    if len(splits) < 2:
        return []
    shared = np.intersect1d(*(found.labels for found in splits.values()))
    if not shared.size:
        return []
    (first, one), (second, other) = (
        comparison.whole_backbone(view, split, shared)
        for split in ("validation", "test")
    )
    reach = statistics.SURE * float(np.hypot(one, other))
    apart = first - second
    numbers = (
        f"{percent(first)} on validation, {percent(second)} on test for the "
        f"whole backbone, {_signed(apart) or 'the same'} where chance explains "
        f"{comparison.margin(reach)}"
    )
    if abs(apart) <= reach:
        return [f"Validation and test agree within their sampling: {numbers}."]
    kind = (
        "validation is kinder (the epoch was chosen on it)"
        if apart > 0
        else "test is the easier one"
    )
    return [
        f"Validation and test disagree beyond their sampling, {kind}: "
        f"{numbers}."
    ]


def _would(value):
    text = _signed(value)
    return f"would change by {text}" if text else "would not change"


def _signed(value):
    """A difference, or "" where nothing of it can be seen."""
    text = f"{100 * value:+.1f}"
    return f"{text} points" if float(text) else ""
