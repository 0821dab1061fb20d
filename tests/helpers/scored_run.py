"""Epochs of a made training, scored as `run_record` scores them."""

import dataclasses

import tiny

from elf_keras import models, runs
from elf_keras.data import long_tail
from elf_keras.evaluation import prediction
from elf_keras.models import multiply_adds
from elf_keras.training import first_weights, loop, run_record

HISTORY = [
    {"epoch": 1, "loss": 2.0, "seconds": 1.5, "images_per_second": 10.0},
    {"epoch": 2, "loss": 1.5, "seconds": 0.5, "images_per_second": 30.0},
    {"epoch": 3, "loss": 1.0, "seconds": 0.5, "images_per_second": 31.0},
]


class Best:
    """Checkpoints that hold other weights as the best."""

    history = HISTORY
    notes = {"changes": ["resumed with cores 1, before 2"]}

    def __init__(self, epoch):
        self.best = None if epoch is None else {"epoch": epoch}
        self.loaded = 0

    def load_best(self, model):
        model.set_weights(tiny.model(seed=8).get_weights())
        self.loaded += 1


def scored(folder, data, best_epoch, first=None, **options):
    """`first` are the weights before the first epoch, where exits have them."""
    model = tiny.compiled()
    if first is not None:
        last = model.get_weights()
        model.set_weights(first)
        first_weights.keep(folder, model)
        model.set_weights(last)
    scorer = tiny.scorer(
        shot_groups=long_tail.shot_groups(data.class_counts),
        costs=multiply_adds.exit_costs(model),
    )
    training = dataclasses.replace(
        tiny.training(model, tiny.schedule(3), seed=7, parts=data),
        scorer=scorer,
    )
    outcome = loop.Outcome(
        Best(best_epoch), ["a problem"], ["a warning"], (1, 2)
    )
    last = prediction.predict_logits(model, data.test)
    record = run_record.score_epochs(
        training, outcome, folder, model.objective, **options
    )
    return training, outcome, record, last


def saved_scores(folder, data):
    model = models.load(folder / runs.MODEL)
    return prediction.predict_logits(model, data.test)
