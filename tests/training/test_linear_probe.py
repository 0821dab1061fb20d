"""The balanced linear probe: right on what is linear, fair to rare classes."""

import numpy as np
import pytest

from elf_keras.training import linear_probe


def blobs(counts, seed=0, spread=0.3):
    """Points around the corners of a triangle, far from the origin."""
    random = np.random.default_rng(seed)
    corners = np.array([[10.0, 0.0], [11.0, 0.0], [10.0, 1.0]])[: len(counts)]
    labels = np.repeat(np.arange(len(counts)), counts)
    points = corners[labels] + spread * random.standard_normal((len(labels), 2))
    return points.astype("float32"), labels


def even(labels):
    return np.full(len(labels), 1 / len(labels))


def predicted(probe, features):
    return (features @ probe.kernel + probe.bias).argmax(-1)


@pytest.mark.parametrize("classes", [2, 3])
def test_separable_classes_are_told_apart(classes):
    features, labels = blobs([30] * classes, spread=0.05)
    probe = linear_probe.fit(features, labels, (features, labels, even(labels)))
    assert probe.kernel.shape == (2, classes)
    assert (predicted(probe, features) == labels).all()


def test_a_rare_class_is_right_as_often_as_a_common_one():
    """Where classes overlap, one by one over their images is even."""
    features, labels = blobs((900, 30, 900), spread=0.5)
    probe = linear_probe.fit(features, labels)
    new, truth = blobs((300, 300, 300), seed=1, spread=0.5)
    right = predicted(probe, new) == truth
    recalls = [right[truth == each].mean() for each in range(3)]
    assert recalls[1] > max(recalls) - 0.15
    assert probe.accuracy is None
    assert probe.strength == linear_probe.WITHOUT_VALIDATION


def test_validation_chooses_the_penalty(monkeypatch):
    features, labels = blobs((60, 5, 60), spread=0.4)
    new, truth = blobs((20, 20, 20), seed=2, spread=0.4)
    seen = (new, truth, even(truth))
    strengths, found = linear_probe.STRENGTHS, {}
    for strength in strengths:
        monkeypatch.setattr(linear_probe, "STRENGTHS", (strength,))
        probe = linear_probe.fit(features, labels, seen)
        found[strength] = probe.accuracy
        right = predicted(probe, new) == truth
        assert probe.accuracy == pytest.approx(right.mean())
    assert len(set(found.values())) > 1
    monkeypatch.setattr(linear_probe, "STRENGTHS", strengths)
    chosen = linear_probe.fit(features, labels, seen)
    # The first of the best: the strongest penalty.
    assert chosen.strength == max(found, key=found.get)


def test_a_dead_backbone_gives_a_probe_all_the_same():
    features = np.zeros((4, 2), np.float32)
    found = linear_probe.fit(features, np.array([0, 0, 1, 2]))
    assert found.kernel.shape == (2, 3)
    assert np.isfinite(found.kernel).all() and np.isfinite(found.bias).all()
