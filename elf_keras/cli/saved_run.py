"""A model that a notebook trained, as the folder of a run."""

import pathlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np
from absl import flags

from elf_keras import choices, models, plugins, runs
from elf_keras.cli import data_from_flags, model_from_flags, workdir
from elf_keras.data import recorded, splits
from elf_keras.data.sources import arrays
from elf_keras.errors import InputError
from elf_keras.evaluation import score_model
from elf_keras.losses import objective as objectives
from elf_keras.models import removing
from elf_keras.runs import flagfiles
from elf_keras.training import manifold_mixup, resized_pass, run_record


def check_exits(model: keras.Model) -> None:
    """Refuse a model without named exits."""
    if not isinstance(model, models.MultiExitModel):
        raise InputError(
            f"{getattr(model, 'name', model)!r} is a {type(model).__name__} "
            "without named exits; expected a model of models.build"
        )


def words_of(model: keras.Model, recipe: Sequence[str]) -> list[str]:
    """Words of a command line that say what a model tells of itself.

    Raises:
      InputError: for a model without exits, and for a loss or a layer that
        commands cannot know.
    """
    check_exits(model)
    found, modules = [], dict.fromkeys(_modules_of_layers(model))
    known = model.name in plugins.names("backbone")
    found.append(f"--backbone={model.name if known else runs.MODEL}")
    objective = getattr(model, "objective", None)
    name = getattr(getattr(objective, "exit_loss", None), "name", None)
    if not any("exit_loss=" in word for word in recipe):
        _check_loss(objective, name)
    if name in plugins.LOSSES:
        modules[plugins.LOSSES[name].function.__module__] = f"loss {name!r}"
    if model.name in plugins.BACKBONES:
        own = plugins.BACKBONES[model.name].__module__
        modules[own] = f"backbone {model.name!r}"
    for module, what in modules.items():
        if module == "__main__":
            raise InputError(
                f"{what} is defined in the notebook itself, where commands "
                "cannot find it; put it into a module and import it from there"
            )
    found += [f"--plugin={module}" for module in modules]
    found += _of_objective(objective, name, models.exits(model))
    return [*found, *_of_pass(getattr(model, "training_pass", None))]


def _modules_of_layers(model):
    """Module of each custom layer, and what it is needed for."""
    found = {}
    for layer in model.layers:
        module = type(layer).__module__
        if module.partition(".")[0] not in ("keras", "elf_keras"):
            found[module] = f"the layer {type(layer).__name__}"
    return found


def _check_loss(objective, name):
    if objective is None:
        raise InputError(
            "the model is not compiled, so nothing tells its loss: compile it "
            'with a CumulativeLoss, or add recipe=["--exit_loss=ce"]'
        )
    if name is None:
        raise InputError(
            "the model's exit loss has no name that commands know: register it "
            "by plugins.loss in a module and take it by losses.exit_loss, or "
            'say which loss its scores are like, recipe=["--exit_loss=ce"]'
        )


def _of_objective(objective, name, exits) -> Iterator[str]:
    if objective is None:
        return
    if name:
        own, bound = name in choices.EXIT_LOSSES, objective.exit_loss
        yield f"--exit_loss={name}"
        for each, value in bound.parameters.items():
            flag = model_from_flags.LOSS_FLAGS[each] if own else each
            yield f"--{flag}={value}"
        if own and "weights" in bound.keywords:
            yield "--focal_weights=inside"
    leaves = np.isfinite(objective.train_threshold)
    yield f"--method={'single' if exits == 1 else 'har' if leaves else 'sum'}"
    if leaves:
        yield f"--train_threshold={float(objective.train_threshold)!r}"
    for key, function in objectives.NORMALIZATIONS.items():
        if function is objective.normalization:
            yield f"--loss_normalization={key}"


