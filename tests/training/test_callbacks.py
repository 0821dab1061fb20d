"""Callbacks at the edges of epochs, each a function of the epoch alone."""

from unittest import mock

import keras
import numpy as np
import pytest
import tiny

from elf_keras.evaluation import prediction
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.training import callbacks

WEIGHTS = [0.5, 1.0, 1.5]


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 2, 3, 4])
def test_class_weights_apply_from_their_epoch_on_also_when_resuming(first):
    model = tiny.compiled()
    seen = {}

    def watch(epoch, logs):
        seen[epoch] = np.array(model.objective.class_weights).tolist()

    data = tiny.data().train
    model.fit(
        data.images,
        data.labels,
        initial_epoch=first,
        epochs=6,
        verbose=0,
        callbacks=[
            callbacks.EpochValue(
                model.objective.class_weights,
                tiny.schedule(6, reweight_epoch=3).weights,
            ),
            keras.callbacks.LambdaCallback(on_epoch_end=watch),
        ],
    )
    assert seen == {
        epoch: WEIGHTS if epoch >= 3 else [1.0] * 3 for epoch in range(first, 6)
    }


def test_the_rate_is_that_of_the_middle_of_each_step():
    model, seen = tiny.compiled(), []
    data = tiny.data().train
    rates = callbacks.StepRate(lambda epoch: 1 / (1 + epoch), 4)
    model.fit(
        data.images,
        data.labels,
        batch_size=5,
        initial_epoch=3,
        epochs=5,
        verbose=0,
        callbacks=[
            rates,
            keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: seen.append(
                    float(np.asarray(model.optimizer.learning_rate))
                ),
                on_epoch_end=lambda epoch, logs: seen.append(
                    logs["learning_rate"]
                ),
            ),
        ],
    )
    hand = [1 / 4.125, 1 / 4.375, 1 / 4.625, 1 / 4.875, 1 / 4.875]
    hand += [1 / 5.125, 1 / 5.375, 1 / 5.625, 1 / 5.875, 1 / 5.875]
    assert seen == pytest.approx(hand)


@pytest.mark.slow
def test_new_weights_reach_the_compiled_step():
    """One epoch at rate 0: its loss is the weighted mean, by hand."""
    model = tiny.compiled(rate=0.0, threshold=np.inf)
    data = tiny.data().train
    reweighting = callbacks.EpochValue(
        model.objective.class_weights,
        tiny.schedule(2, reweight_epoch=1).weights,
    )
    losses = model.fit(
        data.images,
        data.labels,
        batch_size=18,
        epochs=2,
        verbose=0,
        callbacks=[reweighting],
    ).history["loss"]
    outputs = model.predict(data.images, verbose=0)
    scores = exit_rule.stack_exits(outputs).astype("float64")
    own = scores[np.arange(18), :, data.labels]
    entropy = np.log(np.exp(scores).sum(-1)) - own
    for found, weights in zip(losses, ([1, 1, 1], WEIGHTS), strict=True):
        of_each = np.array(weights)[data.labels]
        expected = of_each @ entropy.sum(1) / of_each.sum()
        assert found == pytest.approx(expected, rel=1e-5)


def validated(model, data, **options):
    """The logs of an epoch, which keep what they held."""
    callback = callbacks.ValidationScores(data, tiny.scorer(**options))
    callback.set_model(model)
    logs = {"loss": 1.0}
    callback.on_epoch_end(0, logs)
    assert logs["loss"] == 1.0
    return logs


@pytest.mark.parametrize(
    ("counts", "prior", "shares"),
    [
        ((7, 4, 2), None, [1 / 3] * 3),
        ((7, 4, 2), np.array([5.0, 3.0, 2.0]), [0.5, 0.3, 0.2]),
        ((3, 0, 2), None, [0.5, 0, 0.5]),
    ],
)
def test_validation_scores_are_means_over_classes(counts, prior, shares):
    model = tiny.model(seed=3)
    data = tiny.examples(counts)
    logs = validated(model, data, prior=prior)
    outputs = model.predict(data.images, verbose=0)
    for name in ("exit_1", "exit_2"):
        predicted = outputs[name].argmax(-1)
        hits = predicted == data.labels
        mean = sum(
            shares[label] * hits[data.labels == label].mean()
            for label in set(data.labels)
        )
        key = f"validation_{name}_accuracy"
        assert logs[key] == pytest.approx(mean, abs=1e-12)
        assert isinstance(logs[key], float)
    assert logs["validation_accuracy"] == logs["validation_exit_2_accuracy"]
    never = len(set(data.labels) - set(predicted))
    assert logs["validation_classes_never_predicted"] == never > 0


