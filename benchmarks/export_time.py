"""Seconds that an export of a ResNet-32 takes, step by step.

python -m benchmarks.export_time [--formats=float32,int8] [--profile=FILE]

The network is untrained and its images are noise, in the numbers of CIFAR-10:
time does not depend on what it has learned. Everything else is as
elf_keras.export does it, checks included. Prints JSON; on a busy machine look
at the seconds of the processor, too.
"""

import argparse
import cProfile
import itertools
import json
import os
import pathlib
import tempfile
import time

import numpy as np

from elf_keras import choices, models
from elf_keras.data import long_tail, splits
from elf_keras.deploy import bundle, chains
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import thresholds
from elf_keras.models import multiply_adds
from elf_keras.policies import policy_rules

SHAPE, CLASSES = (32, 32, 3), 10
FORMATS = ("saved_model", *choices.TFLITE_VARIANTS)
SIZES = {"train": 2000, "validation": 1240, "test": 10_000}


def main() -> None:
    """Measure one export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--backbone", default="resnet32")
    parser.add_argument("--score_images", type=int, default=2000)
    parser.add_argument("--profile", help="file for cProfile's counts")
    options = parser.parse_args()
    data = _noise()
    model = models.build(SHAPE, CLASSES, backbone=options.backbone)
    scorer = Scorer(
        classes=CLASSES,
        shot_groups=long_tail.shot_groups(data.class_counts),
        costs=multiply_adds.exit_costs(model),
        thresholds=thresholds.ExitThresholds.shared(0.5, models.exits(model)),
    )
    formats = tuple(options.formats.split(","))
    plan = chains.ExportPlan(
        *("noise", formats, options.score_images, 0),
        policy_rules.by_default(0),
        policy_rules.ACCURATE,
    )
    steps = []
    profile = cProfile.Profile()
    began, used = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        if options.profile:
            profile.enable()
        bundle.write(
            *(pathlib.Path(folder), model, data, scorer, plan),
            lambda line: steps.append((line, time.process_time())),
        )
        profile.disable()
    record = {
        **vars(options),
        "cores": os.cpu_count(),
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "steps": [
            f"{line} ({now - before:.1f} s of processor)"
            for (_, before), (line, now) in itertools.pairwise(
                [("", used), *steps]
            )
        ],
    }
    if options.profile:
        profile.dump_stats(options.profile)
    print(json.dumps(record, indent=1))


def _noise():
    random = np.random.default_rng(0)
    parts = {}
    for name, count in SIZES.items():
        images = random.integers(0, 256, (count, *SHAPE), "uint8")
        labels = np.arange(count, dtype="int32") % CLASSES
        names = tuple(str(number) for number in range(count))
        parts[name] = splits.Examples(images, labels, names)
    names = tuple(str(number) for number in range(CLASSES))
    counts = np.bincount(parts["train"].labels)
    return splits.Splits(**parts, class_names=names, class_counts=counts)


if __name__ == "__main__":
    main()
