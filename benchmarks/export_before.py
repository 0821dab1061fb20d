"""The export of an earlier form of the project, timed by export_time.

PYTHONPATH=CLONE python export_before.py, where CLONE is at commit 724703e:
before exports told their steps and before TFLite files were cut out of one
network. Its modules had other names. Prints seconds as JSON.
"""

import json
import pathlib
import sys
import tempfile
import time

import numpy as np

from elf_keras import flops, long_tail, multi_exit, scorer
from elf_keras.data import splits
from elf_keras.deploy import bundle


def main() -> None:
    """Export once, as told in standard input."""
    told = json.load(sys.stdin)
    shape, classes = tuple(told["shape"]), told["classes"]
    random, parts = np.random.default_rng(0), {}
    for name, count in told["sizes"].items():
        images = random.integers(0, 256, (count, *shape), "uint8")
        labels = np.arange(count, dtype="int32") % classes
        names = tuple(str(number) for number in range(count))
        parts[name] = splits.Examples(images, labels, names)
    names = tuple(str(number) for number in range(classes))
    counts = np.bincount(parts["train"].labels)
    data = splits.Splits(**parts, class_names=names, class_counts=counts)
    model = multi_exit.build(shape, classes, backbone=told["backbone"])
    judge = scorer.Scorer(
        classes=classes,
        shot_groups=long_tail.shot_groups(counts),
        costs=flops.exit_costs(model),
        exit_threshold=0.5,
    )
    formats, score_images = tuple(told["formats"]), told["score_images"]
    plan = bundle.Plan("noise", formats, score_images, 0)
    began, used = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        bundle.write(pathlib.Path(folder), model, data, judge, plan)
    record = {
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(time.process_time() - used, 1),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