def _of_pass(training_pass) -> Iterator[str]:
    if isinstance(training_pass, removing.RemovingPass):
        yield "--leaving=removed"
    if isinstance(training_pass, resized_pass.ResizedPass):
        yield f"--training_size={training_pass.size}"
    if isinstance(training_pass, manifold_mixup.ManifoldMixup):
        yield f"--mixing={choices.MANIFOLD_MIXUP}"
        yield f"--mixup_alpha={training_pass.alpha}"


def history_rows(model: keras.Model, history) -> list[dict]:
    """Rows of history.csv, one an epoch, of what `fit` returned.

    Raises:
      InputError: where it is something else.
    """
    if history is None:
        return []
    rate = getattr(getattr(model, "optimizer", None), "learning_rate", np.nan)
    rows = []
    for each in history if isinstance(history, (list, tuple)) else [history]:
        logs = getattr(each, "history", each)
        if not isinstance(logs, dict) or "loss" not in logs:
            raise InputError(
                f"history is a {type(each).__name__}; expected what fit "
                "returned, or a list of these"
            )
        for number in range(len(logs["loss"])):
            row = {key: float(values[number]) for key, values in logs.items()}
            row.setdefault("learning_rate", _number(rate))
            rows.append({"epoch": len(rows) + 1, **row})
    if len({frozenset(row) for row in rows}) > 1:
        raise InputError(
            "the histories log different metrics; give those of calls of fit "
            "that log the same"
        )
    return rows


def _number(rate):
    """A learning rate where it is one number, else NaN."""
    try:
        return float(np.asarray(rate))
    except (TypeError, ValueError):
        return float("nan")


def check(model: keras.Model, data: splits.Splits) -> None:
    """Refuse a model that is of other images or classes than the data.

    Raises:
      InputError: saying both.
    """
    ours = *model.inputs[0].shape[1:], model.outputs[0].shape[-1]
    theirs = *data.image_shape, len(data.class_names)
    if tuple(ours) != tuple(theirs):
        raise InputError(
            f"the model is of images {ours[:3]} and {ours[3]} classes, the "
            f"data are of {theirs[:3]} and {theirs[3]}; expected the same"
        )


def write(
    folder: pathlib.Path,
    model: keras.Model,
    data: splits.Splits,
    given: flags.FlagValues,
    rows: list[dict],
) -> None:
    """Write a run's folder, and score the model that was saved there.

    Raises:
      InputError: where commands would not find the same model and data there.
    """
    folder.mkdir()
    flagfiles.write(folder / runs.FLAGS, workdir.resolved(given))
    recorded.write(folder, data)
    if given.dataset == "arrays":
        arrays.write(folder, data)
    models.save(model, folder / runs.MODEL)
    saved = models.load(folder / runs.MODEL)
    found = data_from_flags.of_run(folder, given)
    if found.image_shape != data.image_shape or any(
        len(found.parts.get(split, ())) != len(part)
        for split, part in data.parts.items()
    ):
        raise InputError(
            "the data are not those that the flags find: expected the same "
            f"images in each split, of --dataset={given.dataset}"
        )
    runs.write_csv(folder / "history.csv", rows)
    runs.write_json(
        folder / runs.RECORD,
        {
            **runs.environment(),
            "flags": [*map(flagfiles.line, workdir.resolved(given))],
            "data": recorded.facts(data),
            "model": run_record.model_facts(saved),
            "seed": given.seed,
            "epochs": len(rows),
        },
    )
    _score(folder, saved, found, given, getattr(model, "objective", None))


def _score(folder, model, data, given, objective):
    """Write metrics.json and per_class.csv; the last epoch's, of no best."""
    scorer = model_from_flags.scorer(model, data, given)
    if objective and not np.isfinite(objective.train_threshold):
        objective = None
    scores, answers = score_model.score_model(model, data, scorer, objective)
    if "test" in answers:
        rows = score_model.per_class_rows(
            data, answers["test"], scorer.thresholds
        )
        runs.write_csv(folder / "per_class.csv", rows)
    epoch = {"epoch": given.epochs}
    runs.write_json(
        folder / runs.METRICS,
        {split: {"last": epoch | each} for split, each in scores.items()},
    )
