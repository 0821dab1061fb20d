"""The runs of a threshold search side by side (HAR, Table I; ELF, Figure 7)."""

import operator

from elf_keras.exits import answer_rule

_STATIC = ("accuracy", "many", "medium", "few")
_POLICY = "accurate"


def rows(records: dict[str, dict]) -> list[dict]:
    """Return a row a run, of how t is written -> the run's policy.json.

    `t`, `chosen`, `exit_rule` of the policies, and for each split the static
    model's accuracies, and accuracy and saving of the policy `accurate`. Chosen
    is the highest static accuracy on validation, of equals the larger saving
    there.
    """
    found = [{"t": text, **_scores(record)} for text, record in records.items()]
    judged = operator.itemgetter(
        "validation_static_accuracy", "validation_saving"
    )
    best = max(found, key=judged)
    return [{**row, "chosen": row is best} for row in found]


def lines(curves: dict[str, dict], chosen: str) -> dict[str, dict[str, dict]]:
    """Return what `charts.sweeps` draws of t -> curve.json; one is chosen."""
    found = {}
    for text, curve in curves.items():
        for split, part in curve["splits"].items():
            marks = part["papers_grid"].values()
            found.setdefault(split, {})[text] = {
                "macs": _shares(curve, part["shared"]["macs"]),
                "accuracy": part["shared"]["accuracy"],
                "static": part["static"]["accuracy"],
                "marks": {
                    "macs": _shares(curve, [at["macs"] for at in marks]),
                    "accuracy": [at["accuracy"] for at in marks],
                },
                "chosen": text == chosen,
            }
    return found


def _scores(record):
    row = {"exit_rule": answer_rule.of_record(record).shown}
    for split, static in record["model"]["static"].items():
        policy = record["policies"][_POLICY][split]
        for name in _STATIC:
            row[f"{split}_static_{name}"] = static.get(name)
        row[f"{split}_accuracy"] = policy["accuracy"]
        row[f"{split}_saving"] = policy["saving"]
    return row


def _shares(curve, macs):
    return [value / curve["backbone_macs"] for value in macs]
