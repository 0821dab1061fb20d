"""The weights before the first epoch, against which training is measured.

With pretrained features a training can end worse than it began, above all
with few images. An epoch replaces the start where validation is better, and
not below the linear probe that the start's last exit is.
"""

import pathlib

import keras
import numpy as np

from elf_keras import runs
from elf_keras.errors import InputError
from elf_keras.evaluation import paired
from elf_keras.evaluation.scorer import Scorer
from elf_keras.training import checkpoint_files

_FILE = pathlib.Path("checkpoints") / "exits_first.weights.h5"
# Differences that are none but for rounding.
_EQUAL = 1e-9


def keep(folder: pathlib.Path, model: keras.Model) -> None:
    """Write the model's weights into the folder of its run."""
    path = folder / _FILE
    size = checkpoint_files.size(model)
    with runs.replacing(path, size=size) as temporary:
        _bare(model).save_weights(temporary)


def are_kept(folder: pathlib.Path) -> bool:
    """Whether there are such weights."""
    return (folder / _FILE).exists()


def check(folder: pathlib.Path) -> None:
    """Refuse a run that began so, and has lost them.

    Raises:
      InputError: without the file.
    """
    if not are_kept(folder):
        raise InputError(
            f"{folder / _FILE} is missing, with which training is compared at "
            "its end; restore it, or train again in a new --workdir"
        )


def load(folder: pathlib.Path, model: keras.Model) -> None:
    """Load them.

    Raises:
      InputError: where the file was damaged since.
    """
    try:
        _bare(model).load_weights(folder / _FILE)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder / _FILE} is damaged ({error}); train again in a new "
            "--workdir"
        ) from error


def _bare(model):
    """The same layers without the optimizer, whose state is not kept."""
    return keras.Model(model.inputs[0], model.output)


def beaten(found: dict, first: dict, scorer: Scorer) -> bool:
    """Whether an epoch is better on validation than the start.

    By the mean over exits of what they answer, which tells models apart with
    fewer images than one exit does. It need not be surely better: a few hundred
    images can seldom say so, even where test is clear. But exits that gained
    much must not hide a loss: after the last one, by its own logits or by their
    sum, it is right at least as often as the bare backbone of the start.

    Args:
      found: answers by split, of an epoch.
      first: answers by split, of the weights before the first epoch.
      scorer: weighs the classes.
    """
    now, before = found["validation"], first["validation"]
    exits = now.correct.mean(axis=1), before.correct.mean(axis=1)
    weights = scorer.weights(now.labels)
    lead, _ = paired.lead(*exits, weights)
    probe = before.static_classes == before.labels
    whole = now.correct[:, -1], now.static_classes == now.labels
    behind = min(paired.lead(probe, each, weights)[0] for each in whole)
    return lead > _EQUAL and behind < _EQUAL


def sentence(record: dict) -> str:
    """Tell what became of the start, by the content of metrics.json."""
    found = record.get("validation")
    if found is None:
        return (
            "note: without validation images nothing tells whether training "
            "is better than its start; the last epoch is kept"
        )
    first, best = found["first"], found["best"]
    start, probe = _mean(first), first["static"]["accuracy"]
    if not best["epoch"]:
        return (
            "training is not kept: on validation it is not better than its "
            f"start (mean over exits {100 * start:.1f} %, last exit "
            f"{100 * probe:.1f} %), so model.keras is that (epoch 0)"
        )
    last = max(best["static"]["accuracy"], best["exits"][-1]["accuracy"])
    return (
        "training is kept: on validation it is better than its start (mean "
        f"over exits {100 * start:.1f} → {100 * _mean(best):.1f} %, after the "
        f"last exit {100 * probe:.1f} → {100 * last:.1f} %)"
    )


def _mean(scores):
    """What `beaten` compares first, of recorded scores."""
    return np.mean([each["accuracy"] for each in scores["exits"]])
