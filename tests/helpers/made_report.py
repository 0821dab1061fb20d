"""Runs whose answers are made up, as a report looks at them."""

import json
import pathlib

import numpy as np

from elf_keras import runs
from elf_keras.data import long_tail, splits
from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.reports import run_folder, run_view
from elf_keras.reports.charts import style

MACS = np.array([40, 60, 100, 140, 190])
HEADS = 10


def costs(exits):
    """Costs to the exits; every early head costs the same."""
    bare = MACS[:exits]
    heads = HEADS * np.minimum(np.arange(1, exits + 1), exits - 1)
    return multiply_adds.ExitCosts(bare + heads, bare, int(bare[-1]))


def made(labels, classes, exits, seed=0):
    """Answers that get better and surer from exit to exit."""
    random = np.random.default_rng(seed)
    shape = (len(labels), exits)
    skill = random.random((len(labels), 1)) + 0.15 * np.arange(exits)
    right = skill + 0.3 * random.random(shape) > 0.7
    others = (labels[:, None] + random.integers(1, classes, shape)) % classes
    confidence = (0.35 * skill + 0.4 * random.random(shape)).clip(0.05, 0.99)
    confidence = confidence.astype("float32")
    return answers.Answers(
        labels=labels,
        classes=np.where(right, labels[:, None], others).astype("int32"),
        certainty=confidence,
        probability=confidence,
        mean_classes=labels,
        of_truth=np.where(right, confidence, 0.3 * (1 - confidence)),
        calibrated=confidence**1.2,
    )


def scored(counts, *, images, exits, seed=0, validation=True):
    """Answers on balanced test images, and on validation."""
    classes = len(counts)
    scorer = Scorer(
        classes=classes,
        shot_groups=long_tail.shot_groups(counts),
        costs=costs(exits),
        thresholds=ExitThresholds.shared(0.6, exits),
    )
    test = np.repeat(np.arange(classes), images).astype("int32")
    np.random.default_rng(9).shuffle(test)
    parts = {"test": made(test, classes, exits, seed)}
    if validation:
        labels = np.repeat(np.arange(classes), np.maximum(counts // 10, 1))
        parts["validation"] = made(labels.astype("int32"), classes, exits, 5)
    return run_view.Scored(scorer, parts, np.linspace(1.5, 0.8, exits))


def view(path, *, counts=(300, 120, 60, 30, 12, 6), exits=3, **options):
    """A run: its folder with flags, records and history, and its answers."""
    counts = np.asarray(counts)
    extras = options.pop("extras", {})
    found = scored(counts, exits=exits, **{"images": 20, **options})
    names = tuple(f"class {c}" for c in range(len(counts)))
    folder(path, names, counts, found, seed=options.get("seed", 0), **extras)
    labels = found.splits["test"].labels
    pixels = np.random.default_rng(0).integers(
        0, 256, (len(labels), 8, 8, 3), "uint8"
    )
    return run_view.RunView(
        run_folder.read(path),
        names,
        counts,
        found,
        splits.Examples(
            pixels, labels, tuple(f"{k}.png" for k in range(len(labels)))
        ),
    )


def folder(path, names, counts, found, *, seed=0, flags=()):
    """Write what a training leaves that a report reads."""
    path.mkdir(parents=True)
    exits = len(found.scorer.costs.with_heads)
    words = ["--dataset=digits_lt", "--epochs=4", f"--seed={seed}"]
    words += ["--class_weighting=effective_number", "--reweight_epoch=2"]
    (path / runs.FLAGS).write_text("\n".join([*words, *flags]) + "\n")
    runs.write_json(
        path / runs.RECORD,
        {
            "data": {
                "class_names": names,
                "class_counts": counts,
                "images": {"test": len(found.splits["test"].labels)},
            },
            "model": {
                "parameters": 1234,
                "exits": [
                    {"exit": k + 1, "tap": f"tap_{k + 1}", "macs": int(cost)}
                    | {"macs_without_heads": int(MACS[k])}
                    for k, cost in enumerate(found.scorer.costs.with_heads)
                ],
            },
            "seed": seed,
            "versions": {"numpy": np.__version__},
        },
    )
    runs.write_json(path / runs.METRICS, metrics(found, exits))
    runs.write_csv(path / "history.csv", history(exits))


def metrics(found, exits):
    """The content of metrics.json."""
    losses = {
        "loss": [0.1 * 4**k for k in range(exits)],
        "shares": [1 / exits] * exits,
        "increasing": True,
    }
    record = {
        split: {
            which: {"epoch": 3, **found.scorer.score(seen)}
            for which in ("best", "last")
        }
        for split, seen in found.splits.items()
    }
    record["train"] = {"last": {"epoch": 4, "loss_by_exit": losses}}
    return record


def history(exits, epochs=4):
    """Rows of history.csv; the learning rate falls at the third epoch."""
    return [
        {
            "epoch": epoch,
            "loss": 5.0 / epoch,
            "learning_rate": 0.1 if epoch < 3 else 0.01,
            **{f"exit_{k + 1}_accuracy": 0.2 * epoch for k in range(exits)},
            **{f"exit_{k + 1}_share": 1 / exits for k in range(exits)},
            **{
                f"validation_exit_{k + 1}_accuracy": 0.19 * epoch
                for k in range(exits)
            },
        }
        for epoch in range(1, epochs + 1)
    ]


def policy(limits):
    """policy.json of one policy, `accurate`, with these thresholds."""
    scores = {"accuracy": 0.9, "macs": 90.0, "saving": 0.1}
    scores["exit_shares"] = [1 / (len(limits) + 1)] * (len(limits) + 1)
    entry = {
        "rule": {"kind": "shared", "unit": None, "limit": None},
        "thresholds": limits,
        "validation": scores,
        "test": scores,
    }
    return {
        "format": 1,
        "model": {"exits": len(limits) + 1},
        "guard": {"tolerance": 0.05, "confidence": 0.9},
        "default_policy": "accurate",
        "policies": {"accurate": entry},
    }


def undrawn(monkeypatch):
    """Charts keep what they tell; drawing them takes most of a page's time."""

    def told(figure, **facts):
        return style.Chart(svg=b"<?xml", png=b"\x89PNG", **facts)

    monkeypatch.setattr(style, "drawn", told)


def write_json(path: pathlib.Path, record) -> None:
    """Write a record as it is, damaged or not."""
    path.write_text(record if isinstance(record, str) else json.dumps(record))
