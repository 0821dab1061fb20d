"""What a report says in words: each sentence is computed from the run."""

import itertools

import numpy as np

from elf_keras.policies import policy_rules, sentences
from elf_keras.reports import class_scores, comparison, leavers, statistics
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import isolated, percent

_LOSERS = 3


def summary(view: RunView) -> list[str]:
    """What one run comes to, in a sentence or two."""
    if view.scored is None:
        return _recorded(view)
    return _bargain(view) if view.exits > 1 else [_bare(view)]


def of_run(view: RunView) -> list[str]:
    """Further findings of one run, the most useful first."""
    early, scored = view.exits > 1, view.scored is not None
    return [
        *(_budgets(view) if early else []),
        *(_rule(view) if early else []),
        *(_worth(view) if early and scored else []),
        *(_losers(view) if early else []),
        *([_early(view)] if early and scored else []),
        *(_classes(view) if scored else []),
        *_increasing(view),
        *(_splits(view) if scored else []),
        *_prior(view),
    ]


def _recorded(view):
    """The scores that the training wrote, where the model was not run."""
    if not (found := view.folder.recorded()):
        return []
    split, scores = found
    static, dynamic = scores["static"], scores["dynamic"]
    told = (
        f"Recorded by the training on {split}: {percent(static['accuracy'])} "
        "accuracy with the whole backbone."
    )
    if len(scores["exits"]) > 1:
        told += (
            f" With early leaving, {percent(dynamic['accuracy'])}, and "
            f"{_spent(dynamic['saving_with_heads'])}."
        )
    return [told]


def _bargain(view):
    """What the headline policy gives for what."""
    scores, split = view.at(view.headline), view.scored.shown
    told = [
        f"With the whole backbone and no exits, {split} accuracy is "
        f"{percent(view.static['accuracy'])}. With early leaving "
        f"({view.headline.said}, s = {view.headline.written}) it is "
        f"{percent(scores['accuracy'])}, and "
        f"{_spent(scores['saving_with_heads'])}."
    ]
    policy = view.folder.policies.get(view.headline.policy, {})
    if policy.get("guard_kept"):
        guard = policy_rules.Guard(**view.folder.policy["guard"])
        told.append(f'"Guarded" means: {sentences.guard(guard)}.')
    return told


def _spent(saving):
    """A saving of multiply-adds, heads counted, as a clause."""
    if saving < 0:
        return (
            f"it costs {percent(-saving)} more multiply-adds than the "
            "backbone alone, heads counted"
        )
    return f"{percent(saving)} of the multiply-adds are saved, heads counted"


def _budgets(view):
    """What is left of the accuracy at the budgets that validation chose."""
    split, parts = view.scored.shown if view.scored else "test", []
    for name, policy in view.folder.policies.items():
        rule, scores = policy["rule"], policy.get(split)
        kind = (rule["kind"], rule["unit"])
        if scores and kind == (policy_rules.SHARED, "macs"):
            parts.append(
                f"{percent(scores['accuracy'])} where validation spends at "
                f"most {percent(rule['limit'], 0)} of the multiply-adds "
                f"({name})"
            )
    return (
        [f"The same model at other budgets, on {split}: {', '.join(parts)}."]
        if parts
        else []
    )


def _rule(view):
    """By what images leave, where the training had another rule."""
    rule, own = view.folder.rule, view.folder.own_rule
    if rule.leaves_as(own):
        return []
    why = "which a sweep chose" if view.folder.policy else "as asked for"
    return [
        f"On this page images leave by {rule.shown}, {why}; the run was "
        f"trained with {own.shown}, by which the rows “dynamic” in the table "
        "of results were scored."
    ]


def _bare(view):
    mean, error = comparison.whole_backbone(view, view.scored.shown)
    return (
        "The model has a single exit, so no image can leave early. Its "
        f"accuracy on {view.scored.shown} is {percent(mean)}, "
        f"{comparison.margin(statistics.SURE * error)} by the choice of images."
    )


