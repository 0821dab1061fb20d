"""Runs whose answers are made up, as a report looks at them."""

import dataclasses

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
COUNTS = (300, 120, 60, 30, 12, 6)


def costs(exits):
    """Costs to the exits; every early head costs the same."""
    bare = MACS[:exits]
    heads = 10 * np.minimum(np.arange(1, exits + 1), exits - 1)
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
    behind = random.integers(1, classes, shape)
    return answers.Answers(
        labels=labels,
        classes=np.where(right, labels[:, None], others).astype("int32"),
        certainty=confidence,
        probability=confidence,
        mean_classes=labels,
        of_truth=np.where(right, confidence, 0.3 * (1 - confidence)),
        calibrated=confidence**1.2,
        rank=np.where(right, 0, behind),
    )


def scored(counts, *, images, exits, seed=0):
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
    labels = np.repeat(np.arange(classes), np.maximum(counts // 10, 1))
    parts["validation"] = made(labels.astype("int32"), classes, exits, 5)
    return run_view.Scored(scorer, parts, np.linspace(1.5, 0.8, exits))


def view(path, *, counts=COUNTS, exits=3, images=20, seed=0, flags=()):
    """A run: its folder with flags, records and history, and its answers."""
    counts = np.asarray(counts)
    found = scored(counts, images=images, exits=exits, seed=seed)
    names = tuple(f"class {c}" for c in range(len(counts)))
    folder(path, names, counts, found, seed=seed, flags=flags)
    labels = found.splits["test"].labels
    shape = (len(labels), 8, 8, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    files = tuple(f"{k}.png" for k in range(len(labels)))
    examples = splits.Examples(pixels, labels, files)
    read = run_folder.read(path)
    return run_view.RunView(read, names, counts, found, examples)


def folder(path, names, counts, found, *, seed=0, flags=()):
    """Write what a training leaves that a report reads."""
    path.mkdir(parents=True)
    exits = len(found.scorer.costs.with_heads)
    words = ["--dataset=digits_lt", "--epochs=4", f"--seed={seed}"]
    words += ["--class_weighting=effective_number", "--reweight_epoch=2"]
    (path / runs.FLAGS).write_text("\n".join([*words, *flags]) + "\n")
    data = {"class_names": names, "class_counts": counts}
    data["images"] = {"test": len(found.splits["test"].labels)}
    told = [
        {"exit": k + 1, "tap": f"tap_{k + 1}", "macs": int(cost)}
        | {"macs_without_heads": int(MACS[k])}
        for k, cost in enumerate(found.scorer.costs.with_heads)
    ]
    model = {"parameters": 1234, "exits": told}
    record = {"data": data, "model": model, "seed": seed}
    record["versions"] = {"numpy": np.__version__}
    runs.write_json(path / runs.RECORD, record)
    runs.write_json(path / runs.METRICS, metrics(found, exits))
    runs.write_csv(path / "history.csv", history(exits))


def of_flags(path, words):
    """A run that has left nothing but its flags."""
    path.mkdir()
    (path / runs.FLAGS).write_text("\n".join(words.split()) + "\n")
    return run_folder.read(path)


def metrics(found, exits):
    """The content of metrics.json."""
    losses = {"loss": [0.1 * 4**k for k in range(exits)], "increasing": True}
    losses["shares"] = [1 / exits] * exits
    record = {"train": {"last": {"epoch": 4, "loss_by_exit": losses}}}
    for split, seen in found.splits.items():
        scores = {"epoch": 3, **found.scorer.score(seen)}
        record[split] = {"best": scores, "last": scores}
    return record


def history(exits, epochs=4):
    """Rows of history.csv; the learning rate falls at the third epoch."""
    rows, names = [], [f"exit_{k + 1}" for k in range(exits)]
    for epoch in range(1, epochs + 1):
        rate = 0.1 if epoch < 3 else 0.01
        row = {"epoch": epoch, "loss": 5.0 / epoch, "learning_rate": rate}
        row |= {f"{name}_accuracy": 0.2 * epoch for name in names}
        row |= {f"{name}_share": 1 / exits for name in names}
        row |= {f"validation_{name}_accuracy": 0.19 * epoch for name in names}
        rows.append(row)
    return rows


def swept(view, limits, more=(), **told):
    """The view with a policy.json of one policy, `accurate`, at thresholds.

    `more` policies by name; `told` is what else the file has.
    """
    exits = len(limits) + 1
    scores = {"accuracy": 0.9, "macs": 90.0, "saving": 0.1}
    scores["exit_shares"] = [1 / exits] * exits
    rule = {"kind": "shared", "unit": None, "limit": None}
    entry = {"rule": rule, "validation": scores, "test": scores}
    record = {
        "format": 1,
        "model": {"exits": exits},
        "guard": {"tolerance": 0.05, "confidence": 0.9},
        "default_policy": "accurate",
        "policies": {"accurate": {**entry, "thresholds": limits}, **dict(more)},
    } | told
    runs.write_json(view.folder.path / "policy.json", record)
    folder = run_folder.read(view.folder.path)
    return dataclasses.replace(view, folder=folder)


def undrawn(monkeypatch):
    """Charts keep what they tell; drawing them takes most of a page's time."""
    monkeypatch.setattr(style, "written", lambda *_, **__: b"")
