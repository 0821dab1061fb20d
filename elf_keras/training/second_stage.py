"""Second stages: classifiers adapted to the features of a trained model.

Kang et al. 2020, *Decoupling Representation and Classifier for Long-Tailed
Recognition*, section 4: the features stay as they are, batch-norm statistics
included. Every exit's classifier is treated alike. See `post_hoc` for the
stages that train nothing.
"""

import keras
from keras import layers, ops

from elf_keras.exits import exit_rule
from elf_keras.models.multi_exit_model import MultiExitModel


@keras.saving.register_keras_serializable("elf_keras")
class ScaledClassifier(layers.Dense):
    """A fixed classifier whose classes each learn a scale: s_c (w_c·f + b_c).

    The bias is scaled, too, as in the authors' code. Trainable are the C
    scales alone, 1 at first.

    Args:
      units: number of classes C.
      **kwargs: as in `keras.layers.Dense`.

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
        """Return scaled scores, `(batch, classes)`."""
        return ops.multiply(super().call(inputs, training), self.scale)

    # Dense knows of kernel and bias alone: checkpoints would lack the scales.
    save_own_variables = layers.Layer.save_own_variables
    load_own_variables = layers.Layer.load_own_variables


def classifiers(model: MultiExitModel) -> list[layers.Layer]:
    """Return the classifier of every exit, first to last."""
    names = exit_rule.exit_names(len(model.output_names))
    return [model.get_layer(name) for name in names]


def retrained(model: MultiExitModel) -> MultiExitModel:
    """cRT: freeze the features, draw all classifiers anew.

    Args:
      model: trained; changed in place.

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

    Args:
      model: trained, with plain classifiers; frozen, its features shared.

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

    w_c <- s_c w_c and b_c <- s_c b_c, in new classifiers.

    Args:
      model: after any training; the very same one where it has no scales.
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