def _worth(view):
    rows = statistics.worth_of_exits(
        view.seen, view.scored.scorer, view.point.thresholds
    )
    # Those that do not pay are among the warnings.
    if not all(row["pays"] for row in rows):
        return []
    best = max(rows, key=lambda row: row["saved"])
    return [
        f"Every exit saves more than its head costs. Exit {best['exit']} "
        "saves the most: without it, an image would cost "
        f"{percent(best['saved'])} of the backbone's multiply-adds more."
    ]


def _losers(view):
    rows = leavers.changes(view)
    if not rows:
        return []
    rows = [row for row in rows if row["change"] < 0]
    if not rows:
        return ["No class loses accuracy by early leaving."]
    rows.sort(key=lambda row: row["change"])
    worst = ", ".join(
        f"{isolated(row['class'])} ({row['static_right']} → "
        f"{row['dynamic_right']} of "
        f"{row['images']} images correct; {row['training_images']} training "
        "images)"
        for row in rows[:_LOSERS]
    )
    many = f" (of {len(rows)} that lose)" if len(rows) > _LOSERS else ""
    return [
        f"Classes that lose most by early leaving{_at(view)}{many}: {worst}."
    ]


def _early(view):
    rows = leavers.composition(view, view.point.thresholds)
    parts = []
    for group in view.shot_groups:
        shares = [row["share"] for row in rows if row["group"] == group]
        if shares:
            parts.append(f"{percent(sum(shares[:-1]), 0)} of {group}-shot")
    scores = view.dynamic["accuracy_of_leavers"]
    text = f"{', '.join(parts)} images leave before the last exit"
    text += _at(view)
    if np.isnan(scores[[0, -1]]).any():
        return text + "."
    return (
        f"{text}. Of the answers at exit 1, {percent(scores[0], 0)} are "
        f"correct; of those at the last exit, {percent(scores[-1], 0)}."
    )


def _at(view):
    """At what, where that is not what the first sentence is about."""
    same = view.scored is None or view.point.policy == view.headline.policy
    return "" if same else f", by {view.point.name}"


def _classes(view):
    """Classes that the model hardly knows."""
    rows = [row for row in class_scores.per_class(view) if row["images"]]
    lost = [row["class"] for row in rows if not row["recall"]]
    if not lost:
        return []
    shown = ", ".join(map(isolated, lost[:_LOSERS])) + ", …" * (
        len(lost) > _LOSERS
    )
    return [f"Never recognised: {len(lost)} of {len(rows)} classes ({shown})."]


def _prior(view):
    weighted = view.folder.flags.get("deployment_prior") == "train"
    if view.scored is not None:
        # The command that made the page may have named another.
        weighted = view.scored.scorer.prior is not None
    if not weighted:
        return []
    return [
        "Accuracies are weighted by the classes' shares of the training images "
        "(--deployment_prior=train), also where this page calls them means "
        "over classes; where it compares runs or splits, all classes count "
        "alike."
    ]


def _increasing(view):
    part = view.folder.loss_by_exit()
    if part is None:
        return []
    numbered = enumerate(part["loss"], start=1)
    known = [(k, value) for k, value in numbered if value is not None]
    if len(known) < 2:
        return [
            "Whether training loss increases from exit to exit is unknown: "
            "training images leave at one exit only."
        ]
    values = ", ".join(f"{value:.2g} (exit {k})" for k, value in known)
    if part["increasing"]:
        return [
            "The increasing-loss property holds: training images that leave "
            f"later have added up more loss: {values}."
        ]
    falls = next(k for (_, a), (k, b) in itertools.pairwise(known) if b <= a)
    return [
        "The increasing-loss property does not hold: the loss of training "
        f"images that leave at exit {falls} is not above that of the exit "
        f"before; {values}."
    ]


def _splits(view):
    found = comparison.splits(view)
    # Where they disagree, that is a warning.
    if found is None or not found.agree:
        return []
    return [f"Validation and test agree within chance: {found.numbers}."]