def test_the_summed_scores_choose_the_epoch_where_they_answer(monkeypatch):
    data = tiny.examples((7, 4, 2))
    scores = np.random.default_rng(0).normal(size=(13, 2, tiny.CLASSES))
    monkeypatch.setattr(prediction, "logit_parts", lambda *_: iter([scores]))
    rule = AnswerRule(exit_weights=np.array([5.0, 1.0]))
    logs = validated(None, data, rule=rule)
    correct = (5 * scores[:, 0] + scores[:, 1]).argmax(-1) == data.labels
    means = [correct[data.labels == label].mean() for label in range(3)]
    assert logs["validation_accuracy"] == pytest.approx(np.mean(means))
    assert logs["validation_accuracy"] != logs["validation_exit_2_accuracy"]


def test_running_sums_choose_the_epoch_where_they_answer(monkeypatch):
    data = tiny.examples((7, 4, 2))
    scores = np.random.default_rng(0).normal(size=(13, 2, tiny.CLASSES))
    monkeypatch.setattr(prediction, "logit_parts", lambda *_: iter([scores]))
    logs = validated(None, data, rule=AnswerRule(answer="running"))
    correct = (scores[:, 0] / 2 + scores[:, 1]).argmax(-1) == data.labels
    means = [correct[data.labels == label].mean() for label in range(3)]
    assert logs["validation_accuracy"] == pytest.approx(np.mean(means))
    assert logs["validation_accuracy"] == logs["validation_exit_2_accuracy"]
    monkeypatch.setattr(prediction, "logit_parts", lambda *_: iter([scores]))
    own = validated(None, data)
    assert own["validation_accuracy"] != logs["validation_accuracy"]
    first = "validation_exit_1_accuracy"
    assert own[first] == logs[first]


def test_validation_is_scored_in_parts_that_fit(monkeypatch):
    model = tiny.model(seed=3)
    data = tiny.examples((7, 4, 2))
    monkeypatch.setattr(prediction, "BATCH_SIZE", 4)
    whole = validated(model, data)
    monkeypatch.setattr(prediction, "PART_BYTES", 1)
    assert validated(model, data) == whole
    with mock.patch.object(prediction, "predict_logits") as whole:
        whole.side_effect = lambda model, some, _: np.zeros((len(some), 2, 3))
        validated(model, data)
    assert [len(call.args[1]) for call in whole.call_args_list] == [4, 4, 4, 1]


def test_the_clock_counts_the_images_it_was_given(monkeypatch):
    ticks = iter([10.0, 12.5])
    monkeypatch.setattr(callbacks.time, "perf_counter", lambda: next(ticks))
    clock = callbacks.EpochClock(50)
    logs = {}
    clock.on_epoch_begin(0)
    clock.on_epoch_end(0, logs)
    assert logs == {"seconds": 2.5, "images_per_second": 20.0}


@pytest.mark.parametrize("validated", [False, True])
def test_epoch_lines(capsys, validated):
    lines = callbacks.EpochLines()
    lines.set_model(tiny.model())
    lines.set_params({"epochs": 9})
    logs = {
        "loss": 1.23456,
        "learning_rate": 0.05,
        "exit_1_share": 0.25,
        "exit_2_share": 0.75,
        "exit_2_accuracy": 0.5,
        "seconds": 3.14159,
    }
    if validated:
        logs["validation_accuracy"] = 0.625
    lines.on_epoch_end(2, logs)
    printed = capsys.readouterr()
    middle = "  validation 0.625" if validated else ""
    assert printed.err == (
        f"epoch 3/9  loss 1.235  rate 0.05  train 0.500{middle}"
        "  leaving 0.25 0.75  3.1 s\n"
    )
    assert printed.out == ""
