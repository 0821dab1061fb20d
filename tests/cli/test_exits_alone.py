"""What exits that are trained alone learn by, and are scored on."""

import command_runs
import numpy as np
import pytest
from made_splits import made

from elf_keras import runs
from elf_keras.cli import model_from_flags
from elf_keras.losses import objective
from elf_keras.training import (
    callbacks,
    exits_cost,
    exits_first,
    exits_last,
    held_features,
    time_limit,
)

pytestmark = pytest.mark.slow

FIRST = command_runs.EXITS_ALONE


@pytest.mark.parametrize("whole", [True, False])
def test_exits_alone_have_the_class_weights_of_their_epoch(
    tmp_path, monkeypatch, whole
):
    """Classes count alike in the first epoch, by their images in the last.

    Not where exits see a part, in which rare classes are whole.
    """
    given = {}
    if not whole:
        monkeypatch.setattr(held_features, "most_images", lambda model: 100)
    for module in (exits_first, exits_last):
        train = module.train

        def watching(model, data, objective, *rest, of=train, **options):
            given[of] = np.array(objective.class_weights)
            return of(model, data, objective, *rest, **options)

        monkeypatch.setattr(module, "train", watching)
    words = (*FIRST, "--class_weighting=inverse", "--reweight_epoch=1")
    command_runs.done("train", *words, f"--workdir={tmp_path}")
    first, last = given.values()
    assert (first == 1).all()
    if not whole:
        assert (last == 1).all()
        return
    counts = runs.read_json(tmp_path / runs.RECORD)["data"][
        "class_counts_after_cut"
    ]
    np.testing.assert_allclose(last * counts, (last * counts)[0], rtol=1e-5)
    assert last.max() > 2 * last.min()


@pytest.mark.parametrize("whole", [True, False])
def test_priors_of_exits_alone_are_of_the_images_that_they_see(
    tmp_path, monkeypatch, whole
):
    """At equal logits balanced softmax has -log π; one image a class: 1/10."""
    given = []
    if not whole:
        monkeypatch.setattr(held_features, "most_images", lambda model: 10)
    for module in (exits_first, exits_last):
        train = module.train

        def watching(model, data, objective, *rest, of=train, **options):
            loss = objective.exit_loss(np.zeros((10, 10)), np.arange(10))
            given.append(np.exp(-np.array(loss)))
            return of(model, data, objective, *rest, **options)

        monkeypatch.setattr(module, "train", watching)
    words = (*FIRST, "--exit_loss=balanced_softmax", "--class_weighting=none")
    command_runs.done("train", *words, f"--workdir={tmp_path}")
    counts = runs.read_json(tmp_path / runs.RECORD)["data"][
        "class_counts_after_cut"
    ]
    expected = np.array(counts) / sum(counts) if whole else np.full(10, 0.1)
    for priors in given:
        np.testing.assert_allclose(priors, expected, rtol=1e-5)
    assert len(given) == 2


@pytest.mark.parametrize(
    ("name", "other"),
    [("exits_first", "exits_last"), ("exits_last", "exits_first")],
)
def test_exits_of_a_sum_are_not_trained_alone(tmp_path, name, other):
    words = (*FIRST, "--method=summed", f"--{other}=0")
    says = [f"--{name}=10 trains each exit for itself"]
    command_runs.refused("train", *words, f"--workdir={tmp_path}", says=says)


def test_a_schedule_that_is_none_is_told_before_exits_are_trained(tmp_path):
    words = (*FIRST, "--warmup_epochs=2", f"--workdir={tmp_path / 'run'}")
    ended = command_runs.refused("train", *words, says=["Warm-up of 2 epochs"])
    assert "probe" not in ended.err


def test_training_looks_at_a_part_of_a_large_validation(tmp_path, monkeypatch):
    """At 0.095 s an image, 3 % of a minute are 18 images."""
    watched, scores = set(), callbacks.ValidationScores
    monkeypatch.setattr(time_limit, "_LEAST", 5)
    cost = exits_cost.Cost(image=0.095, step=0.0)
    monkeypatch.setattr(exits_cost, "measure", lambda *_: cost)

    def watching(validation, *rest):
        watched.add(validation.names)
        return scores(validation, *rest)

    monkeypatch.setattr(callbacks, "ValidationScores", watching)
    words = (*FIRST, "--most_minutes=1", "--validation_fraction=0.2")
    ended = command_runs.done("train", *words, f"--workdir={tmp_path}")
    (names,) = watched
    rows = command_runs.rows(tmp_path / runs.EXAMPLES)
    kept = {row["path"] for row in rows if row["split"] == "validation"}
    assert set(names) < kept
    assert 10 <= len(names) <= 18 < len(kept)
    record = runs.read_json(tmp_path / runs.RECORD)
    assert record["start"]["validation_images"] == len(names)
    said = f"looks at {len(names)} of {len(kept)} validation images"
    assert said in ended.err


@pytest.mark.parametrize("inside", [True, False])
def test_exits_alone_have_the_weights_of_their_classes(inside):
    where = "inside" if inside else "outside"
    words = ("--exit_loss=focal", f"--focal_weights={where}", "--method=har")
    weights = objective.unit_weights(3)
    with command_runs.fresh_flags("--workdir=", *words):
        found = model_from_flags.cumulative_loss(
            made(), leaving=False, weights=weights
        )
    held = found.exit_loss.keywords.values()
    assert any(each is weights for each in held) == inside
    assert found.class_weights is weights
    assert found.train_threshold == np.inf
