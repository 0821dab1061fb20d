"""What a compiled model tells of itself; whole runs are in test_library."""

import keras
import pytest

from elf_keras import losses, models
from elf_keras.cli import saved_run
from elf_keras.models import removing
from elf_keras.training import manifold_mixup, resized_pass


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda model, loss: removing.RemovingPass(model, loss.leaves),
            ["--method=har", "--train_threshold=0.6", "--leaving=removed"],
        ),
        (
            lambda model, _: resized_pass.ResizedPass(model, 1),
            ["--method=har", "--train_threshold=0.6", "--training_size=1"],
        ),
        (
            lambda model, _: manifold_mixup.ManifoldMixup(
                model, alpha=0.3, seed=0
            ),
            ["--method=single", "--mixing=manifold_mixup", "--mixup_alpha=0.3"],
        ),
    ],
)
def test_a_run_knows_what_a_training_step_called(make, words):
    single = "--method=single" in words
    model = models.build(
        (8, 8, 3), 3, backbone="resnet8", exits="none" if single else "1"
    )
    objective = losses.CumulativeLoss(
        losses.exit_loss("ce", [9, 6, 3]),
        3,
        train_threshold=None if single else 0.6,
    )
    model.compile(
        keras.optimizers.SGD(0.05),
        objective,
        training_pass=make(model, objective),
    )
    assert set(words) <= set(saved_run.words_of(model, ()))
