"""What the exits alone cost, measured on a model that stays as it is."""

import dataclasses
import types

import numpy as np
import pytest
import tiny

from elf_keras import losses
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.training import exits_cost, held_features

pytestmark = pytest.mark.slow


def test_measuring_takes_no_weights_along():
    model = tiny.model()
    before = model.get_weights()
    objective = CumulativeLoss(losses.exit_loss("ce", [9, 6, 3]), tiny.CLASSES)
    found = exits_cost.measure(model, tiny.data(), objective)
    assert 0 < found.image < 60
    assert 0 < found.step < 60
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("counts", [(100, 60, 40), (3, 2, 1)])
def test_the_second_half_of_the_batches_is_timed(counts, monkeypatch):
    """Six batches of 32 end at these seconds: the last three took 9.6 s.

    Few images come again: as many batches, of no more images at a time.
    """
    ends = iter([20.0, 21.0, 22.0, 25.0, 28.0, 31.6, *range(40, 60)])
    clock = types.SimpleNamespace(perf_counter=lambda: next(ends))
    monkeypatch.setattr(exits_cost, "time", clock)
    data = dataclasses.replace(tiny.data(), train=tiny.examples(counts))
    objective = CumulativeLoss(losses.exit_loss("ce", [9, 6, 3]), tiny.CLASSES)
    found = exits_cost.measure(tiny.model(), data, objective)
    # 96 images; steps end a second after each other.
    assert found.image == pytest.approx(0.1)
    assert found.step == 1.0


def test_images_of_all_classes_are_timed(monkeypatch):
    """They are sorted by class, and photos of one class may be large."""
    seen, batches = [], held_features.batches

    def watched(reading, examples):
        seen.extend(examples.labels)
        return batches(reading, examples)

    monkeypatch.setattr(held_features, "batches", watched)
    data = dataclasses.replace(tiny.data(), train=tiny.examples((400, 300, 68)))
    objective = CumulativeLoss(losses.exit_loss("ce", [9, 6, 3]), tiny.CLASSES)
    exits_cost.measure(tiny.model(), data, objective)
    assert len(seen) == 192
    # 400, 300 and 68 of 768: every eighth, from the fifth on.
    assert np.bincount(seen[96:]).tolist() == [50, 37, 9]


def test_time_of_images_and_steps():
    cost = exits_cost.Cost(image=0.5, step=2.0)
    assert cost.seconds(10, 3) == 11.0
    assert exits_cost.FREE.seconds(10, 3) == 0.0
