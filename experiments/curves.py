"""Accuracy against multiply-adds for recorded runs, validation and test.

python -m experiments.curves OUTPUT.png NAME [NAME …]

Draws each result of experiments/results as its exact curve over the exit
threshold (last epoch), with the static model as a point; multiply-adds count
every head met on the way.
"""

import argparse

import matplotlib.pyplot as plt

from elf_keras import runs
from experiments import tables

# Told apart without colour too.
LINES = ("-", "--", "-.", ":")
MARKS = "osD^vP*X"


def draw(results: list[dict], output: str) -> None:
    """Draw the curves side by side for validation and test.

    Args:
      results: records of experiments/results.
      output: file to write; its ending says which format.
    """
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True)
    for panel, split in zip(axes, ("validation", "test"), strict=True):
        for number, result in enumerate(results):
            _curve(panel, result, split, number)
        panel.axvline(1, color="grey", linewidth=0.8)
        panel.set_xlabel("multiply-adds per image / those of the backbone")
        panel.set_title(f"{split}, mean over classes, last epoch")
        panel.grid(alpha=0.3)
    axes[0].set_ylabel("accuracy")
    axes[1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(output, dpi=120)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    paths = [tables.RESULTS / f"{name}.json" for name in options.names]
    draw([runs.read_json(path) for path in paths], options.output)


def _curve(panel, result, split, number):
    if split not in result["metrics"]:
        return
    scores = result["metrics"][split]["last"]
    backbone = scores["static"]["macs"]
    curve = scores["curve"]
    (line,) = panel.plot(
        [macs / backbone for macs in curve["macs"]],
        curve["accuracy"],
        LINES[number % len(LINES)],
        # The same on both sides, whoever has no validation split.
        color=f"C{number}",
        label=result["name"],
    )
    panel.plot(
        1,
        scores["static"]["accuracy"],
        MARKS[number % len(MARKS)],
        color=line.get_color(),
    )


if __name__ == "__main__":
    main()
