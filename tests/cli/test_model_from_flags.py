"""Each flag ends in the object that it names."""

import command_runs
import keras
import numpy as np
import pytest
import tiny
from made_splits import COUNTS, made
from scipy import special
from tensorflow.python.framework import config as determinism

from elf_keras import losses, models
from elf_keras.cli import model_from_flags, schedule_from_flags
from elf_keras.errors import InputError
from elf_keras.losses import exit_losses
from elf_keras.models import bilateral
from elf_keras.training import manifold_mixup, optimizer

SMALL = ("--workdir=", "--backbone=resnet8")
LDAM = "--exit_loss=ldam --exit_threshold=1.5/C"


def compiled(*words, model=None):
    """A model of two exits with optimizer and objective by the flags."""
    with command_runs.fresh_flags("--workdir=", *words):
        return model_from_flags.compiled(model or tiny.model(), made())


def built(*words, data=None):
    with command_runs.fresh_flags(*SMALL, *words):
        model_from_flags.strategy()
        return model_from_flags.model(data or made())


def test_what_a_command_asks_of_its_process_ends_with_it():
    """Later tests compare bits; a run of --deterministic changes kernels."""
    before = determinism.is_op_determinism_enabled()
    with command_runs.fresh_flags("--workdir=", "--deterministic"):
        model_from_flags.strategy()
        assert determinism.is_op_determinism_enabled()
    assert determinism.is_op_determinism_enabled() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "outputs"),
    [
        ((), 4),
        (("--exits=2",), 2),
        (("--exits=1,3",), 3),
        (("--method=single",), 1),
        (("--method=single", "--exits=1"), 1),
        (("--method=sum",), 4),
        (("--method=summed",), 4),
        (("--method=bbn",), 1),
    ],
)
def test_exits_and_method(words, outputs):
    assert models.exits(built(*words)) == outputs


def test_heads_classifier_and_backbone():
    words = ("--exit_head=separable", "--exit_loss=ldam", "--exit_stride=1")
    model = built(*words)
    assert model.name == "resnet8"
    kinds = [type(found).__name__ for found in model.layers]
    assert "SeparableConv2D" in kinds and "Dense" not in kinds
    assert kinds.count("CosineClassifier") == 4


def test_pixels_are_normalized_by_the_training_split():
    data = made(channels=3)
    model = built(data=data)
    probe = keras.Model(model.input, model.get_layer("normalize").output)
    found = np.array(probe(data.train.images.astype("float32")))
    pixels = found.reshape(-1, 3)
    np.testing.assert_allclose(pixels.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(pixels.std(0), [1, 0, 1], atol=1e-5)


@pytest.mark.parametrize(
    ("method", "threshold"),
    [("har", 0.8), ("sum", np.inf), ("summed", np.inf), ("single", np.inf)],
)
def test_compiled(method, threshold):
    words = "--train_threshold=0.8 --learning_rate=0.3 --weight_decay=0.004"
    loss = "--loss_normalization=batch_size"
    model = compiled(f"--method={method}", *words.split(), loss)
    assert isinstance(model.optimizer, optimizer.CoupledSGD)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.3)
    assert model.optimizer.coupled_decay == 0.004
    assert model.optimizer.momentum == 0.9
    assert model.objective.train_threshold == threshold
    named = losses.objective.NORMALIZATIONS["batch_size"]
    assert model.objective.normalization is named


def ready(*words):
    """A compiled model, the schedule and the batches that flags ask for."""
    data = made()
    with command_runs.fresh_flags(*SMALL, *words):
        return (
            model_from_flags.compiled(model_from_flags.model(data), data),
            schedule_from_flags.schedule(data),
            schedule_from_flags.batches(data),
        )


def test_bbn():
    model, schedule, batches = ready("--method=bbn", "--epochs=10")
    assert type(model.training_pass) is bilateral.BilateralPass
    assert schedule.conventional_share(5) == pytest.approx(0.75)
    assert (batches.sampler, batches.second_sampler) == ("instance", "reversed")


def test_manifold_mixup():
    words = ("--method=single", "--mixing=manifold_mixup", "--mixup_alpha=0.7")
    model, schedule, batches = ready(*words, "--seed=3")
    assert schedule.conventional_share is None
    assert type(model.training_pass) is manifold_mixup.ManifoldMixup
    assert (model.training_pass.alpha, model.training_pass.seed) == (0.7, 3)
    assert batches.augmentation.mixing is None
    assert batches.second_sampler is None


