"""What a reader must know before the numbers; it stands first on the page."""

import re

import numpy as np

from elf_keras.policies import policy_rules, sentences
from elf_keras.reports import comparison, statistics
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import percent, points, shot

# Test images below which scores of a class are rough.
_FEW = 5
_NAMED = 5


def of(view: RunView) -> list[str]:
    """Warnings about one run, the gravest first."""
    early, scored = view.exits > 1, view.scored is not None
    # Such as an exit that no image takes, or a return to an older epoch.
    warnings = (view.folder.record or {}).get("warnings") or []
    return [
        *(f"Training warned: {sentence}." for sentence in warnings),
        *view.missing,
        *(_nobody_leaves(view) if early and scored else []),
        *(_expensive(view) if early else []),
        *(_unguarded(view) if early else []),
        *(_unpaid(view) if early and scored else []),
        *(_splits(view) if scored else []),
        *(_few_images(view) if scored else []),
    ]


def _nobody_leaves(view):
    """That the policy that users get lets no image leave, and why."""
    if view.headline.policy is None:
        return []
    policy = view.folder.policies[view.headline.policy]
    last = (view.judged.exit_taken == view.exits - 1).all()
    if not last or view.headline.policy == view.point.policy:
        return []
    cost = -view.at(view.headline)["saving_with_heads"]
    # It names shot groups in backquotes.
    why = re.sub(r"`(\w+)`", r"\1-shot classes", policy.get("said") or "")
    return [
        f"No image leaves early by the default policy {view.headline.policy}: "
        f"every image passes all exits, which costs {percent(cost)} more than "
        "the backbone alone."
        + (f" The sweep says: {why}." if why else "")
        + " What this page shows by exit is therefore drawn at "
        f"{view.point.said} (s = {view.point.written})."
    ]


def _expensive(view):
    """What to use where policies cost more than the whole backbone."""
    static = (view.folder.policy or {}).get("model", {}).get("static", {})
    # A run without a test split was swept on validation alone.
    there = next(
        (name for name in ("test", "validation") if name in static), ""
    )
    split = view.scored.shown if view.scored else there
    if split not in static:
        return []
    policies = view.folder.policies.items()
    found = {name: at[split] for name, at in policies if at.get(split)}
    said = sentences.dearer(found, static[split]["accuracy"], split)
    return [f"{said[0].upper()}{said[1:]}."] if said else []


def _unguarded(view):
    """Policies whose budget left no choice but to risk a shot group."""
    found = {
        name: policy["group_losses"]
        for name, policy in view.folder.policies.items()
        if policy.get("guard_kept") is False
    }
    if not found:
        return []
    guard = policy_rules.Guard(**view.folder.policy["guard"])
    risks = []
    for name, losses in found.items():
        group = max(losses, key=lambda each: losses[each]["bound"])
        lost = points(losses[group]["bound"])
        risks.append(f"{name} ({shot(group)} classes may lose {lost} points)")
    return [
        "Not guarded, because their budget leaves no other choice: "
        f"{', '.join(risks)}. The guard allows a loss of "
        f"{100 * guard.tolerance:g} points, with {100 * guard.confidence:g} % "
        "confidence."
    ]


def _unpaid(view):
    rows = statistics.worth_of_exits(
        view.seen, view.scored.scorer, view.point.thresholds
    )
    return [
        f"Exit {row['exit']} does not pay: {percent(row['share'])} of the "
        "images leave there, and without this exit an image would cost "
        f"{percent(-row['saved'])} of the backbone less; accuracy "
        f"{_would(-row['accuracy_gain'])}."
        for row in rows
        if not row["pays"]
    ]


def _splits(view):
    """That validation and test differ by more than chance."""
    found = comparison.splits(view)
    if found is None or found.agree:
        return []
    kind = (
        "validation is the easier one (the epoch was chosen on it)"
        if found.apart > 0
        else "test is the easier one"
    )
    return [
        "Validation and test differ by more than the choice of images "
        f"explains, {kind}: {found.numbers}."
    ]


def _few_images(view):
    classes = len(view.class_names)
    counts = np.bincount(view.seen.labels, minlength=classes)
    few = [view.class_names[c] for c in np.flatnonzero(counts < _FEW)]
    if not few:
        return []
    shown = ", ".join(few[:_NAMED]) + ", …" * (len(few) > _NAMED)
    return [
        f"Fewer than {_FEW} {view.scored.shown} images in {len(few)} of "
        f"{classes} classes: their own scores say little ({shown})."
    ]


def _would(value):
    said = comparison.signed(value)
    return f"would change by {said}" if said else "would not change"
