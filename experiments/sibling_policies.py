"""Models of full length, at thresholds that shorter siblings chose.

python -m experiments.sibling_policies --score  runs the kept models
python -m experiments.sibling_policies          writes the table to FINDINGS.md
python -m experiments.sibling_policies --check  fails where it is out of date

A model of full length learned from all training images. Its sibling is the
same training with a validation split, shorter with LDAM and as long with
`best`. The correction τ (with LDAM) and the thresholds of running sums are
chosen there, and used as they are.
"""

import dataclasses
import pathlib

from elf_keras import runs
from elf_keras.cli import answer_from_flags, workdir
from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import CURVE_POINTS
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.training import prior_correction
from experiments import exit_rules, kept_models, planned_runs, tables

RECORD = kept_models.FOLDER / "sibling_policies.json"
MARK = "sibling_policies"
POLICIES = ("all_exits", "accurate", "macs_75", "macs_50", "macs_25")
COLUMNS = (
    *("model", "τ", "policy of the sibling", "test accuracy"),
    *("many / medium", "saving", "share leaving at each exit"),
)


def siblings() -> dict[str, str]:
    """Return kept model -> sibling, of those of which both were made."""
    models = kept_models.FOLDER / "models"
    return {
        name: sibling
        for name, sibling in planned_runs.siblings().items()
        if (models / f"{name}.keras").exists()
        and (tables.RESULTS / f"{sibling}.json").exists()
    }


def table(record: dict) -> str:
    """Return the table as Markdown."""
    rows = []
    for each in record["rows"]:
        shares = ", ".join(f"{100 * s:.0f} %" for s in each["exit_shares"])
        groups = (tables.spread([each[name]]) for name in ("many", "medium"))
        cells = [f"`{each['model']}`", f"{each['tau']:g}"]
        cells += [f"`{each['policy']}`", tables.spread([each["accuracy"]])]
        cells += [" / ".join(groups), tables.spread([each["saving"]]), shares]
        rows.append(cells)
    return tables.markdown(COLUMNS, rows)


def score(name: str, sibling: str, data_dir: pathlib.Path) -> tuple:
    """Score a kept model by its sibling's policies.

    Returns:
      a record a row, and the curve over all thresholds, for pictures.
    """
    chosen = runs.read_json(tables.RESULTS / f"{sibling}.json")
    given = workdir.parsed(
        [f"--workdir={kept_models.FOLDER}", *chosen["run"]["flags"]]
    )
    model, data, scorer = kept_models.opened(name, data_dir)
    rule = answer_from_flags.rule(given)
    scorer = dataclasses.replace(scorer, rule=rule)
    tau = _tau(chosen)
    correction = prior_correction.Correction((tau,))
    corrected, _ = correction.applied(model, data, scorer)
    found = answers.collect(corrected, data.test, rule)
    about = {"model": name, "sibling": sibling, "rule": rule.shown, "tau": tau}
    rows = []
    for policy in POLICIES:
        early = chosen["policy"]["policies"][policy]["thresholds"]
        got = scorer.dynamic(found, ExitThresholds.of(early))
        rows.append(about | {"policy": policy} | _kept(got))
    return rows, scorer.line(scorer.curve(found), CURVE_POINTS)


def _tau(chosen):
    """What was chosen for the model that the sibling's sweep looked at."""
    scores = chosen["metrics"]["train"]
    found = scores.get("best", scores["last"]).get(prior_correction.KEY)
    # With running sums all exits have one τ.
    return found["exits"][0]["tau"] if found else 0.0


def _kept(got):
    names = ("accuracy", "many", "medium", "exit_shares")
    kept = {name: got[name] for name in names}
    kept["exit_shares"] = [float(share) for share in got["exit_shares"]]
    return kept | {"saving": got["saving_with_heads"]}


def score_all(data_dir: pathlib.Path) -> dict:
    """Score every pair that was made; return what the record holds."""
    found = {
        name: score(name, sibling, data_dir)
        for name, sibling in siblings().items()
    }
    return {
        "rows": [row for rows, _ in found.values() for row in rows],
        "curves": {name: curve for name, (_, curve) in found.items()},
    }


def _publish(record):
    made, module = table(record), "experiments.sibling_policies"
    tables.publish(exit_rules.FINDINGS, MARK, lambda _: made, module)


if __name__ == "__main__":
    kept_models.run_command(__doc__, score_all, RECORD, _publish)