@pytest.mark.parametrize(
    ("words", "function", "expected"),
    [
        ("ce", "cross_entropy", {}),
        # Hardness is measured by the plain loss.
        ("ce --method=summed --exit_weights=1,2", "cross_entropy", {}),
        ("focal --focal_gamma=2", "focal", {"gamma": 2.0}),
        ("la --logit_tau=0.5", "logit_adjustment", {"tau": 0.5}),
        ("ldam --ldam_scale=9 --ldam_power=-1", "ldam", {"scale": 9}),
    ],
)
def test_exit_losses(words, function, expected):
    words = f"--exit_loss={words}".split()
    with command_runs.fresh_flags(*SMALL, *words):
        found_loss = model_from_flags.cumulative_loss(made(), leaving=True)
    assert found_loss.exit_loss.func is getattr(exit_losses, function)
    found = found_loss.exit_loss.keywords
    assert found.items() >= expected.items()
    if function == "ldam":
        # Counts after the cut are 3, 2, 1: margins as 1/n, the largest 0.5.
        margins = np.array(found["margins"])
        np.testing.assert_allclose(margins, [1 / 6, 1 / 4, 1 / 2], rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "prior", "scale", "threshold", "weights"),
    [
        ("", None, 1.0, 0.9, None),
        ("--deployment_prior=train", COUNTS, 1.0, 0.9, None),
        (LDAM, None, 30.0, 0.5, None),
        (f"{LDAM} --ldam_scale=9", None, 9.0, 0.5, None),
        # Summed scores answer for that method alone.
        ("--method=summed --exit_weights=1,3", None, 1.0, 0.9, [1, 3]),
        ("--method=summed", None, 1.0, 0.9, [1, 1]),
        ("--method=sum --exit_weights=1,3", None, 1.0, 0.9, None),
    ],
)
def test_scorer(words, prior, scale, threshold, weights):
    with command_runs.fresh_flags(*SMALL, *words.split()):
        scorer = model_from_flags.scorer(tiny.model(), made())
    np.testing.assert_array_equal(scorer.prior, prior)
    assert scorer.rule.scale == scale
    np.testing.assert_array_equal(scorer.rule.exit_weights, weights)
    assert scorer.thresholds.number == pytest.approx(threshold)
    # Groups of the counts before the cut: 150, 40, 5.
    groups = [scorer.shot_groups[name] for name in ("many", "medium", "few")]
    np.testing.assert_array_equal(groups, np.eye(3))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_precision_reaches_layers_not_weights(precision):
    model = built(f"--mixed_precision={precision}", "--exits=1")
    kinds = {type(found): found.compute_dtype for found in model.layers}
    assert kinds[keras.layers.Conv2D] == precision
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert {out.dtype for out in model.output.values()} == {"float32"}


def test_one_seed_gives_one_start():
    each = [built("--exits=1", f"--seed={seed}") for seed in (3, 3, 4)]
    first, again, other = (model.get_weights()[0] for model in each)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


LOGITS = np.array([[2.0, 0.0, 1.0], [1.0, 1.0, 4.0]])


def per_exit(*words):
    """The loss of each exit of one image whose logits are made."""
    first, second = LOGITS[:, None].astype("float32")
    outputs = {"exit_1": first, "exit_2": second}
    terms = compiled(*words).objective.terms(np.array([2]), outputs)
    return np.array(terms.exit_losses)[0]


@pytest.mark.parametrize("method", ["har", "sum"])
def test_weights_and_a_teacher_reach_the_objective(method):
    words = (f"--method={method}", "--exit_weights=0.5,2")
    found = per_exit(*words)
    expected = per_exit(*words[:1]) * [0.5, 2]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    teacher = ("--distillation=0.5", "--distillation_temperature=2")
    taught = per_exit(*words, *teacher)
    gained = (taught - found) / [0.5, 2]
    shares = special.softmax(LOGITS / 2, axis=-1)
    apart = special.rel_entr(shares[1], shares).sum(-1)
    np.testing.assert_allclose(gained, 0.5 * 4 * apart, atol=1e-5)


def test_summed_reaches_the_objective():
    found = per_exit("--method=summed", "--exit_weights=1,0.5")
    total = LOGITS[0] + 0.5 * LOGITS[1]
    expected = [0, -special.log_softmax(total)[2]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("exits", "words", "says"),
    [
        (2, ["--exit_weights=1"], "1: expected .* exits: 2"),
        (2, ["--exit_weights=1,x"], "1,x"),
        (2, ["--exit_weights=1,0"], "above 0"),
        (2, ["--method=summed", "--distillation=1"], "choose har or sum"),
        (1, ["--method=single", "--exit_weights=1,1"], "exits: 1"),
        (1, ["--method=single", "--distillation=1"], "choose har or sum"),
        (1, ["--distillation=1"], "1 exits"),
        (2, ["--method=bbn", "--mixing=mixup"], "--mixing=none"),
        (2, ["--method=bbn", "--mixing=manifold_mixup"], "--mixing=none"),
        (2, ["--method=har", "--mixing=manifold_mixup"], "--method=single"),
    ],
)
def test_flags_that_do_not_fit_together(exits, words, says):
    model = tiny.model() if exits > 1 else models.static_view(tiny.model())
    with pytest.raises(InputError, match=says):
        compiled(*words, model=model)
