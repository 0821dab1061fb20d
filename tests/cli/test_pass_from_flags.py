"""What --leaving=removed trains by, and what it does not go with."""

import command_runs
import numpy as np
import pytest
import tiny
from made_splits import made

from elf_keras import models
from elf_keras.cli import model_from_flags
from elf_keras.errors import InputError
from elf_keras.models import removing
from elf_keras.training import resized_pass

REMOVED = "--leaving=removed"


def compiled(*words, model=None):
    with command_runs.fresh_flags("--workdir=", *words):
        return model_from_flags.compiled(model or tiny.model(), made())


def test_images_are_taken_out_by_the_rule_of_the_objective():
    model = compiled(REMOVED, "--train_threshold=0.8")
    assert type(model.training_pass) is removing.RemovingPass
    # Right and sure; right and not sure; sure and wrong.
    logits = np.array([[9, 0, 0], [1, 0, 0], [0, 9, 0]], "float32")
    found = model.training_pass.leaves(np.zeros(3, int), logits[:, None])
    assert np.array(found).tolist() == [[True], [False], [False]]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--leaving=masked",),
        # Nobody leaves.
        (REMOVED, "--method=sum", "--distillation=1"),
        (REMOVED, "--method=summed"),
    ],
)
def test_else_the_model_itself_is_called(words):
    model = compiled(*words)
    assert model.training_pass == model._training_pass


@pytest.mark.parametrize("mixing", ["none", "mixup", "cutmix"])
def test_images_may_be_mixed(mixing):
    model = compiled(REMOVED, f"--mixing={mixing}")
    assert type(model.training_pass) is removing.RemovingPass


@pytest.mark.parametrize(
    ("exits", "words", "says"),
    [
        (1, ["--method=single"], "single has no early exit"),
        (1, ["--method=bbn"], "bbn has no early exit"),
        (1, [], "har has no early exit"),
        (2, ["--mixing=manifold_mixup"], "choose mixup or cutmix"),
        (2, ["--distillation=0.5"], "--distillation=0.5 asks the last exit"),
        (2, ["--strategy=tpu"], "a TPU needs batches of one size"),
    ],
)
def test_what_it_does_not_go_with(exits, words, says):
    model = tiny.model() if exits > 1 else models.static_view(tiny.model())
    with pytest.raises(InputError, match=says) as told:
        compiled(REMOVED, *words, model=model)
    assert str(told.value).startswith("--leaving=removed: ")
    assert str(told.value).endswith(", or set --leaving=masked")
    assert "\n" not in str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [["--method=single"], ["--method=bbn"], ["--mixing=manifold_mixup"]],
)
def test_the_command_ends_in_one_line(tmp_path, words):
    words = (*command_runs.TINY, REMOVED, *words)
    run = tmp_path / "run"
    says = ["--leaving=removed: ", words[-1], "or set --leaving=masked"]
    command_runs.refused("train", *words, f"--workdir={run}", says=says)
    assert not run.exists()


def test_a_size_for_training_alone():
    built = models.build((24, 24, 3), 3, backbone="resnet8", exits="1")
    model = compiled("--training_size=16", model=built)
    assert type(model.training_pass) is resized_pass.ResizedPass
    assert model.training_pass.size == 16


@pytest.mark.parametrize("size", [24, 32])
def test_images_that_are_smaller_stay_as_they_are(size):
    """A recipe for photos of 224 pixels is used with fewer, too."""
    built = models.build((24, 24, 3), 3, backbone="resnet8", exits="1")
    model = compiled(f"--training_size={size}", model=built)
    assert model.training_pass == model._training_pass
    removed = compiled(f"--training_size={size}", REMOVED, model=built)
    assert type(removed.training_pass) is removing.RemovingPass


def test_a_size_that_does_not_go_with_the_method():
    built = models.build((24, 24, 3), 3, backbone="resnet8", exits="1")
    with pytest.raises(InputError, match="=16 does not go with --leaving"):
        compiled("--training_size=16", REMOVED, model=built)
