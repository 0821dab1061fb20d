"""The README's first picture: accuracy against compute, of its first table.

python -m experiments.headline_picture docs/headline.png
"""

import argparse
import statistics

import matplotlib.pyplot as plt

from experiments import headline, tables

_TITLE = "CIFAR-10 with a long tail, test, mean over classes"


def draw(results: list[dict], output: str) -> None:
    """Draw curves of early exits, and the marks of the table."""
    figure, axes = plt.subplots(figsize=(7.6, 4.2))
    made = [pair for pair in headline.PAIRS if pair.curves]
    for number, pair in enumerate(made):
        _draw_pair(axes, pair, results, f"C{number}")
    axes.set(xlabel="multiply-adds spent, % of the network without exits")
    axes.set(ylabel="accuracy, %", title=_TITLE, xlim=(0, 110), ylim=(62, 87))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(output, dpi=120)


def _draw_pair(axes, pair, results, colour):
    label = f"{pair.short}, three early exits, every threshold"
    # A second seed may be missing.
    both = zip(pair.curves.items(), ("-", "--"), strict=False)
    for (name, curve), line in both:
        backbone = _backbone(results, name)
        axes.plot(
            [100 * macs / backbone for macs in curve["macs"]],
            [100 * accuracy for accuracy in curve["accuracy"]],
            line,
            color=colour,
            label=label,
        )
        label = None
    for found in pair.early_points():
        point = [
            100 * statistics.fmean(values)
            for values in (
                [1 - each["saving"] for each in found],
                [each["accuracy"] for each in found],
            )
        ]
        axes.plot(*point, "o", color=colour, markersize=9)
        _say(axes, f"{point[1]:.1f} %", point, (-22, 6))
    if bare := [100 * each for each in pair.bare_accuracies(results)]:
        label = f"{pair.short}, without exits"
        axes.plot([100] * len(bare), bare, "s", color=colour, label=label)
        _say(
            axes, f"{statistics.fmean(bare):.1f} %", (100, min(bare)), (0, -16)
        )


def _backbone(results, name):
    """Multiply-adds of the network without early exits."""
    (run,) = [result["run"] for result in results if result["name"] == name]
    return run["model"]["exits"][-1]["macs_without_heads"]


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
