"""The first table that a reader sees, from recorded results.

python -m experiments.headline            writes it into its pages
python -m experiments.headline --check    fails where one is out of date

Pairs of full length on CIFAR-10 LT, and the comparison on groceries; what each
row leaves out is in FINDINGS.md and docs/reference/results.md.
"""

import dataclasses

from benchmarks.photos import table as photos_table
from benchmarks.photos import units
from elf_keras import runs
from experiments import full_length, sibling_policies, tables

MARK = "headline"
PAGES = tables.CHECKOUT / "README.md", tables.CHECKOUT / "docs" / "index.md"
PHOTOS = "groceries, 43 classes, from ImageNet weights"
COLUMNS = ("data", "model", "accuracy, %", "compute, %")
POLICIES = ("macs_75", "macs_50")
METHODS = {
    units.PROBE_ROW: "linear probe: a linear classifier on their features",
    units.ACCURATE_ROW: "early exits, policy `accurate`",
    units.BUDGET_ROW: "early exits, at most 70 % of the compute",
}


@dataclasses.dataclass(frozen=True)
class Pair:
    """A network without early exits, and one with them, trained alike.

    Attributes:
      data: what the table says of data and training.
      short: what a picture's legend says of the training.
      bare: its runs' name but for their seeds.
      early: likewise, with early exits.
    """

    data: str
    short: str
    bare: str
    early: str

    def bare_accuracies(self, results: list[dict]) -> list[float]:
        """Return those of the network without early exits, seed by seed."""
        return [
            result["metrics"]["test"]["last"]["static"]["accuracy"]
            for result in results
            if result["name"] in _seeds(self.bare)
        ]

    def early_points(self) -> list[list[dict]]:
        """Return what early exits score by each policy, seed by seed."""
        rows = runs.read_json(sibling_policies.RECORD)["rows"]
        found = {(row["model"], row["policy"]): row for row in rows}
        made = [n for n in _seeds(self.early) if (n, POLICIES[0]) in found]
        return [[found[name, policy] for name in made] for policy in POLICIES]

    @property
    def curves(self) -> dict[str, dict]:
        """Their accuracies over all exit thresholds, seed by seed."""
        found = runs.read_json(sibling_policies.RECORD)["curves"]
        return {n: found[n] for n in _seeds(self.early) if n in found}


# The README leads with the first.
PAIRS = (
    Pair(
        "CIFAR-10 with a long tail, balanced softmax, AutoAugment",
        "balanced softmax, AutoAugment",
        "full_best_single",
        "full_best_sum",
    ),
    Pair(
        "CIFAR-10 with a long tail, LDAM",
        "LDAM",
        full_length.BACKBONE,
        "full_sum_ldam_drw",
    ),
)


def table(results: list[dict]) -> str:
    """Return the table as Markdown."""
    rows = [*_cifar(results), *_photos(photos_table.load())]
    return tables.markdown(COLUMNS, rows)


def _cifar(results):
    mark = "**"
    for pair in PAIRS:
        rows = []
        if bare := pair.bare_accuracies(results):
            rows.append(["without early exits", tables.spread(bare), "100"])
        for found in filter(None, pair.early_points()):
            accuracy = tables.spread([each["accuracy"] for each in found])
            spent = tables.spread([1 - each["saving"] for each in found])
            cells = (f"{mark}{each}{mark}" for each in (accuracy, spent))
            rows.append(["with three early exits", *cells])
            mark = ""
        for number, cells in enumerate(rows):
            yield ["" if number else pair.data, *cells]


def _photos(records):
    found = [unit["scores"] for unit in records if unit["set"] == "groceries"]
    for number, (row, words) in enumerate(METHODS.items()):
        scores = [each[row] for each in found if row in each]
        accuracy, spent = (
            tables.spread([each[key] for each in scores])
            for key in ("accuracy", "macs")
        )
        yield ["" if number else PHOTOS, words, accuracy, spent]


def _seeds(name):
    return [f"{name}_seed{seed}" for seed in full_length.SEEDS]


if __name__ == "__main__":
    for page in PAGES:
        tables.publish(page, MARK, table, "experiments.headline")
