"""SGD as HAR uses it, Sec. IV-A, and AdamW for weights of another task."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("elf_keras")
class CoupledSGD(keras.optimizers.SGD):
    """SGD with momentum whose L2 term is part of the gradient, as PyTorch's.

    v ← m v + g + λ w; w ← w - η v, for every trainable variable w. Keras'
    own `weight_decay` is decoupled, w ← w - η λ w outside the momentum: with
    m = 0.9 about ten times weaker. Its velocity holds η, so that after a
    drop of the rate the old one would still act for some ten steps.
    η > 0 is `learning_rate`, m in [0, 1) `momentum`, λ ≥ 0 `coupled_decay`.
    Where the backbone was trained before, `backbone_rate` in (0, 1] times η
    changes it, and η the exits: variables whose path begins with `exit_`.
    """

    def __init__(
        self,
        learning_rate=0.1,
        momentum=0.9,
        coupled_decay=2e-4,
        backbone_rate=1.0,
        name="coupled_sgd",
        **kwargs,
    ):
        super().__init__(learning_rate, momentum=momentum, name=name, **kwargs)
        self.coupled_decay = coupled_decay
        self.backbone_rate = backbone_rate

    def build(self, variables):
        """Make the velocities, and know which variables are the backbone's."""
        super().build(variables)
        self._in_backbone = _in_backbone(variables)

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable and its velocity."""
        step = ops.cast(gradient, variable.dtype)
        step = step + self.coupled_decay * variable
        if self.momentum:
            velocity = self.momentums[self._get_variable_index(variable)]
            step = self.momentum * velocity + step
            self.assign(velocity, step)
        learning_rate = ops.cast(learning_rate, variable.dtype)
        if self._in_backbone[self._get_variable_index(variable)]:
            learning_rate = self.backbone_rate * learning_rate
        self.assign_sub(variable, learning_rate * step)

    def get_config(self):
        """Return the arguments that rebuild the optimizer."""
        return {
            **super().get_config(),
            "coupled_decay": self.coupled_decay,
            "backbone_rate": self.backbone_rate,
        }


@keras.saving.register_keras_serializable("elf_keras")
class AdamW(keras.optimizers.AdamW):
    """AdamW whose learning rate is `backbone_rate` times η below the exits.

    Its steps do not depend on the size of features, which in a given backbone
    may be large; the decay λ is decoupled, w ← w - η λ w, with the same η for
    all weights.

    Reference: Loshchilov and Hutter 2019, *Decoupled Weight Decay
    Regularization*, Algorithm 2.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        weight_decay=1e-4,
        backbone_rate=1.0,
        name="adamw",
        **kwargs,
    ):
        super().__init__(
            learning_rate, weight_decay=weight_decay, name=name, **kwargs
        )
        self.backbone_rate = backbone_rate

    def build(self, variables):
        """Make the moments, and know which variables are the backbone's."""
        super().build(variables)
        self._in_backbone = _in_backbone(variables)

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable and its moments."""
        if self._in_backbone[self._get_variable_index(variable)]:
            learning_rate = self.backbone_rate * learning_rate
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        """Return the arguments that rebuild the optimizer."""
        return {**super().get_config(), "backbone_rate": self.backbone_rate}


def _in_backbone(variables):
    return [not variable.path.startswith("exit_") for variable in variables]
