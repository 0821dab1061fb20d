"""One export: every artefact asked for, its manifest, and its parity."""

import dataclasses
import pathlib
from collections.abc import Callable

import keras
import numpy as np

from elf_keras import models, runs
from elf_keras.data import splits
from elf_keras.deploy import chains, manifest, parity, scoring
from elf_keras.evaluation import answers, calibration, prediction, stage_times
from elf_keras.evaluation.scorer import Scorer
from elf_keras.runs import progress

# Images that set the ranges of int8, and that parity is checked on.
RANGE_IMAGES, PARITY_IMAGES = 200, 200


@dataclasses.dataclass(frozen=True, eq=False)
class _Source:
    """The model as it is exported, and what it says itself."""

    model: keras.Model  # in float32
    answers: answers.Answers  # on the split that chooses thresholds
    fitted: calibration.Temperatures
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
    judge, steps = _judge(data, scorer, plan), progress.Steps(tell)
    source = _source(models.in_float32(model), judge)
    steps.ended("model run over validation, temperatures chosen")
    reported_on = judge.reported_on
    manifest.write_samples(folder / "samples", reported_on, scorer.classes)
    record = _facts(data, judge, source, plan)
    record["labels"] = manifest.write_labels(folder, data.class_names)
    made = _Made(folder, plan, judge, source, steps, record)
    made.scored(made.timed_chains(data.train))
    made.compared()
    if plan.chain_only:
        record["variants"] = chains.without_others(folder, record["variants"])
        record["checksums"] = manifest.checksums(folder)
    record["peak_memory_bytes"] = runs.peak_memory()
    runs.write_json(folder / manifest.NAME, record)
    return record


@dataclasses.dataclass(frozen=True, eq=False)
class _Made:
    """An export while it is made; `record` becomes its manifest."""

    folder: pathlib.Path
    plan: chains.ExportPlan
    judge: manifest.Judge
    source: _Source
    steps: progress.Steps
    record: dict

    def timed_chains(self, train: splits.Examples) -> dict:
        """Write the files of all variants; return them by name, timed."""
        if not self.plan.variants:
            return {}
        rows = _spread_over(len(train), RANGE_IMAGES)
        images, rule = np.asarray(train.images[rows]), self.judge.scorer.rule
        model, plan, steps = self.source.model, self.plan, self.steps
        chains.write(self.folder, model, images, plan, steps, rule)
        few = self.judge.reported_on.images
        return chains.timed(self.folder, few, plan, steps)

    def scored(self, timed: dict) -> None:
        """Score the chains, and beside that write and compare the SavedModel.

        To write it is Python on one core; runtimes need none.
        """
        served = "saved_model" in self.plan.formats
        times = _stage_times(self.source, self.judge) if served else None
        with scoring.Scoring() as threads:
            begun = chains.begun(timed, self.judge, threads)
            self.record.update(saved_model=None, variants={}, parity=[])
            if served:
                self._saved_model(times)
            self.record["variants"] = chains.measured(
                timed, begun, self.judge, self.plan, self.steps
            )

    def _saved_model(self, times):
        from elf_keras.deploy import parity_runs, saved_model, serving

        source, judge, record = self.source, self.judge, self.record
        reported_on = answers.collect(
            source.model, judge.reported_on, judge.scorer.rule
        )
        chosen = judge.choose(source.answers, reported_on, times)
        record["saved_model"] = {"folder": ".", **chosen}
        known, reference = serving.of_manifest(record), source.reference
        saved_model.save(source.model, self.folder, known)
        saved_model.write_warm_up(self.folder, self.plan.name, reference, known)
        self.steps.ended("saved_model written and scored")
        record["parity"] = parity_runs.of_saved_model(
            self.folder, reference, known
        )
        self.steps.ended("saved_model compared with the model")

    def compared(self) -> None:
        """Compare the chains with the model, as they are run: by a manifest."""
        record, reference = self.record, self.source.reference
        record["checksums"] = manifest.checksums(self.folder)
        runs.write_json(self.folder / manifest.NAME, record)
        rows = record.pop("parity")
        for name in self.plan.variants:
            from elf_keras.deploy import parity_runs

            rows += parity_runs.of_chain(self.folder, name, reference)
            self.steps.ended(f"{name} compared with the model")
        record["parity_at"] = {
            "thresholds": reference.thresholds.to_json(),
            "exit_shares": reference.shares,
        }
        record["parity"] = rows


def _judge(data, scorer, plan):
    chosen_on = data.validation or data.train
    reported_on = _some(data.test or chosen_on, plan)
    reported_as = "test" if data.test else "the split that chose"
    images = chosen_on, reported_on, reported_as
    return manifest.Judge(scorer, *images, plan.policies, plan.chain_only)


def _some(examples, plan):
    count = plan.score_images or len(examples)
    order = np.random.default_rng(plan.seed).permutation(len(examples))
    return examples.take(np.sort(order[:count]))


def _source(model, judge):
    examples, rule = judge.chosen_on, judge.scorer.rule
    weights = judge.scorer.weights(examples.labels)
    found, fitted = answers.with_temperatures(model, examples, weights, rule)
    part = examples.take(_spread_over(len(examples), PARITY_IMAGES))
    logits = prediction.predict_logits(model, part)
    reference = parity.Reference(
        np.asarray(part.images), logits, parity.spread(logits, rule), rule
    )
    return _Source(model, found, fitted, reference)


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
        "exits": manifest.exits(costs, source.fitted.temperatures),
        "static_temperature": source.fitted.static_temperature,
        "backbone_macs": int(costs.backbone),
        "chosen_on": "validation" if data.validation else "train",
        "reported_on": {
            "split": judge.reported_as,
            "images": len(judge.reported_on),
        },
        "guard": guard and dataclasses.asdict(guard),
        "deployment_prior": judge.scorer.means_over,
        "default_policy": plan.default_policy,
    }


def _stage_times(source, judge):
    """Milliseconds of the SavedModel's stages, where a budget is one of time.

    Those of the model's stages as graphs, as a sweep measures them.
    """
    if not any(rule.unit == "ms" for rule in judge.rules.rules):
        return None
    few = np.asarray(judge.reported_on.images[: stage_times.ROUNDS])
    return stage_times.measure(source.model, few).stages
