"""Cost and payback of the exits, and how a run was made, as tables."""

import numpy as np

from elf_keras.reports import exit_worth, render
from elf_keras.reports.run_view import RunView
from elf_keras.reports.text import macs, percent, points

# Flags that name places on the machine that trained.
_PLACES = ("workdir", "data_dir", "list_dir", "weights", "flagfile")
_FACTS = {
    "seed": "seed",
    "git_revision": "git revision of the code",
    "machine": "machine",
    "processors": "processors",
    "devices": "devices",
    "python": "Python",
    "epochs": "epochs trained",
    "best_epoch": "best epoch on validation",
    "images_per_second": "images a second",
    "training_seconds": "training time, s",
    "peak_memory_bytes": "peak memory, bytes",
    "nondeterminism": "what may make it differ with the same seed",
}


def costs(view: RunView) -> str:
    """What each exit costs and pays back; HAR, Figure 8, as a table.

    Args:
      view: a run with early exits; without answers, what its training wrote.
    """
    if view.scored is None:
        return _recorded_costs(view)
    times = (view.folder.policy or {}).get("model", {})
    note = times.get("milliseconds_from")
    return (
        "<h3>What each exit costs and pays back</h3><p>Every image that comes "
        "by pays for the head of an exit; those that leave save the rest of "
        "the network. The last columns compare with the same model without "
        f"that exit, at s = {view.point.written}."
        + (f" Milliseconds: {render.text(note)}." if note else "")
        + "</p>"
        + render.table(
            [
                *("exit", "reads", "its head, multiply-adds"),
                *("cost to here, of the backbone", "stage, ms"),
                *("images that leave", "of these right"),
                *("multiply-adds saved", "accuracy added"),
            ],
            _cost_rows(view, times.get("stage_milliseconds")),
            caption="Cost and payback of the early exits",
            attributes='class="cost"',
        )
    )


def _cost_rows(view, milliseconds):
    costs = view.scored.scorer.costs
    rows = exit_worth.of_exits(
        view.seen.answers, view.scored.scorer, np.array(view.point.limits)
    )
    taps = [row["tap"] for row in view.folder.record["model"]["exits"]]
    stages = milliseconds or [None] * view.exits
    return [
        [
            f"exit {row['exit']}",
            f"<code>{render.text(tap)}</code>",
            macs(row["head_macs"]),
            percent(costs.with_heads[row["exit"] - 1] / costs.backbone),
            "–" if ms is None else f"{ms:.2g}",
            percent(row["share"]),
            percent(row["accuracy"]),
            ("pays, " if row["pays"] else "does not pay, ")
            + percent(row["saved"]),
            f"{points(row['accuracy_gain'])} points",
        ]
        for row, tap, ms in zip(rows, taps, stages, strict=False)
    ]


def _recorded_costs(view):
    scores = view.folder.scores("test") or view.folder.scores("validation")
    exits = view.folder.record["model"]["exits"]
    dynamic, backbone = scores["dynamic"], exits[-1]["macs_without_heads"]
    right = dynamic["accuracy_of_leavers"]
    lines = [
        [
            f"exit {k + 1}",
            f"<code>{render.text(row['tap'])}</code>",
            percent(row["macs"] / backbone),
            percent(scores["exits"][k]["accuracy"]),
            percent(dynamic["exit_shares"][k]),
            percent(right[k]),
        ]
        for k, row in enumerate(exits)
    ]
    return "<h3>What each exit costs and answers</h3>" + render.table(
        [
            *("exit", "reads", "cost to here, of the backbone"),
            *("right, if all left here", "images that leave", "of these right"),
        ],
        lines,
        caption=f"As recorded, at s = {view.point.written}",
        attributes='class="cost"',
    )


def facts(view: RunView) -> str:
    """Versions, seed, time and flags of a run, folded away.

    Args:
      view: the run.
    """
    record = view.folder.record or {}
    rows = [
        [render.text(title), render.text(_fact(record[key]))]
        for key, title in _FACTS.items()
        if record.get(key) is not None
    ]
    versions = record.get("versions") or {}
    rows += [
        [render.text(name), render.text(version)]
        for name, version in versions.items()
    ]
    model = record.get("model") or {}
    if "parameters" in model:
        rows.append(["parameters", f"{model['parameters']:,}"])
    rows += [
        [f"{split} images", f"{count:,}"]
        for split, count in record.get("data", {}).get("images", {}).items()
    ]
    flags = "\n".join(
        f"--{name}={value}"
        for name, value in sorted(view.folder.flags.items())
        if name not in _PLACES
    )
    table = render.table(["what", "value"], rows, caption="This run")
    return (
        "<details><summary>How it was made: versions, seed, time, flags"
        f"</summary>{table if rows else ''}"
        f"<pre>{render.text(flags)}</pre></details>"
    )


def _fact(value):
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return f"{value:,}" if isinstance(value, int) else value
