"""The README's first picture: accuracy against compute, of its first table.

python -m experiments.headline_picture docs/headline.png
"""

import argparse

import matplotlib.pyplot as plt

from elf_keras import runs
from experiments import headline, sibling_policies, tables

_TITLE = "CIFAR-10 with a long tail, test, mean over classes"


def draw(results: list[dict], output: str) -> None:
    """Draw the curve of the early exits, and the marks of the table."""
    (early,) = [
        result for result in results if result["name"] == headline.EARLY
    ]
    backbone = early["run"]["model"]["exits"][-1]["macs_without_heads"]
    record = runs.read_json(sibling_policies.RECORD)
    curve = record["curves"][headline.EARLY]
    bare = 100 * headline.bare_accuracy(results)
    figure, axes = plt.subplots(figsize=(7.6, 3.6))
    axes.plot(
        [100 * macs / backbone for macs in curve["macs"]],
        [100 * accuracy for accuracy in curve["accuracy"]],
        label="one network with three early exits, every threshold",
        linewidth=2,
    )
    for found in headline.early_points():
        chosen = 100 * (1 - found["saving"]), 100 * found["accuracy"]
        axes.plot(*chosen, "o", color="C0", markersize=9)
        _say(axes, f"{chosen[1]:.1f} %", chosen, (0, 8))
    axes.plot(100, bare, "s", color="C1", markersize=9, label="without exits")
    _say(axes, f"{bare:.1f} %", (100, bare), (0, -16))
    axes.set(xlabel="multiply-adds spent, % of the network without exits")
    axes.set(ylabel="accuracy, %", title=_TITLE, xlim=(0, 110), ylim=(64, 84))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(output, dpi=120)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    draw(tables.load(), parser.parse_args().output)


def _say(axes, text, point, offset):
    axes.annotate(
        text,
        point,
        xytext=offset,
        textcoords="offset points",
        ha="center",
        weight="bold",
    )


if __name__ == "__main__":
    main()
