"""Seconds that an export of a ResNet-32 takes, step by step.

python -m benchmarks.export_time [--formats=float32,int8] [--profile=FILE]
python -m benchmarks.export_time --before=CLONE

The network is untrained and its images are noise, in the numbers of CIFAR-10:
time does not depend on what it has learned. Everything else is as
elf_keras.export does it, checks included. Prints JSON; on a busy machine look
at the seconds of the processor, too. Machines differ: --before is a clone of
this project at commit 724703e, whose export of the same is timed in the same
run (about five times as long).
"""

import argparse
import cProfile
import itertools
import json
import os
import pathlib
import subprocess
import sys
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
    parser.add_argument("--before", type=pathlib.Path, help="clone at 724703e")
    options = parser.parse_args()
    record = {
        **{key: value for key, value in vars(options).items() if value},
        "cores": os.cpu_count(),
    }
    if options.before:
        if not (options.before / "elf_keras" / "flops.py").exists():
            parser.error(f"--before={options.before}: no clone at 724703e")
        record["before"] = _before(options)
    record |= _export(options)
    if options.before:
        ratio = record["seconds"] / record["before"]["seconds"]
        record["seconds_over_before"] = round(ratio, 2)
    print(json.dumps(record, indent=1))


def _export(options):
    """Seconds of one export, and of its steps."""
    steps, profile, asked = [], cProfile.Profile(), _asked(options)
    began, used = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        if options.profile:
            profile.enable()
        bundle.write(
            *(pathlib.Path(folder), *asked),
            lambda line: steps.append((line, time.process_time())),
        )
        profile.disable()
    if options.profile:
        profile.dump_stats(options.profile)
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "steps": [
            f"{line} ({now - last:.1f} s of processor)"
            for (_, last), (line, now) in itertools.pairwise(
                [("", used), *steps]
            )
        ],
    }


def _asked(options):
    """Model, images, scorer and plan of the export."""
    data = _noise()
    model = models.build(SHAPE, CLASSES, backbone=options.backbone)
    scorer = Scorer(
        classes=CLASSES,
        shot_groups=long_tail.shot_groups(data.class_counts),
        costs=multiply_adds.exit_costs(model),
        thresholds=thresholds.ExitThresholds.shared(0.5, models.exits(model)),
    )
    plan = chains.ExportPlan(
        *("noise", tuple(options.formats.split(",")), options.score_images, 0),
        policy_rules.by_default(0),
        policy_rules.ACCURATE,
    )
    return model, data, scorer, plan


def _before(options):
    """Seconds of the same export in the clone."""
    told = {"shape": SHAPE, "classes": CLASSES, "sizes": SIZES}
    told |= {"formats": options.formats.split(",")}
    told |= {key: vars(options)[key] for key in ("backbone", "score_images")}
    found = subprocess.run(
        [sys.executable, pathlib.Path(__file__).with_name("export_before.py")],
        env=os.environ | {"PYTHONPATH": str(options.before.resolve())},
        **{"input": json.dumps(told), "text": True, "check": True},
        stdout=subprocess.PIPE,
    )
    return {"commit": "724703e", **json.loads(found.stdout.splitlines()[-1])}


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
