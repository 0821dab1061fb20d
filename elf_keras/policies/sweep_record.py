"""What a sweep writes: curve.json and policy.json (see `policy_file`)."""

import dataclasses

import keras
import numpy as np

from elf_keras import runs
from elf_keras.data import splits
from elf_keras.evaluation import answers, calibration, stage_times
from elf_keras.evaluation.scorer import Scorer
from elf_keras.policies import policy_file, policy_rules, sentences, trade_off


def answers_of(
    model: keras.Model, data: splits.Splits, scorer: Scorer
) -> tuple[dict[str, answers.Answers], calibration.Temperatures]:
    """Run a model once over validation and, if there is one, test.

    Returns answers by split, and temperatures fitted on validation.
    """
    weights = scorer.weights(data.validation.labels)
    validation, temperatures = answers.with_temperatures(
        model, data.validation, weights, scorer.rule
    )
    found = {"validation": validation}
    if data.test is not None:
        found["test"] = answers.collect(model, data.test, scorer.rule)
    return found, temperatures


def curves(
    done: trade_off.Sweep,
    grid: dict[str, float],
    times: stage_times.StageTimes,
) -> dict:
    """Return curve.json: thinned lines, marks, and the two kinds compared."""
    comparison, gain = trade_off.compared(done), done.offers.gain
    return {
        **runs.environment(),
        **done.scorer.rule.told,
        "backbone_macs": int(done.scorer.costs.backbone),
        "static_milliseconds": times.static,
        "stage_milliseconds": times.stages,
        "milliseconds_from": times.source,
        "splits": trade_off.pictured(done, grid),
        "shared_and_per_exit": comparison,
        "held_out": gain and dataclasses.asdict(gain),
        "verdict": sentences.verdict(gain, comparison),
    }


def policies_of(
    done: trade_off.Sweep,
    plan: policy_rules.PolicyPlan,
    picture: dict,
    temperatures: calibration.Temperatures,
) -> dict:
    """Return policy.json but for seed and checksum; `picture` of `curves`."""
    return {
        "format": policy_file.FORMAT,
        **runs.environment(),
        "model": _model(done, picture),
        "chosen_on": _chosen_on(done),
        **done.scorer.rule.told,
        "guard": dataclasses.asdict(plan.guard),
        "deployment_prior": done.scorer.means_over,
        **temperatures.told,
        "default_policy": policy_rules.ACCURATE,
        "policies": {
            name: _policy(done, choice) for name, choice in done.choices.items()
        },
        "left_out": done.left_out,
        "verdict": picture["verdict"],
    }


def _model(done, picture):
    times = "static_milliseconds", "stage_milliseconds", "milliseconds_from"
    costs, static = done.scorer.costs, done.scorer.static
    return {
        "exits": len(costs.with_heads),
        "classes": done.scorer.classes,
        "score_scale": done.scorer.rule.scale,
        "macs": costs.with_heads,
        "backbone_macs": int(costs.backbone),
        "static": {name: static(found) for name, found in done.splits.items()},
        **{key: picture[key] for key in times},
    }


def _chosen_on(done):
    labels = done.splits["validation"].labels
    sizes = np.bincount(labels, minlength=done.scorer.classes)
    groups = done.scorer.shot_groups
    return {
        "split": "validation",
        "images": len(labels),
        "images_by_shot_group": {
            name: int(sizes[mask].sum()) for name, mask in groups.items()
        },
        "smallest_class": int(sizes.min()),
    }


def _policy(done, choice):
    scores = {
        split: done.point(split, choice.thresholds) for split in done.splits
    }
    return {
        "rule": choice.rule.told,
        "thresholds": choice.thresholds.to_json(),
        "guard_kept": choice.kept,
        "group_losses": choice.losses,
        "said": choice.said,
        **scores,
        "test": scores.get("test"),
    }
