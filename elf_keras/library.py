"""What a notebook needs beside `models`, `losses` and Keras' own `fit`.

`save_run` makes a trained model the folder of a run, which `evaluate`,
`sweep`, `report`, `export` and `predict` take; `delayed_reweighting` is a
callback; `predict_early` stops early for real. docs/how-to/library.md shows
them in use.
"""

import pathlib
import tempfile
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from elf_keras import data as sources
from elf_keras import models, runs
from elf_keras.cli import data_from_flags, saved_run, workdir
from elf_keras.data import splits
from elf_keras.errors import InputError
from elf_keras.evaluation import prediction
from elf_keras.exits import certainty
from elf_keras.exits.answer_rule import ANSWERS, DECAY, OWN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.losses import CumulativeLoss
from elf_keras.runs import flagfiles
from elf_keras.training import callbacks


def save_run(
    folder: pathlib.Path | str,
    model: models.MultiExitModel,
    data: splits.Splits | Mapping[str, tuple] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    history: keras.callbacks.History | Sequence | None = None,
    recipe: Sequence[str] = (),
) -> pathlib.Path:
    """Write a model that `fit` trained as the folder of a run, and score it.

    Loss, parameters and train threshold are those that the model is compiled
    with. Arrays are kept in the folder, so that commands find them again.

    Args:
      folder: new, or empty.
      model: as `models.build` makes it, compiled with a `CumulativeLoss`.
      data: `Splits`, or for `train`, `validation`, `test` a tuple of images
        and labels, as `data.from_arrays` takes them; a tenth of training is
        cut for validation where there is none. None where `recipe` names a
        --dataset.
      class_names: in the order of the labels, for tuples.
      history: what `fit` returned, or a list of several.
      recipe: further words of a command line, such as `--dataset=folder` and
        `--data_dir=photos` where images are files; they win.

    Returns:
      The folder.

    Raises:
      InputError: where the folder holds files, or model, data and words do
        not fit together; nothing is written.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{folder} is there already, and is never overwritten; name a new "
            "folder"
        )
    rows = saved_run.history_rows(model, history)
    words = [*saved_run.words_of(model, recipe), f"--epochs={len(rows) or 1}"]
    words += [f"--workdir={folder}", *recipe]
    if data is None and not _has(flagfiles.expanded(recipe), "dataset"):
        raise InputError(
            "no data were given: name what the model was trained on, as data, "
            'or by recipe=["--dataset=folder", "--data_dir=photos"]'
        )
    if data is not None and not _has(recipe, "dataset"):
        words.append("--dataset=arrays")
    given = workdir.parsed(words)
    data = _splits(data, class_names, given)
    saved_run.check(model, data)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=folder.parent, prefix=runs.WRITING
    ) as place:
        made = pathlib.Path(place, folder.name)
        saved_run.write(made, model, data, given, rows)
        made.replace(folder)
    return folder


def delayed_reweighting(
    loss: CumulativeLoss, class_weights: np.ndarray, *, from_epoch: int
) -> keras.callbacks.Callback:
    """Weigh classes from an epoch on: w = 1 before it; a callback of `fit`.

    Args:
      loss: that the model is compiled with.
      class_weights: w, `(classes,)`, such as
        `losses.class_weights.effective_number(class_counts)`.
      from_epoch: zero-based; HAR uses 160 of 200.

    Raises:
      InputError: for another loss or number of weights, a weight that is not
        above 0, an epoch below 0.

    Reference: Cao et al. 2019 (LDAM), Sec. 3.3; HAR, Sec. IV-A.
    """
    if not isinstance(loss, CumulativeLoss) or from_epoch < 0:
        raise InputError(
            f"loss {getattr(loss, 'name', loss)!r} from epoch {from_epoch} on: "
            "expected a CumulativeLoss, and an epoch from 0 on"
        )
    weights = np.asarray(class_weights, "float32")
    classes = loss.class_weights.shape[0]
    if weights.shape != (classes,) or not (weights > 0).all():
        raise InputError(
            f"class weights {weights.shape}: expected a number above 0 for "
            f"each of {classes} classes"
        )
    ones = np.ones_like(weights)
    return callbacks.EpochValue(
        loss.class_weights,
        lambda epoch: weights if epoch >= from_epoch else ones,
    )


def predict_early(
    model: models.MultiExitModel,
    images: np.ndarray,
    exit_threshold: float | Sequence[float] = 0.9,
    *,
    exit_rule: str = "confidence",
    scale: float = 1.0,
    answer: str = OWN,
    answer_decay: float = DECAY,
    batch_size: int = 64,
) -> prediction.Prediction:
    """Classify images; each leaves at the first exit that is sure enough.

    Later stages are computed for the images that are left alone.

    Args:
      images: pixel values 0 to 255, `(images, height, width, channels)`.
      exit_threshold: s in (0, 1], one for all early exits or one for each; at
        1 nobody leaves. With LDAM confidence is that of raw cosines, a little
        above 1/C.
      exit_rule: a key of `exits.certainty.EXIT_RULES`.
      scale: σ, by which the loss multiplied logits: 30 with LDAM. Exit rules
        but confidence compare softmax(σ · logits).
      answer: by what an exit answers and is sure, its `own` logits or the
        `running` sum of those up to it.
      answer_decay: in [0, 1], how much a logit counts in that sum against the
        next exit's.
      batch_size: images that are computed at once.

    Returns:
      `classes`, `certainty` and `exit_taken` (from 0), each `(images,)`.

    Raises:
      InputError: for a model without exits, images of another shape,
        thresholds out of range, and an exit rule that is not known.
    """
    saved_run.check_exits(model)
    if exit_rule not in certainty.EXIT_RULES:
        raise InputError(
            f"exit_rule={exit_rule!r}: expected one of "
            f"{', '.join(certainty.EXIT_RULES)}"
        )
    shape = tuple(model.inputs[0].shape[1:])
    images = np.asarray(images)
    if batch_size < 1:
        raise InputError(f"batch_size={batch_size}: expected 1 or more")
    if images.shape[1:] != shape:
        height, width, channels = shape
        raise InputError(
            f"images {images.shape}: expected (images, {height}, {width}, "
            f"{channels})"
        )
    exits = models.exits(model)
    limits = np.atleast_1d(np.asarray(exit_threshold, float))
    inside = ((limits > 0) & (limits <= 1)).all()
    if limits.shape not in ((1,), (exits - 1,)) or not inside:
        raise InputError(
            f"exit_threshold={exit_threshold}: expected a number in (0, 1], or "
            f"one for each of {exits - 1} early exits"
        )
    limits = ExitThresholds.of(np.broadcast_to(limits, (exits - 1,)))
    if answer not in ANSWERS or not 0 <= answer_decay <= 1:
        raise InputError(
            f"answer={answer!r}, answer_decay={answer_decay}: expected one of "
            f"{', '.join(ANSWERS)}, and a number in [0, 1]"
        )
    rule = AnswerRule(
        scale, exit_rule, answer=answer, answer_decay=answer_decay
    )
    stages = models.stages(model)
    parts = [
        prediction.predict_dynamic(
            stages, images[start : start + batch_size], limits, rule
        )
        for start in range(0, max(len(images), 1), batch_size)
    ]
    return prediction.joined(parts)


def _has(words, name):
    return any(word.lstrip("-").partition("=")[0] == name for word in words)


def _splits(data, class_names, given):
    """The data as splits; of files, those that the flags find."""
    if data is None:
        return data_from_flags.splits(given)
    if not isinstance(data, splits.Splits):
        data = sources.from_arrays(data, class_names)
    if given.dataset == "arrays" and not _in_memory(data):
        raise InputError(
            "the images are files: say where commands find them again, such as "
            'recipe=["--dataset=folder", "--data_dir=photos"]'
        )
    return data


def _in_memory(data):
    return all(isinstance(p.images, np.ndarray) for p in data.parts.values())
