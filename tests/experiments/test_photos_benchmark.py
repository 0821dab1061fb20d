"""The comparison on own photos: its data, rivals, records and table."""

import itertools
import types

import keras
import numpy as np
import pytest

from benchmarks.photos import (
    ours,
    probe,
    single_nets,
    table,
    tutorial,
    units,
)
from elf_keras import runs
from elf_keras.data import splits
from elf_keras.models.backbones.tapped import Pixels
from elf_keras.policies import policy_file

GROUPS = {"many": 0.9, "medium": 0.5, "few": None}


def test_units_are_selected_by_words_of_any_kind():
    every = units.select("", [0, 1])
    assert len(every) == len(set(every)) == 7 * 3 * 2
    # The tutorial gets the seconds that ours took.
    for unit in every:
        if unit.method == "tutorial":
            other = units.Unit(unit.set, "ours", unit.seed)
            assert every.index(other) < every.index(unit)
    names = [unit.name for unit in units.select("signs,ours", [0, 1])]
    assert names == ["signs,ours,0", "signs,ours,1"]
    assert len(units.select("1", [0, 1])) == 21
    with pytest.raises(ValueError, match="'peer' is none of groceries"):
        units.select("signs,peer", [0, 1])


def coloured(counts, seed):
    """Images whose colour tells their class, with noise."""
    labels = np.repeat(np.arange(len(counts)), counts).astype("int32")
    noise = np.random.default_rng(seed).integers(0, 20, (len(labels), 8, 8, 3))
    images = (60 * labels[:, None, None, None] + noise).astype("uint8")
    return splits.Examples(images, labels, ("",) * len(labels))


def data():
    seen = coloured((9, 2, 1), 1)
    train = coloured((30, 12, 6), 0)
    counts = np.array([30, 12, 6])
    return splits.Splits(train, seen, seen, ("a", "b", "c"), counts)


def trunk():
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    found = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(images)
    found = keras.layers.BatchNormalization()(found)
    return single_nets.Trunk(keras.Model(images, found), Pixels(127.0, 128.0))


def test_a_probe_tells_classes_apart_whose_features_differ():
    found = probe.run(data(), trunk())
    scores = found["scores"][units.PROBE_ROW]
    assert scores["accuracy"] == scores["top1"] == 1.0
    assert (scores["many"], scores["few"], scores["macs"]) == (None, 1.0, 1.0)


def test_scores_are_means_over_classes_that_test_has():
    counts = np.array([200, 50, 5, 7])
    test = coloured((4, 2, 1), 0)
    given = splits.Splits(test, None, test, ("a", "b", "c", "d"), counts)
    found = single_nets.scores(given, np.array([0, 0, 0, 1, 1, 0, 0]))
    groups = [found[name] for name in ("many", "medium", "few")]
    assert groups == [0.75, 0.5, 0.0]
    assert found["accuracy"] == pytest.approx(1.25 / 3)
    assert found["top1"] == pytest.approx(4 / 7)


@pytest.mark.slow
def test_the_tutorial_serves_its_best_epoch_by_class_means(monkeypatch):
    # Each batch takes a second, of which an epoch has two.
    ticks, compiled = itertools.count(), []
    clock = types.SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    compile_it = tutorial._compile

    def watched(model, rate):
        compiled.append((rate, len(model.trainable_weights)))
        compile_it(model, rate)

    monkeypatch.setattr(tutorial, "time", clock)
    monkeypatch.setattr(tutorial, "_compile", watched)
    start, given = trunk(), data()
    found = tutorial.run(given, start, seconds=24, flip=True, seed=0)
    # The classifier alone, then the backbone's kernel, bias and norm, too.
    assert compiled == [(1e-3, 2), (1e-5, 6)]
    frozen, fine_tuned = found["validation_accuracies"]
    assert (len(frozen), len(fine_tuned)) == (3, 9)
    # Its test split is its validation split.
    best = max(*frozen, *fine_tuned)
    scores = found["scores"][units.TUTORIAL_ROW]
    assert scores["accuracy"] == pytest.approx(best, abs=1e-6)
    assert found["validation_accuracy"] == pytest.approx(best)


@pytest.mark.slow
def test_batch_norms_of_the_tutorial_stay_in_inference_mode():
    start, given = trunk(), data()
    model = tutorial.build(start, given.image_shape, 3, flip=True)
    tutorial._compile(model, 0.1)
    _, norm = start.model.layers[1:]
    _, shift, *statistics = norm.get_weights()
    model.fit(given.train.images, given.train.labels, verbose=0)
    assert np.abs(norm.get_weights()[1] - shift).max() > 0.01
    for found, before in zip(norm.get_weights()[2:], statistics, strict=True):
        np.testing.assert_array_equal(found, before)


def test_class_weights_are_balanced():
    weights = tutorial.balanced(np.array([0, 0, 0, 2]), 3)
    np.testing.assert_allclose(weights, [4 / 9, 0, 4 / 3])


def test_one_threshold_meets_the_budget_where_it_can(tmp_path):
    """Whatever validation says of one threshold per exit."""
    run, path = ours.Run(tmp_path, tmp_path), tmp_path / policy_file.NAME
    swept = {"accurate": {}, "macs_70_per_exit": {}}
    runs.write_json(path, {"policies": swept})
    assert ours.policies(run) == {units.ACCURATE_ROW: "accurate"}
    runs.write_json(path, {"policies": swept | {"macs_70": {}}})
    assert ours.policies(run) == {
        units.ACCURATE_ROW: "accurate",
        units.BUDGET_ROW: "macs_70",
    }


def record(method, seed, rows, **more):
    return {
        **{"set": "signs_tail", "method": method, "seed": seed},
        "seconds": 60.0 * (1 + seed),
        "scores": {
            row: {"accuracy": value, "top1": 0.5, "macs": macs, **GROUPS}
            for row, (value, macs) in rows.items()
        },
        **more,
    }


def test_a_row_of_the_table_is_a_method_over_its_seeds():
    rows = {units.ACCURATE_ROW: (0.8, 0.6)}
    times = {
        "static": {"milliseconds": 2.0},
        units.ACCURATE_ROW: {"milliseconds": 1.5},
    }
    made = [
        record("ours", 0, rows, int8=times),
        record("ours", 1, {units.ACCURATE_ROW: (0.9, 0.5)}),
        record("probe", 0, {units.PROBE_ROW: (0.7, 1.0)}),
    ]
    lines = table.table(made).splitlines()
    assert lines[2:] == [
        "| signs tail | linear probe | 0 | 70.0 | 90.0 / 50.0 / – | 50.0 "
        "| 100.0 | 2.00 | 1.0 |",
        "| signs tail | ours, `accurate` | 0, 1 | 85.0 ± 5.0 "
        "| 90.0 ± 0.0 / 50.0 ± 0.0 / – | 50.0 ± 0.0 | 55.0 ± 5.0 | 1.50 "
        "| 1.5 |",
    ]
    assert "| – | 1.0 |" in table.table(made[2:])
