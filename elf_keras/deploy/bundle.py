"""One export: every artefact asked for, its manifest, and its parity."""

import dataclasses
import pathlib

import keras
import numpy as np

from elf_keras import models, runs
from elf_keras.choices import TFLITE_VARIANTS
from elf_keras.data import splits
from elf_keras.deploy import manifest, parity, sample_set
from elf_keras.evaluation import answers, calibration, prediction
from elf_keras.evaluation.scorer import Scorer
from elf_keras.policies import policy_rules

# Images that set the ranges of int8, and that parity is checked on.
RANGE_IMAGES, PARITY_IMAGES = 200, 200


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to export.

    Attributes:
      name: of the export, as a server knows it.
      formats: of `EXPORT_FORMATS`.
      score_images: test images that each variant's scores are measured on,
        0 for all.
      seed: of their choice.
      policies: rules that every variant's thresholds are chosen by.
      default_policy: one of their names.
    """

    name: str
    formats: tuple[str, ...]
    score_images: int
    seed: int
    policies: policy_rules.PolicyPlan = policy_rules.DEFAULT
    default_policy: str = policy_rules.ACCURATE


def write(
    folder: pathlib.Path,
    model: keras.Model,
    data: splits.Splits,
    scorer: Scorer,
    plan: Plan,
) -> dict:
    """Write an export into a new folder.

    Args:
      folder: empty; what is half-made when something fails is the caller's
        to remove.
      model: trained, of any precision.
      data: the run's splits; without validation, training images choose
        thresholds and temperatures.
      scorer: of the run.
      plan: what to export.

    Returns:
      The manifest, as written.
    """
    exported = models.in_float32(model)
    chosen_on = data.validation or data.train
    reported_on = _some(data.test or chosen_on, plan)
    fit = calibration.TemperatureFit(
        len(scorer.costs.with_heads), scale=scorer.scale
    )
    weights = scorer.weights(chosen_on.labels)
    found = answers.collect(exported, chosen_on, fit=fit, weights=weights)
    temperatures = fit.temperatures()
    reference = _reference(exported, chosen_on)
    record = _facts(data, scorer, plan, temperatures, reported_on)
    if "saved_model" in plan.formats:
        _saved_model(folder, exported, plan, temperatures, reference)
        scored = manifest.Scored(found, answers.collect(exported, reported_on))
        record["saved_model"] = {
            "folder": "saved_model",
            "policies": manifest.policies_of(
                scored, scorer, plan=plan.policies
            ),
        }
    sample_set.write(folder / "samples", reported_on, scorer.classes)
    variants = [name for name in TFLITE_VARIANTS if name in plan.formats]
    if variants:
        record["variants"] = _tflite(
            folder, exported, data, scorer, plan, reported_on
        )
    record["checksums"] = manifest.checksums(folder)
    runs.write_json(folder / manifest.NAME, record)
    record["parity_at"] = {
        "thresholds": reference.thresholds,
        "exit_shares": reference.shares,
    }
    record["parity"] = _parity(folder, plan, variants, reference)
    runs.write_json(folder / manifest.NAME, record)
    return record


def _some(examples, plan):
    count = plan.score_images or len(examples)
    order = np.random.default_rng(plan.seed).permutation(len(examples))
    return examples.take(np.sort(order[:count]))


def _reference(model, examples):
    part = examples.take(_spread_over(len(examples), PARITY_IMAGES))
    scores = prediction.predict_scores(model, part)
    pixels = np.asarray(part.images)
    return parity.Reference(pixels, scores, parity.spread(scores))


def _spread_over(images, most):
    """Rows from the first to the last: folders are read class by class."""
    count = min(images, most)
    return np.linspace(0, images - 1, count).round().astype(int)


def _facts(data, scorer, plan, temperatures, reported_on):
    return {
        "format": manifest.FORMAT,
        "name": plan.name,
        **runs.environment(),
        "class_names": data.class_names,
        "input": manifest.image_input(data.image_shape),
        "exits": manifest.exits(scorer.costs, temperatures),
        "backbone_macs": int(scorer.costs.backbone),
        "chosen_on": "validation" if data.validation else "train",
        "reported_on": {
            "split": "test" if data.test else "the split that chose",
            "images": len(reported_on),
        },
        "default_policy": plan.default_policy,
        "saved_model": None,
        "variants": {},
        "parity": [],
    }


def _saved_model(folder, model, plan, temperatures, reference):
    from elf_keras.deploy import saved_model, warm_up

    place = folder / "saved_model"
    saved_model.save(model, place, temperatures=temperatures)
    # The first image that leaves at each exit.
    exits = reference.exits
    rows = [int(np.argmax(exits == number)) for number in np.unique(exits)]
    warm_up.write(
        place, plan.name, reference.images[rows], reference.thresholds
    )


def _tflite(folder, model, data, scorer, plan, reported_on):
    from elf_keras.deploy import tflite_chain, tflite_record

    variants = [name for name in TFLITE_VARIANTS if name in plan.formats]
    rows = _spread_over(len(data.train), RANGE_IMAGES)
    tflite_chain.write(
        model,
        folder / "tflite",
        variants=variants,
        images=np.asarray(data.train.images[rows]),
        with_single_file="single_file" in plan.formats,
    )
    return {
        name: tflite_record.variant(
            folder,
            name,
            scorer=scorer,
            chosen_on=data.validation or data.train,
            reported_on=reported_on,
            plan=plan.policies,
        )
        for name in variants
    }


def _parity(folder, plan, variants, reference):
    from elf_keras.deploy import parity_runs

    rows = []
    if "saved_model" in plan.formats:
        rows += parity_runs.of_saved_model(folder / "saved_model", reference)
    for name in variants:
        rows += parity_runs.of_tflite(folder, name, reference)
    return rows
