"""One export: every artefact asked for, its manifest, and its parity."""

import dataclasses
import pathlib
from collections.abc import Callable

import keras
import numpy as np

from elf_keras import models, runs
from elf_keras.data import splits
from elf_keras.deploy import chains, manifest, parity
from elf_keras.evaluation import answers, prediction, stage_times
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import answer_rule
from elf_keras.runs import progress

# Images that set the ranges of int8, and that parity is checked on.
RANGE_IMAGES, PARITY_IMAGES = 200, 200


@dataclasses.dataclass(frozen=True, eq=False)
class _Source:
    """The model as it is exported, and what it says itself."""

    model: keras.Model  # in float32
    answers: answers.Answers  # on the split that chooses thresholds
    temperatures: np.ndarray  # of what each exit answers by, `(exits,)`
    static_temperature: float  # of the last exit's own logits
    reference: parity.Reference  # what every artefact is compared with


def write(
    folder: pathlib.Path,
    model: keras.Model,
    data: splits.Splits,
    scorer: Scorer,
    plan: chains.ExportPlan,
    tell: Callable[[str], None] = lambda line: None,
) -> dict:
    """Write an export into an empty folder; return its manifest.

    `tell` gets a line for each step, when it has ended.

    Without validation split, training images choose thresholds and
    temperatures. What is half-made when something fails is the caller's to
    remove.
    """
    chosen_on = data.validation or data.train
    reported_on = _some(data.test or chosen_on, plan)
    reported_as = "test" if data.test else "the split that chose"
    judge = manifest.Judge(
        scorer, chosen_on, reported_on, reported_as, plan.policies
    )
    steps = progress.Steps(tell)
    source = _source(models.in_float32(model), judge)
    steps.ended("model run over validation, temperatures chosen")
    manifest.write_samples(folder / "samples", reported_on, scorer.classes)
    record = _facts(data, judge, source, plan)
    record["labels"] = manifest.write_labels(folder, data.class_names)
    record |= {
        "saved_model": _saved_model(folder, source, judge, plan, record),
    }
    if record["saved_model"]:
        steps.ended("saved_model written and scored")
    record["variants"] = {}
    if plan.variants:
        rows = _spread_over(len(data.train), RANGE_IMAGES)
        images = np.asarray(data.train.images[rows])
        rule = scorer.rule
        chains.write(folder, source.model, images, plan, steps, rule)
        record["variants"] = chains.measured(folder, judge, plan, steps)
    # The chain is run by its manifest, hence before parity is known.
    record |= {"parity": [], "checksums": manifest.checksums(folder)}
    runs.write_json(folder / manifest.NAME, record)
    record |= _parity(folder, source.reference, plan, record, steps)
    if plan.chain_only:
        record["variants"] = chains.without_others(folder, record["variants"])
        record["checksums"] = manifest.checksums(folder)
    runs.write_json(folder / manifest.NAME, record)
    return record


def _some(examples, plan):
    count = plan.score_images or len(examples)
    order = np.random.default_rng(plan.seed).permutation(len(examples))
    return examples.take(np.sort(order[:count]))


def _source(model, judge):
    examples, rule = judge.chosen_on, judge.scorer.rule
    weights = judge.scorer.weights(examples.labels)
    found, temperatures = answers.with_temperatures(
        model, examples, weights, rule
    )
    own = temperatures
    if rule.answer != answer_rule.OWN:
        alone = dataclasses.replace(rule, answer=answer_rule.OWN)
        _, own = answers.with_temperatures(model, examples, weights, alone)
    part = examples.take(_spread_over(len(examples), PARITY_IMAGES))
    logits = prediction.predict_logits(model, part)
    reference = parity.Reference(
        np.asarray(part.images), logits, parity.spread(logits, rule), rule
    )
    return _Source(model, found, temperatures, float(own[-1]), reference)


def _spread_over(images, most):
    """Rows from the first to the last: folders are read class by class."""
    count = min(images, most)
    return np.linspace(0, images - 1, count).round().astype(int)


def _facts(data, judge, source, plan):
    costs, guard = judge.scorer.costs, plan.policies.guard
    return {
        **manifest.leaving(judge.scorer.rule),
        "name": plan.name,
        **runs.environment(),
        "class_names": data.class_names,
        "input": manifest.image_input(data.image_shape, data.train.kept),
        "exits": manifest.exits(costs, source.temperatures),
        "static_temperature": source.static_temperature,
        "backbone_macs": int(costs.backbone),
        "chosen_on": "validation" if data.validation else "train",
        "reported_on": {
            "split": judge.reported_as,
            "images": len(judge.reported_on),
        },
        "guard": guard and dataclasses.asdict(guard),
        "default_policy": plan.default_policy,
    }


def _saved_model(folder, source, judge, plan, record):
    if "saved_model" not in plan.formats:
        return None
    from elf_keras.deploy import saved_model, serving

    reported_on = answers.collect(
        source.model, judge.reported_on, judge.scorer.rule
    )
    times = _stage_times(source, judge)
    chosen = judge.choose(source.answers, reported_on, times)
    told = {"folder": ".", **chosen}
    known = serving.of_manifest(record | {"saved_model": told})
    saved_model.save(source.model, folder, known)
    saved_model.write_warm_up(folder, plan.name, source.reference, known)
    return told


def _stage_times(source, judge):
    """Milliseconds of the SavedModel's stages, where a budget is one of time.

    Those of the model's stages as graphs, as a sweep measures them.
    """
    if not any(rule.unit == "ms" for rule in judge.rules.rules):
        return None
    few = np.asarray(judge.reported_on.images[: stage_times.ROUNDS])
    return stage_times.measure(source.model, few).stages


def _parity(folder, reference, plan, record, steps):
    from elf_keras.deploy import parity_runs, serving

    rows = []
    if "saved_model" in plan.formats:
        known = serving.of_manifest(record)
        rows += parity_runs.of_saved_model(folder, reference, known)
        steps.ended("saved_model compared with the model")
    for name in plan.variants:
        rows += parity_runs.of_chain(folder, name, reference)
        steps.ended(f"{name} compared with the model")
    return {
        "parity_at": {
            "thresholds": reference.thresholds.to_json(),
            "exit_shares": reference.shares,
        },
        "parity": rows,
    }
