"""The optimizer by hand: SGD with momentum whose L2 is in the gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from elf_keras.training.optimizer import AdamW, CoupledSGD

DECAY = 0.01
GRADIENTS = np.random.default_rng(0).normal(size=(6, 2, 3)).astype("float32")
START = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]], "float32")


def steps(optimizer, rates):
    variable = keras.Variable(START)
    optimizer.build([variable])
    found = []
    for gradient, rate in zip(GRADIENTS, rates, strict=True):
        optimizer.learning_rate = rate
        optimizer.apply([tf.constant(gradient)])
        found.append(np.array(variable))
    return found


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_coupled_sgd_is_sgd_on_gradient_plus_l2(momentum):
    rates = [0.1, 0.1, 0.2, 0.2, 0.002, 0.002]
    optimizer = CoupledSGD(0.1, momentum=momentum, coupled_decay=DECAY)
    found = steps(optimizer, rates)
    weight = START.astype("float64")
    velocity = np.zeros_like(weight)
    for gradient, rate, stepped in zip(GRADIENTS, rates, found, strict=True):
        velocity = momentum * velocity + gradient + DECAY * weight
        # A drop of the rate acts at once, on the old velocity too.
        weight -= rate * velocity
        np.testing.assert_allclose(stepped, weight, rtol=1e-5, atol=1e-6)


def exit_and_block():
    """One weight of an exit, one of the backbone."""

    class Named(keras.layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(name="kernel", initializer="ones")

    layers = [Named(name=name) for name in ("exit_2_1_conv", "block_exit_1")]
    for layer in layers:
        layer.build(None)
    return [layer.kernel for layer in layers]


def test_the_backbone_goes_slower_than_the_exits():
    variables = exit_and_block()
    optimizer = CoupledSGD(0.5, coupled_decay=0.0, backbone_rate=0.1)
    optimizer.apply([tf.constant(1.0)] * 2, variables)
    found = [float(np.array(v)) for v in variables]
    assert found == pytest.approx([0.5, 0.95])


def test_adamw_goes_by_the_sign_at_first_whatever_the_gradients_size():
    for size in (0.1, 1e3):
        variables = exit_and_block()
        optimizer = AdamW(0.5, weight_decay=0.2, backbone_rate=0.1)
        optimizer.apply([tf.constant(size)] * 2, variables)
        found = [float(np.array(v)) for v in variables]
        # Decay first, by η λ = 0.1; then η, or a tenth of it.
        assert found == pytest.approx([0.4, 0.85], abs=1e-3)
    config = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(config)
    assert again.get_config() == optimizer.get_config()


def test_without_decay_it_is_plain_sgd():
    plain = steps(keras.optimizers.SGD(0.1, momentum=0.9), [0.1] * 6)
    coupled = steps(CoupledSGD(0.1, coupled_decay=0.0), [0.1] * 6)
    np.testing.assert_allclose(coupled, plain, rtol=1e-6, atol=1e-6)


def test_defaults_are_the_papers():
    optimizer = CoupledSGD()
    assert float(optimizer.learning_rate) == pytest.approx(0.1)
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, False)
    assert optimizer.coupled_decay == 2e-4
    assert optimizer.weight_decay is None


def test_the_optimizer_is_rebuilt_from_its_config():
    optimizer = CoupledSGD(0.3, momentum=0.5, coupled_decay=DECAY)
    config = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(config)
    assert type(again) is CoupledSGD
    assert again.get_config() == optimizer.get_config()
    assert again.coupled_decay == DECAY
    np.testing.assert_array_equal(
        steps(again, [0.3] * 6), steps(optimizer, [0.3] * 6)
    )


def test_every_trainable_variable_decays_and_statistics_do_not():
    inputs = keras.Input((3,))
    normalized = keras.layers.BatchNormalization()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(normalized))
    for variable in model.weights:
        variable.assign(np.ones(variable.shape))
    optimizer = CoupledSGD(0.5, momentum=0.0, coupled_decay=0.2)
    zeros = [tf.zeros(v.shape) for v in model.trainable_variables]
    optimizer.apply(zeros, model.trainable_variables)
    for variable in model.trainable_variables:
        np.testing.assert_allclose(np.array(variable), 0.9, rtol=1e-6)
    for variable in model.non_trainable_variables:
        np.testing.assert_array_equal(np.array(variable), 1.0)
