"""BBN's two branches: what they read, what they cost, how they are weighed."""

import keras
import numpy as np
import pytest

from elf_keras import losses, models
from elf_keras.errors import InputError
from elf_keras.losses.objective import CumulativeLoss
from elf_keras.models import bilateral, multiply_adds
from elf_keras.training import schedules

CLASSES, SIDE = 3, 8


def build(**options):
    keras.utils.set_random_seed(0)
    return bilateral.build(
        (SIDE, SIDE, 1), CLASSES, **{"backbone": "resnet8", **options}
    )


def trainable(rate):
    model = build()
    loss = CumulativeLoss(losses.exit_loss("ce", [4, 4, 4]), CLASSES)
    both = bilateral.BilateralPass(model)
    model.compile(keras.optimizers.SGD(rate), loss, training_pass=both)
    return model


@pytest.fixture(scope="module")
def compiled():
    return trainable(0.0)


@pytest.fixture(scope="module")
def pairs():
    random = np.random.default_rng(0)
    images = random.integers(256, size=(4, 2, SIDE, SIDE, 1)).astype("float32")
    return images, np.array([[0, 1], [1, 2], [2, 2], [0, 2]])


def pooled(model, images, name, **options):
    """Mean of a branch's map over the image, `(batch, channels)`."""
    branch = keras.Model(model.input, model.get_layer(name).output)
    return np.array(branch(images, **options)).mean((1, 2))


def kernel_and_bias(model):
    return [w.numpy() for w in model.get_layer("exit_1").weights]


CONVENTIONAL = "group_3_block_1_relu"
REBALANCING = "rebalancing_block_relu"


def test_in_use_both_branches_weigh_one_half(pairs):
    model, images = build(), pairs[0][:, 0]
    kernel, bias = kernel_and_bias(model)
    half = len(kernel) // 2
    scores = 2 * (
        0.5 * pooled(model, images, CONVENTIONAL) @ kernel[:half]
        + 0.5 * pooled(model, images, REBALANCING) @ kernel[half:]
    )
    found = model(images, training=False)
    assert set(found) == {"exit_1"}
    np.testing.assert_allclose(found["exit_1"], scores + bias, atol=1e-4)
    assert abs(scores).max() > 0.1


@pytest.mark.parametrize("share", [1.0, 0.64, 0.0])
def test_training_by_hand(compiled, pairs, share):
    images, labels = pairs
    compiled.training_pass.share.assign(share)
    kernel, bias = kernel_and_bias(compiled)
    half = len(kernel) // 2
    first = pooled(compiled, images[:, 0], CONVENTIONAL, training=True)
    second = pooled(compiled, images[:, 1], REBALANCING, training=True)
    scores = bias + 2 * (
        share * first @ kernel[:half] + (1 - share) * second @ kernel[half:]
    )
    outputs, shares = compiled.training_pass(images, labels)
    np.testing.assert_allclose(outputs["exit_1"], scores, atol=1e-4)
    lost = np.log(np.exp(scores).sum(1))[:, None] - scores
    rows = np.arange(len(labels))
    first, second = lost[rows, labels[:, 0]], lost[rows, labels[:, 1]]
    by_hand = share * first + (1 - share) * second
    loss = compiled.objective(shares, outputs)
    assert float(loss) == pytest.approx(by_hand.mean(), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "still"), [(1.0, "rebal"), (0.0, "group_3")])
def test_a_branch_without_share_learns_nothing(pairs, share, still):
    model = trainable(0.1)
    model.training_pass.share.assign(share)
    weights = model.trainable_weights
    before = {w.path: w.numpy() for w in weights}
    model.train_on_batch(*pairs)
    changed = {w.path for w in weights if (w.numpy() != before[w.path]).any()}
    assert not [path for path in changed if path.startswith(still)]
    assert [path for path in changed if path.startswith("group_1")]


def test_the_share_along_the_epochs():
    share = schedules.cumulative_share(200)
    by_hand = {0: 1.0, 20: 0.99, 100: 0.75, 120: 0.64, 199: 0.009975}
    assert {e: share(e) for e in by_hand} == pytest.approx(by_hand)


@pytest.mark.slow
def test_costs_of_a_resnet32_count_both_branches():
    model = bilateral.build((32, 32, 3), 10, backbone="resnet32")
    # Two 3x3 convolutions of 64 by 64 channels on 8x8, and 64 x 10 more.
    twin = 2 * 9 * 64 * 64 * 64 + 640
    costs = multiply_adds.exit_costs(model)
    assert costs.backbone == 68_862_592 + twin
    assert costs.with_heads.tolist() == [costs.backbone]
    # The same, and two batch normalizations of scale and offset.
    more = 2 * 9 * 64 * 64 + 640 + 2 * 2 * 64
    parameters = sum(w.numpy().size for w in model.trainable_weights)
    assert parameters == 464_154 + more


@pytest.mark.slow
def test_a_resnet50_doubles_its_last_bottleneck():
    shape, kind = (32, 32, 3), {"backbone": "resnet50"}
    plain = models.build(shape, 2, **kind, exits="none")
    whole = bilateral.build(shape, 2, **kind)
    plain, whole = map(multiply_adds.exit_costs, (plain, whole))
    twin = 2048 * 512 + 9 * 512 * 512 + 512 * 2048 + 2048 * 2
    assert whole.backbone == plain.backbone + twin


def test_cosine_classifier_saves_and_loads(pairs, tmp_path):
    model = build(cosine=True)
    bilateral.BilateralPass(model)
    models.save(model, tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    images = pairs[0][:, 1]
    expected = model(images, training=False)["exit_1"]
    found = loaded(images, training=False)["exit_1"]
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found).max() <= 1 + 1e-6
    assert models.tap_names(loaded) == [bilateral.BOTH]
    (stage,) = models.stages(loaded)
    np.testing.assert_allclose(
        stage(images, training=False)["exit_1"], expected, atol=1e-6
    )


@pytest.mark.slow
def test_other_backbones_are_refused():
    with pytest.raises(InputError, match="doubles the last block"):
        bilateral.build((32, 32, 3), 2, backbone="keras:MobileNetV3Small")
    with pytest.raises(InputError, match="at least 2"):
        bilateral.build((SIDE, SIDE, 1), 1, backbone="resnet8")
