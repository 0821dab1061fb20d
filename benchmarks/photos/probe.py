"""A balanced linear probe on features of the pretrained backbone."""

import time

import numpy as np

from benchmarks.photos import single_nets, units
from elf_keras.data import splits
from elf_keras.evaluation import metrics
from elf_keras.training import linear_probe


def run(data: splits.Splits, trunk: single_nets.Trunk) -> dict:
    """Fit it, one pass over the images; return seconds and test scores."""
    began, found = time.perf_counter(), {}
    for name in ("train", "validation"):
        images = np.asarray(getattr(data, name).images)
        found[name] = single_nets.features(trunk, images)
    labels = data.validation.labels
    weights = metrics.example_weights(labels, len(data.class_names))
    seen = found["validation"], labels, weights
    probe = linear_probe.fit(found["train"], data.train.labels, seen)
    seconds = time.perf_counter() - began
    tested = single_nets.features(trunk, np.asarray(data.test.images))
    predicted = (tested @ probe.kernel + probe.bias).argmax(-1)
    return {
        "seconds": seconds,
        "validation_accuracy": probe.accuracy,
        "scores": {units.PROBE_ROW: single_nets.scores(data, predicted)},
    }
