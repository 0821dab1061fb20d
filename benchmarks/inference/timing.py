"""Times of several functions that take turns, so that noise hits all."""

import random
import time
from collections.abc import Callable

import numpy as np


def alternate(
    functions: dict[str, Callable],
    *,
    rounds: int,
    warm_up: int = 3,
    row: int = 1,
) -> dict[str, np.ndarray]:
    """Call every function in every round, in an order drawn anew.

    The one before leaves the caches warm or cold: no function has it better.

    Args:
      functions: name -> function without arguments that waits for its end.
      rounds: timed turns of each.
      warm_up: turns of each before.
      row: calls a turn: one meets caches full of another's code, several
        mostly their own, as in use.

    Returns:
      Name -> milliseconds, `(rounds * row,)`.
    """
    times = {name: [] for name in functions}
    order, draw = list(functions), random.Random(0)
    for number in range(warm_up + rounds):
        draw.shuffle(order)
        for name in [each for each in order for _ in range(row)]:
            began = time.perf_counter()
            functions[name]()
            if number >= warm_up:
                times[name].append(1000 * (time.perf_counter() - began))
    return {name: np.array(values) for name, values in times.items()}


def summary(milliseconds: np.ndarray) -> dict[str, float]:
    """Median and 95th percentile, rounded."""
    return {
        "p50": round(float(np.median(milliseconds)), 4),
        "p95": round(float(np.percentile(milliseconds, 95)), 4),
    }
