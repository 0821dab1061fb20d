"""The average of the weights: by hand, in a training, stopped and resumed."""

import interrupted
import keras
import numpy as np
import pytest
import run_states
import tiny

from elf_keras.errors import InputError
from elf_keras.evaluation import prediction
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.training import loop, optimizer
from elf_keras.training.weight_average import WeightAverage

pytestmark = pytest.mark.slow

DECAY = 0.6
BATCH = tiny.data().train


def normalized(dtype="float32") -> MultiExitModel:
    """One exit behind a batch norm, whose second one is frozen."""
    keras.utils.set_random_seed(0)
    policy = {"dtype": dtype}
    image = keras.Input(tiny.SHAPE, name="image")
    flat = keras.layers.Flatten(**policy)(image)
    flat = keras.layers.BatchNormalization(name="norm", **policy)(flat)
    frozen = keras.layers.BatchNormalization(name="frozen", **policy)
    frozen.trainable = False
    logits = keras.layers.Dense(tiny.CLASSES, name="exit_1", **policy)
    built = MultiExitModel(image, {"exit_1": logits(frozen(flat))})
    frozen.set_weights([np.float32(np.pi) * w for w in frozen.get_weights()])
    built.compile(optimizer.CoupledSGD(0.1), tiny.compiled().objective)
    built.optimizer.build(built.trainable_variables)
    return built


@pytest.mark.parametrize(
    ("decay", "expected"),
    [
        # d = 1/10, 2/11, 3/12: 9, then 18/11 + 180/11, then 4.5 + 19.5.
        (1.0, [9.0, 18.0, 24.0]),
        # d = 1/10, 2/11, 1/5 at last: 3.6 + 20.8.
        (0.2, [9.0, 18.0, 24.4]),
    ],
)
def test_by_hand(decay, expected):
    model = tiny.compiled()
    model.optimizer.build(model.trainable_variables)
    zeros = [np.zeros_like(weight) for weight in model.get_weights()]
    model.set_weights(zeros)
    average = WeightAverage(model, decay)
    for step, weight in enumerate([10.0, 20.0, 26.0]):
        model.set_weights([zero + weight for zero in zeros])
        model.optimizer.iterations.assign(step + 1)
        average.update()
        for found in average.model.get_weights():
            np.testing.assert_allclose(found, expected[step], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_every_step_moves_weights_and_batch_statistics(dtype):
    model = normalized(dtype)
    average = WeightAverage(model, DECAY)
    expected = [np.float64(weight) for weight in model.get_weights()]
    for step in range(4):
        model.train_on_batch(BATCH.images, BATCH.labels)
        d = min(DECAY, (1 + step) / (10 + step))
        expected = [
            d * old + (1 - d) * new
            for old, new in zip(expected, model.get_weights(), strict=True)
        ]
    found = average.model.get_weights()
    assert {weight.dtype.name for weight in found} == {"float32"}
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    for name in ("norm", "exit_1"):
        moved, still = (m.get_layer(name) for m in (average.model, model))
        pairs = zip(moved.get_weights(), still.get_weights(), strict=True)
        assert all((one != other).any() for one, other in pairs)


def test_what_is_frozen_stays_to_the_bit():
    model = normalized()
    average = WeightAverage(model, DECAY)
    for _ in range(5):
        model.train_on_batch(BATCH.images, BATCH.labels)
    layers = [m.get_layer("frozen") for m in (average.model, model)]
    assert run_states.same(*(layer.get_weights() for layer in layers))


def test_training_itself_is_the_same_with_an_average():
    with_average, without = normalized(), normalized()
    WeightAverage(with_average, DECAY)
    for model in (with_average, without):
        for _ in range(3):
            model.train_on_batch(BATCH.images, BATCH.labels)
    assert run_states.same(*map(run_states.state, (with_average, without)))


def test_weights_of_less_than_float32_have_no_average():
    with pytest.raises(InputError, match="in bfloat16: train without"):
        WeightAverage(normalized("bfloat16"), DECAY)


def test_the_average_is_scored_chosen_and_saved(tmp_path):
    training = tiny.training(tiny.compiled(), tiny.schedule(4), decay=DECAY)
    outcome = loop.fit(training, tmp_path)
    raw, averaged = training.model, training.scored
    assert not run_states.same(raw.get_weights(), averaged.get_weights())
    validation = training.data.validation
    weights = training.scorer.weights(validation.labels)
    logits = prediction.predict_logits(averaged, validation)
    right = logits.argmax(-1) == validation.labels[:, None]
    assert outcome.history[-1]["validation_exit_1_accuracy"] == pytest.approx(
        (weights @ right)[0]
    )
    best = outcome.checkpoints.best
    assert best["file"].endswith(".average.weights.h5")
    again = tiny.model(seed=8)
    again.load_weights(tmp_path / "checkpoints" / best["file"])
    assert outcome.checkpoints.load_best(averaged) == best["epoch"]
    assert run_states.same(averaged.get_weights(), again.get_weights())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A training, and how it ended."""
    whole = interrupted.training(interrupted.model(), decay=DECAY)
    return whole, loop.fit(whole, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("at", [2, 5, 8])
def test_stopped_and_resumed_to_the_bit(uninterrupted, tmp_path, at):
    """Within the first epoch, between two, and within the second."""
    whole, expected = uninterrupted
    cut = interrupted.model(at=at, event=interrupted.power_cut)
    with pytest.raises(interrupted.PowerCutError):
        loop.fit(
            interrupted.training(cut, decay=DECAY),
            tmp_path / "cut",
            checkpoint_minutes=1e-12,
        )
    training = interrupted.training(interrupted.model(seed=9), decay=DECAY)
    outcome = loop.fit(training, tmp_path / "cut")
    assert outcome.first_place == divmod(at, interrupted.STEPS)
    interrupted.assert_ends_alike(
        training.model, outcome, whole.model, expected
    )
    ends = [each.scored.get_weights() for each in (training, whole)]
    assert run_states.same(*ends)
    bests = outcome.checkpoints.best, expected.checkpoints.best
    assert bests[0] | {"sha256": None} == bests[1] | {"sha256": None}


def test_a_damaged_average_costs_its_checkpoint(tmp_path):
    training = tiny.training(tiny.compiled(), tiny.schedule(3), decay=DECAY)
    loop.fit(training, tmp_path)
    name = "epoch_0003_step_000000"
    path = tmp_path / "checkpoints" / f"{name}.average.weights.h5"
    path.write_bytes(path.read_bytes()[:-7])
    again = tiny.training(tiny.compiled(), tiny.schedule(3), decay=DECAY)
    outcome = loop.fit(again, tmp_path)
    assert outcome.first_place == (2, 0)
    assert f"checkpoint {name} is damaged" in outcome.problems[0]
    ends = [each.scored.get_weights() for each in (training, again)]
    assert run_states.same(*ends)


def test_of_two_epochs_and_the_best_the_averages_are_kept(tmp_path):
    training = tiny.training(tiny.compiled(), tiny.schedule(5), decay=DECAY)
    outcome = loop.fit(training, tmp_path)
    averages = {
        path.name for path in (tmp_path / "checkpoints").glob("*.average.*")
    }
    wanted = {f"epoch_000{n}_step_000000.average.weights.h5" for n in (4, 5)}
    assert averages == wanted | {outcome.checkpoints.best["file"]}
