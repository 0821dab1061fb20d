"""Time and memory of a sweep's computation after the model has answered.

python -m benchmarks.sweep [--images=10000 --exits=5 --classes=1000]

Makes logits part by part, as a model would give them, and does with them all
that a sweep does: answers, temperatures, curve, shared and per-exit
thresholds, guard, policies, table. A second split of the same size stands in
for test. Prints JSON; peak memory is that of this process, TensorFlow's
import included.
"""

import argparse
import json
import time

import numpy as np

from elf_keras import runs
from elf_keras.evaluation import answers, calibration
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import thresholds
from elf_keras.models import multiply_adds
from elf_keras.policies import policy_rules, trade_off

PART_BYTES = 2**27


def main() -> None:
    """Measure one sweep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--exits", type=int, default=5)
    parser.add_argument("--classes", type=int, default=1000)
    options = parser.parse_args()
    imported = runs.peak_memory()
    labels = np.arange(options.images) % options.classes
    scorer, weights = _scorer(options), np.ones(options.images)
    fit = calibration.TemperatureFit(labels, weights)
    splits, reducing = {}, 0.0
    for name, watch in (("validation", fit.watch), ("test", iter)):
        making, began = [], time.perf_counter()
        parts = watch(_logits(options, labels, making))
        splits[name] = answers.of_parts(parts, labels)
        reducing += time.perf_counter() - began - sum(making)
    began = time.perf_counter()
    fit.temperatures()
    reducing += time.perf_counter() - began
    began = time.perf_counter()
    rules = policy_rules.rules(
        ["0.75", "0.5", "0.25", "5ms"], policy_rules.KINDS
    )
    plan = policy_rules.PolicyPlan(rules, policy_rules.Guard())
    done = trade_off.sweep(splits, scorer, plan)
    chosen = time.perf_counter()
    trade_off.pictured(done, thresholds.papers_grid("ce", options.classes))
    trade_off.compared(done)
    trade_off.rows(done)
    ended = time.perf_counter()
    record = {
        **vars(options),
        "seconds_of_answers_and_temperatures": round(reducing, 2),
        "seconds_of_choosing": round(chosen - began, 2),
        "seconds_of_tables": round(ended - chosen, 2),
        "seconds": round(reducing + ended - began, 2),
        "peak_bytes_of_imports": imported,
        "peak_bytes": runs.peak_memory(),
    }
    print(json.dumps(record, indent=1))


def _logits(options, labels, making):
    """Made logits part by part; the seconds of making them go to `making`."""
    rows = max(1, PART_BYTES // (4 * options.exits * options.classes))
    random = np.random.default_rng(0)
    for start in range(0, options.images, rows):
        began = time.perf_counter()
        part = labels[start : start + rows]
        shape = len(part), options.exits, options.classes
        logits = random.standard_normal(shape, "float32")
        logits[np.arange(len(part)), :, part] += np.linspace(
            2, 4, options.exits, dtype="float32"
        )
        making.append(time.perf_counter() - began)
        yield logits


def _scorer(options):
    macs = np.arange(1, options.exits + 1) * 1e9
    third = np.arange(options.classes) % 3
    return Scorer(
        classes=options.classes,
        shot_groups={
            name: third == number
            for number, name in enumerate(("many", "medium", "few"))
        },
        costs=multiply_adds.ExitCosts(
            macs, 0.95 * macs, 0.95 * macs[-1], [2.0] * options.exits
        ),
        thresholds=thresholds.ExitThresholds.shared(0.5, options.exits),
    )


if __name__ == "__main__":
    main()
