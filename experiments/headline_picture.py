"""The README's first picture: accuracy against compute, of its first table.

python -m experiments.headline_picture docs/headline.png
"""

import argparse
import statistics

import matplotlib.pyplot as plt

from elf_keras import runs
from experiments import headline, sibling_policies, tables

_TITLE = "CIFAR-10 with a long tail, test, mean over classes"


def draw(results: list[dict], output: str) -> None:
    """Draw the curve of the early exits, and the marks of the table."""
    (early,) = [
        result for result in results if result["name"] == headline.EARLY[0]
    ]
    backbone = early["run"]["model"]["exits"][-1]["macs_without_heads"]
    curves = runs.read_json(sibling_policies.RECORD)["curves"]
    figure, axes = plt.subplots(figsize=(7.6, 3.6))
    label = "with three early exits, every threshold (two runs)"
    for name, line in zip(headline.EARLY, ("-", "--"), strict=True):
        axes.plot(
            [100 * macs / backbone for macs in curves[name]["macs"]],
            [100 * accuracy for accuracy in curves[name]["accuracy"]],
            line,
            color="C0",
            label=label,
        )
        label = None
    for found in headline.early_points():
        chosen = [
            100 * statistics.fmean(values)
            for values in (
                [1 - each["saving"] for each in found],
                [each["accuracy"] for each in found],
            )
        ]
        axes.plot(*chosen, "o", color="C0", markersize=9)
        _say(axes, f"{chosen[1]:.1f} %", chosen, (-22, 6))
    bare = [100 * each for each in headline.bare_accuracies(results)]
    label = "without exits (two runs)"
    axes.plot([100] * len(bare), bare, "s", color="C1", label=label)
    middle = statistics.fmean(bare)
    _say(axes, f"{middle:.1f} %", (100, min(bare)), (0, -16))
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
