"""Models of full length by every exit rule, answer and correction.

python -m experiments.kept_models --score   runs those of experiments/models
python -m experiments.kept_models           writes the table into FINDINGS.md
python -m experiments.kept_models --check   fails where it is out of date

They learned from all training images, so nothing can be chosen on validation:
of each curve on test, the point is taken that spends as much of a budget as it
can. That compares rules at equal cost; it is no score of a threshold.
"""

import argparse
import dataclasses
import itertools
import pathlib
import sys
from collections.abc import Callable

import numpy as np

from elf_keras import choices, models, runs
from elf_keras.cli import model_from_flags, workdir
from elf_keras.data import Request, load
from elf_keras.evaluation import answers, prediction
from elf_keras.training.prior_correction import Correction
from experiments import exit_rules, tables

FOLDER = pathlib.Path(__file__).parent
RECORD, MARK = FOLDER / "kept_models.json", "kept_models"
# A plain rule, and the one that the last table favours.
RULES = ("confidence", "depth_confidence")
# None, and what had helped a run of 30 epochs before.
TAUS = (0.0, 0.5)
BUDGETS = (0.75, 0.5, 0.25)
COLUMNS = (
    *("model", "τ", "exit rule", "all exits"),
    *(f"{100 * (1 - budget):.0f} % saved" for budget in BUDGETS),
)


def table(record: dict) -> str:
    """Return the table as Markdown."""
    rows = [
        [
            f"`{each['model']}`",
            f"{each['tau']:g}",
            each["rule"],
            tables.spread([each["all_exits"]]),
            *(tables.spread([accuracy]) for accuracy in each["accuracy"]),
        ]
        for each in record["rows"]
    ]
    return tables.markdown(COLUMNS, rows)


def within(curve, budget: float, backbone: float) -> float:
    """Accuracy of the most expensive point of a curve within a budget.

    Args:
      curve: a `cost_curve.Curve`.
      budget: share of the backbone's MACs, heads counted.
      backbone: these MACs.
    """
    fits = np.flatnonzero(curve.cost <= budget * backbone)
    return float(curve.accuracy[fits[curve.cost[fits].argmax()]])


def opened(name: str, data_dir: pathlib.Path) -> tuple | None:
    """Return a kept model, its data and its scorer; None with validation.

    Then its sweep has chosen; and the model is that of another epoch.
    """
    run = runs.read_json(FOLDER / "results" / f"{name}.json")["run"]
    given = workdir.parsed([f"--workdir={FOLDER}", *run["flags"]])
    if given.validation_fraction:
        return None
    request = Request(data_dir, validation_fraction=0, seed=given.seed)
    data = load(given.dataset, request)
    model = models.load(FOLDER / "models" / f"{name}.keras")
    return model, data, model_from_flags.scorer(model, data, given)


def score(name: str, data_dir: pathlib.Path) -> list[dict]:
    """Score a kept model by each rule and τ; a record a row.

    Of one exit nobody leaves early: only corrections are compared.
    """
    found, kept = [], opened(name, data_dir)
    if kept is None:
        return found
    model, data, scorer = kept
    several = models.exits(model) > 1
    rules = [
        dataclasses.replace(scorer.rule, exit_rule=rule, answer=answer)
        for answer, rule in itertools.product(choices.ANSWERS, RULES)
        if several or (answer, rule) == (choices.ANSWERS[0], RULES[0])
    ]
    for tau in TAUS:
        corrected, _ = Correction((tau,)).applied(model, data, scorer)
        parts = prediction.logit_parts(corrected, data.test)
        each = answers.of_rules(parts, data.test.labels, rules)
        for rule, got in zip(rules, each, strict=True):
            found.append(_row(name, tau, rule, got, scorer))
    return found


def _row(name, tau, rule, got, scorer):
    curve, weights = scorer.curve(got), scorer.weights(got.labels)
    several = got.correct.shape[1] > 1
    return {
        "model": name,
        "tau": tau,
        "rule": rule.shown,
        "all_exits": float(weights @ got.correct[:, -1]),
        "accuracy": [
            within(curve, budget, scorer.costs.backbone) if several else None
            for budget in BUDGETS
        ],
    }


def run_command(
    description: str,
    score_all: Callable,
    record: pathlib.Path,
    publish: Callable,
) -> None:
    """Run the command of a table: with `--score`, its record is made anew.

    Args:
      description: what its help says.
      score_all: `(data_dir)` -> what the record is to hold.
      record: its file.
      publish: takes its content, and writes or checks the table of it.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--score", action="store_true")
    parser.add_argument(
        "--data_dir", type=pathlib.Path, default=pathlib.Path("../shared/data")
    )
    options, rest = parser.parse_known_args()
    if options.score:
        found = score_all(options.data_dir)
        runs.write_json(record, {**runs.environment(), **found})
    sys.argv[1:] = rest
    publish(runs.read_json(record))


def score_all(data_dir: pathlib.Path) -> dict:
    """Score every kept model; return what the record holds."""
    kept = sorted((FOLDER / "models").glob("*.keras"))
    found = [score(path.stem, data_dir) for path in kept]
    return {"rows": [row for each in found for row in each]}


def _publish(record):
    made, module = table(record), "experiments.kept_models"
    tables.publish(exit_rules.FINDINGS, MARK, lambda _: made, module)


if __name__ == "__main__":
    run_command(__doc__, score_all, RECORD, _publish)
