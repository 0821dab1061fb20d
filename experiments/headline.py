"""The first table that a reader sees, from recorded results.

python -m experiments.headline            writes it into its pages
python -m experiments.headline --check    fails where one is out of date

The pair of full length on CIFAR-10 LT, and the comparison on groceries; what
each row leaves out is in FINDINGS.md and docs/reference/results.md.
"""

from benchmarks.photos import table as photos_table
from benchmarks.photos import units
from experiments import full_length, tables

MARK = "headline"
PAGES = tables.CHECKOUT / "README.md", tables.CHECKOUT / "docs" / "index.md"
CIFAR = "CIFAR-10 with a long tail, 200 epochs"
PHOTOS = "groceries, 43 classes, from ImageNet weights"
COLUMNS = ("data", "model", "accuracy, %", "compute, %")
# The policy of the shorter sibling whose threshold the early exits take.
CHOSEN = "`accurate` of the sibling"
METHODS = {
    units.PROBE_ROW: "linear classifier on the same features",
    units.ACCURATE_ROW: "early exits, policy `accurate`",
    units.BUDGET_ROW: "early exits, at most 70 % of the compute",
}


def table(results: list[dict]) -> str:
    """Return the table as Markdown."""
    rows = [*_cifar(results), *_photos(photos_table.load())]
    return tables.markdown(COLUMNS, rows)


def early_point(results: list[dict]) -> dict:
    """Return what the early exits score at the threshold that was chosen."""
    by_name = {result["name"]: result for result in results}
    early, sibling = (
        by_name[name] for name in (full_length.EARLY, full_length.SIBLING)
    )
    s = full_length.thresholds(early, sibling)[CHOSEN]
    return full_length.point(early, s)


def bare_accuracy(results: list[dict]) -> float:
    """Return the accuracy of the network without early exits."""
    (bare,) = [
        result for result in results if result["name"] == full_length.BACKBONE
    ]
    return bare["metrics"]["test"]["last"]["static"]["accuracy"]


def _cifar(results):
    found = early_point(results)
    spent = tables.spread([1 - found["saving"]])
    bare, early = (
        tables.spread([accuracy])
        for accuracy in (bare_accuracy(results), found["accuracy"])
    )
    yield [CIFAR, "without early exits", bare, "100"]
    yield ["", "with three early exits", f"**{early}**", f"**{spent}**"]


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
