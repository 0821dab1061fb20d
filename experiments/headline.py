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
# The network with early exits, and the policies of its shorter sibling.
EARLY = "full_sum_ldam_drw_seed0"
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


def early_points() -> list[dict]:
    """Return what the early exits score by the policies that were chosen."""
    rows = runs.read_json(sibling_policies.RECORD)["rows"]
    found = {(row["model"], row["policy"]): row for row in rows}
    return [found[EARLY, policy] for policy in POLICIES]


def bare_accuracy(results: list[dict]) -> float:
    """Return the accuracy of the network without early exits, seed 0."""
    name = f"{full_length.BACKBONE}_seed0"
    (bare,) = [result for result in results if result["name"] == name]
    return bare["metrics"]["test"]["last"]["static"]["accuracy"]


def _cifar(results):
    bare = tables.spread([bare_accuracy(results)])
    yield [CIFAR, "without early exits", bare, "100"]
    for number, found in enumerate(early_points()):
        accuracy, spent = (
            tables.spread([each])
            for each in (found["accuracy"], 1 - found["saving"])
        )
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
