"""Second stages: classifiers adapted to the features of a trained model.

Kang et al. 2020, *Decoupling Representation and Classifier for Long-Tailed
Recognition*, section 4: the features stay as they are, batch-norm statistics
included, and every exit's classifier is treated alike. cRT and LWS train. The
rules of `RULES` do not: each changes logits linearly, class by class, and so
becomes the classifier's own weights, z'_c = m_c (z_c - b_c) + b'_c, which is
w'_c = m_c w_c and b'_c. A rule takes the kernel w, `(features, classes)`, the
bias b and the training images' log priors log π, `(classes,)`, and τ ≥ 0; it
returns m and b', each `(classes,)`.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops

from elf_keras.data import splits
from elf_keras.evaluation import prediction
from elf_keras.exits import exit_rule
from elf_keras.losses import class_weights
from elf_keras.models.multi_exit_model import MultiExitModel

# As in the code of Kang et al.: 0 to 2 in steps of 0.1.
TAUS = tuple(round(0.1 * step, 1) for step in range(21))
_SMALLEST_NORM = 1e-12


@keras.saving.register_keras_serializable("elf_keras")
class ScaledClassifier(layers.Dense):
    """A fixed classifier whose classes each learn a scale: s_c (w_c·f + b_c).

    The bias is scaled, too, as in the authors' code. Trainable are the C
    scales alone, 1 at first.

    Reference: Kang et al. 2020, section 4 (LWS).
    """

    def build(self, input_shape):
        """Create the scales, `(classes,)`; kernel and bias are fixed."""
        super().build(input_shape)
        self.kernel.trainable = self.bias.trainable = False
        self.scale = self.add_weight(
            shape=(self.units,), initializer="ones", name="scale"
        )

    def call(self, inputs, training=None):
        """Return scaled logits, `(batch, classes)`."""
        return ops.multiply(super().call(inputs, training), self.scale)

    # Dense knows of kernel and bias alone: checkpoints would lack the scales.
    save_own_variables = layers.Layer.save_own_variables
    load_own_variables = layers.Layer.load_own_variables


def classifiers(model: MultiExitModel) -> list[layers.Layer]:
    """Return the classifier of every exit, first to last."""
    names = exit_rule.exit_names(len(model.output_names))
    return [model.get_layer(name) for name in names]


def retrained(model: MultiExitModel) -> MultiExitModel:
    """cRT: freeze the features, draw all classifiers anew, in place.

    Reference: Kang et al. 2020, section 4 (cRT).
    """
    _freeze_features(model)
    for classifier in classifiers(model):
        kernel, *bias = classifier.weights
        kernel.assign(keras.initializers.GlorotUniform()(kernel.shape))
        for weight in bias:
            weight.assign(ops.zeros_like(weight))
    return model


def scaled(model: MultiExitModel) -> MultiExitModel:
    """LWS: freeze all, and give each class of each classifier a scale.

    The new model shares the features of the old one, of plain classifiers.

    Reference: Kang et al. 2020, section 4 (LWS).
    """
    _freeze_features(model)
    found = _with_classifiers(model, ScaledClassifier)
    for old, new in zip(classifiers(model), classifiers(found), strict=True):
        new.kernel.assign(old.kernel)
        new.bias.assign(old.bias)
    return found


TRAINED_STAGES = {"crt": retrained, "lws": scaled}


def finished(model: MultiExitModel) -> MultiExitModel:
    """Return an ordinary model: nothing is frozen, scales are folded in.

    w_c <- s_c w_c and b_c <- s_c b_c, in new classifiers; it is the very same
    model where it has no scales.
    """
    for layer in model.layers:
        layer.trainable = True
    if not isinstance(classifiers(model)[0], ScaledClassifier):
        return model
    found = _with_classifiers(model, layers.Dense)
    for old, new in zip(classifiers(model), classifiers(found), strict=True):
        new.kernel.assign(ops.multiply(old.kernel, old.scale))
        new.bias.assign(ops.multiply(old.bias, old.scale))
    return found


def tau_norm(
    kernel: np.ndarray, bias: np.ndarray, log_priors: np.ndarray, tau: float
) -> tuple[np.ndarray, np.ndarray]:
    """τ-normalization: w_c / |w_c|^τ, without bias, as the authors' code.

    Reference: Kang et al. 2020, section 4, Eq. 3.
    """
    norms = np.linalg.norm(kernel, axis=0)
    return np.maximum(norms, _SMALLEST_NORM) ** -tau, np.zeros_like(bias)


def logit_adjustment(
    kernel: np.ndarray, bias: np.ndarray, log_priors: np.ndarray, tau: float
) -> tuple[np.ndarray, np.ndarray]:
    """Logit adjustment after training: z_c - τ log π_c.

    τ = 1 is right where softmax(z) is calibrated.

    Reference: Menon et al. 2021, Long-Tail Learning via Logit Adjustment,
    Eq. 9.
    """
    return np.ones_like(bias), bias - tau * log_priors


RULES = {"tau_norm": tau_norm, "logit_adjustment": logit_adjustment}


def change(
    model: keras.Model, rule: Callable, counts: np.ndarray, tau: float
) -> None:
    """Change the plain classifiers of all exits in place, by one of `RULES`.

    `counts` are the training images per class, `(classes,)`, all ≥ 1.
    """
    log_priors = class_weights.log_priors(counts)
    for classifier in classifiers(model):
        kernel, bias = classifier.get_weights()
        multipliers, new_bias = rule(kernel, bias, log_priors, tau)
        classifier.set_weights([kernel * multipliers, new_bias])


def accuracies(
    model: keras.Model,
    rule: Callable,
    counts: np.ndarray,
    examples: splits.Examples,
    weights: np.ndarray,
) -> np.ndarray:
    """Accuracy of the last exit under every τ of `TAUS`, from one pass.

    The model is that before the `change`; `weights` are those of the examples
    in the mean, `(images,)`, sum 1.
    """
    log_priors = class_weights.log_priors(counts)
    kernel, bias = classifiers(model)[-1].get_weights()
    changes = [rule(kernel, bias, log_priors, tau) for tau in TAUS]
    predicted = []
    for logits in prediction.logit_parts(model, examples):
        bare = logits[:, -1] - bias
        predicted.append(
            [(bare * scale + new).argmax(-1) for scale, new in changes]
        )
    return (np.concatenate(predicted, axis=1) == examples.labels) @ weights


def _freeze_features(model):
    trained = classifiers(model)
    for layer in model.layers:
        layer.trainable = layer in trained


def _with_classifiers(model, kind):
    """The same network, its features shared, with new classifiers."""
    with model.distribute_strategy.scope():
        outputs = {
            old.name: kind(old.units, name=old.name, dtype="float32")(old.input)
            for old in classifiers(model)
        }
        return MultiExitModel(model.inputs[0], outputs, name=model.name)
