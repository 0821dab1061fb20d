"""The first table that a reader sees, from recorded results.

python -m experiments.headline            writes it into its pages
python -m experiments.headline --check    fails where one is out of date

The pair of full length on CIFAR-10 LT, and the comparison on groceries; what
each row leaves out is in FINDINGS.md and docs/reference/results.md.
"""

from benchmarks.photos import table as photos_table
from benchmarks.photos import units
from elf_keras import runs
from experiments import full_length, sibling_policies, tables

MARK = "headline"
PAGES = tables.CHECKOUT / "README.md", tables.CHECKOUT / "docs" / "index.md"
CIFAR = "CIFAR-10 with a long tail, 200 epochs"
PHOTOS = "groceries, 43 classes, from ImageNet weights"
COLUMNS = ("data", "model", "accuracy, %", "compute, %")
# The network with early exits, and the policies of its shorter siblings.
EARLY = [f"full_sum_ldam_drw_seed{seed}" for seed in full_length.SEEDS]
POLICIES = ("macs_75", "macs_50")
METHODS = {
    units.PROBE_ROW: "linear probe: a linear classifier on the same features",
    units.ACCURATE_ROW: "early exits, policy `accurate`",
    units.BUDGET_ROW: "early exits, at most 70 % of the compute",
}


def table(results: list[dict]) -> str:
    """Return the table as Markdown."""
    rows = [*_cifar(results), *_photos(photos_table.load())]
    return tables.markdown(COLUMNS, rows)


def early_points() -> list[list[dict]]:
    """Return what early exits score by each chosen policy, seed by seed."""
    rows = runs.read_json(sibling_policies.RECORD)["rows"]
    found = {(row["model"], row["policy"]): row for row in rows}
    return [[found[name, policy] for name in EARLY] for policy in POLICIES]


def bare_accuracies(results: list[dict]) -> list[float]:
    """Return accuracies of the network without early exits, seed by seed."""
    names = [f"{full_length.BACKBONE}_seed{n}" for n in full_length.SEEDS]
    return [
        result["metrics"]["test"]["last"]["static"]["accuracy"]
        for result in results
        if result["name"] in names
    ]


def _cifar(results):
    bare = tables.spread(bare_accuracies(results))
    yield [CIFAR, "without early exits", bare, "100"]
    for number, found in enumerate(early_points()):
        accuracy = tables.spread([each["accuracy"] for each in found])
        spent = tables.spread([1 - each["saving"] for each in found])
        # The README leads with the first.
        mark = "" if number else "**"
        cells = (f"{mark}{each}{mark}" for each in (accuracy, spent))
        yield ["", "with three early exits", *cells]


def _photos(records):
    found = [unit["scores"] for unit in records if unit["set"] == "groceries"]
    for number, (row, words) in enumerate(METHODS.items()):
        scores = [each[row] for each in found if row in each]
        accuracy, spent = (
            tables.spread([each[key] for each in scores])
            for key in ("accuracy", "macs")
        )
        yield ["" if number else PHOTOS, words, accuracy, spent]


if __name__ == "__main__":
    for page in PAGES:
        tables.publish(page, MARK, table, "experiments.headline")
