"""Units of the comparison: a data set, a method and a seed."""

import dataclasses
from collections.abc import Sequence

from benchmarks.photos import data_sets

OURS, PROBE, TUTORIAL = "ours", "probe", "tutorial"
# Ours first: its seconds are what the tutorial gets.
METHODS = OURS, PROBE, TUTORIAL
PROBE_ROW = "linear probe"
TUTORIAL_ROW = "frozen, then fine-tuned (Keras guide)"
ACCURATE_ROW = "ours, `accurate`"
BUDGET_ROW = "ours, 30 % saved"
# Of the table, in its order.
ROWS = PROBE_ROW, TUTORIAL_ROW, ACCURATE_ROW, BUDGET_ROW


@dataclasses.dataclass(frozen=True)
class Unit:
    """What is trained and recorded at a time."""

    set: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        """As it is selected."""
        return f"{self.set},{self.method},{self.seed}"

    def is_of(self, record: dict) -> bool:
        """Whether a record is that of this unit."""
        keys = "set", "method", "seed"
        return tuple(record[key] for key in keys) == dataclasses.astuple(self)


def select(only: str, seeds: Sequence[int]) -> list[Unit]:
    """Return the units, in the order that they are run.

    Args:
      only: words with commas between, of data sets, methods and seeds; what
        no word is of is not limited.

    Raises:
      ValueError: for a word that is none of these.
    """
    known = [*data_sets.SETS], [*METHODS], [str(seed) for seed in seeds]
    words = [word for word in only.split(",") if word]
    for word in words:
        if not any(word in names for names in known):
            choices = ", ".join(name for names in known for name in names)
            raise ValueError(f"--only: {word!r} is none of {choices}")
    sets, methods, numbers = (
        [name for name in names if name in words] or names for names in known
    )
    return [
        Unit(name, method, int(seed))
        for name in sets
        for seed in numbers
        for method in methods
    ]


def order(record: dict) -> tuple:
    """Where a record stands in the file."""
    sets, methods = [*data_sets.SETS], [*METHODS]
    place = sets.index(record["set"]), methods.index(record["method"])
    return *place, record["seed"]


def seconds_of_ours(records: Sequence[dict], unit: Unit) -> float | None:
    """How long ours trained on the same images, if it did."""
    other = Unit(unit.set, OURS, unit.seed)
    return next(
        (each["seconds"] for each in records if other.is_of(each)), None
    )
