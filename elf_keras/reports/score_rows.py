"""The results of all runs as rows; seeds of one recipe share a row."""

import collections
import json
import os

import numpy as np

from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.reports.run_folder import RunFolder

# Flags that say where and how a run was made, not what it is.
_INCIDENTAL = (
    *("seed", "workdir", "data_dir", "list_dir", "labels", "strategy"),
    *("images_on", "logger"),
)
ACCURACIES = ("accuracy", "many", "medium", "few")
SAVINGS = ("saving_with_heads", "saving_without_heads")


def groups(found: list[RunFolder]) -> list[list[RunFolder]]:
    """Runs that differ by seed only, together, in the order given.

    They have equal classes and test images, and on the page leave by one exit
    rule; what is cut for validation may differ by seed. A seed that comes again
    is no further one: it begins another group.
    """
    known, seeds = {}, collections.Counter()
    for run in found:
        recipe = {**run.flags, **dict.fromkeys(_INCIDENTAL)}
        recipe["rule of the page"] = run.rule.shown
        test = (run.data.get("images") or {}).get("test")
        images = run.data.get("class_counts"), test
        recipe["images"] = json.dumps(images, sort_keys=True)
        again = (frozenset(recipe.items()), run.flags.get("seed"))
        recipe["times"] = seeds[again]
        seeds[again] += 1
        known.setdefault(frozenset(recipe.items()), []).append(run)
    return list(known.values())


def rows(found: list[RunFolder]) -> list[dict]:
    """Rows of the results table, means over seeds.

    Returns:
      For each group of runs, epoch (`best`, `last`) and mode (`static`,
      `dynamic`, `mean_of_exits`, or a policy's name): `run`, a name that no
      other group has, `seeds`, `split`, `epoch`, `mode`, `exit_threshold` as
      text, and for each score its mean and, as `…_spread`, half the range over
      seeds (None for one seed).
    """
    found = groups(found)
    named = zip(names(found), found, strict=True)
    return [row for name, group in named for row in _of_group(name, group)]


def names(found: list[list[RunFolder]]) -> list[str]:
    """A name for each group of runs, what theirs share where that tells it."""
    every = [[run.name for run in group] for group in found]
    shared = [common(group) for group in every]
    return [
        " + ".join(group) if shared.count(name) > 1 else name
        for name, group in zip(shared, every, strict=True)
    ]


def _of_group(name, group):
    scored = [run for run in group if run.metrics]
    if not scored:
        return
    split = "test" if "test" in scored[0].metrics else "validation"
    shared = {
        "run": name,
        "seeds": ", ".join(run.flags.get("seed", "?") for run in scored),
        "split": split,
    }
    for epoch in ("best", "last"):
        parts = [run.metrics.get(split, {}).get(epoch) for run in scored]
        if not all(parts):
            continue
        same = {part["epoch"] for part in parts}
        told = f"{epoch} ({same.pop()})" if len(same) == 1 else epoch
        exits = len(parts[0]["exits"])
        for mode in ("static", "dynamic", "mean_of_exits"):
            if mode != "static" and (exits == 1 or mode not in parts[0]):
                continue
            scores = [part[mode] for part in parts]
            s = scores[0].get("exit_threshold")
            if s is not None:
                s = ExitThresholds.of_scores(s, exits).prose()
            row = {"epoch": told, "mode": mode, "exit_threshold": s or ""}
            yield {**shared, **row, **_means(scores)}
    yield from _policies(shared, scored, split)


def _policies(shared, scored, split):
    """Policies that every run of the group has, scored on the same split."""
    for name in scored[0].policies:
        of_runs = [run.policies.get(name) for run in scored]
        if name == "all_exits" or not all(p and p.get(split) for p in of_runs):
            continue
        scores = [
            {
                **policy[split],
                "saving_with_heads": policy[split]["saving"],
                "saving_without_heads": _bare_saving(run, policy[split]),
            }
            for run, policy in zip(scored, of_runs, strict=True)
        ]
        epoch = "best" if "best" in scored[0].metrics[split] else "last"
        s = ExitThresholds.of(of_runs[0]["thresholds"]).prose()
        s = s if len(of_runs) == 1 else "by seed"
        row = {"epoch": epoch, "mode": name, "exit_threshold": s}
        yield {**shared, **row, **_means(scores)}


def _bare_saving(run, scores):
    if not run.exits:
        return None
    bare = [row["macs_without_heads"] for row in run.exits]
    return 1 - float(np.dot(scores["exit_shares"], bare)) / bare[-1]


def _means(scores):
    found = {}
    for key in (*ACCURACIES, *SAVINGS, "macs"):
        values = [each.get(key) for each in scores]
        if any(value is None for value in values):
            found |= {key: None, f"{key}_spread": None}
            continue
        spread = (max(values) - min(values)) / 2 if len(values) > 1 else None
        found |= {key: float(np.mean(values)), f"{key}_spread": spread}
    return found


def common(runs: list[str]) -> str:
    """What names of siblings share: har_seed0 and har_seed1 are har."""
    if len(runs) == 1:
        return runs[0]
    text = os.path.commonprefix(runs).rstrip("0123456789")
    text = text.removesuffix("seed").rstrip("_-. ")
    return text or " + ".join(runs)
