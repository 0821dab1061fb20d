"""Times of several functions that take turns, so that noise hits all."""

import random
import time
from collections.abc import Callable

import numpy as np


def alternate(
    functions: dict[str, Callable], *, rounds: int, warm_up: int = 3
) -> dict[str, np.ndarray]:
    """Call every function once a round, in an order drawn anew.

    The one before leaves the caches warm or cold: no function has it better.

    Args:
      functions: name -> function without arguments that waits for its end.
      rounds: timed calls of each.
      warm_up: calls of each before.

    Returns:
      Name -> milliseconds, `(rounds,)`.
    """
    times = {name: [] for name in functions}
    order, draw = list(functions), random.Random(0)
    for number in range(warm_up + rounds):
        draw.shuffle(order)
        for name in order:
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
