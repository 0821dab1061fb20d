"""From --weights to a backbone's published weights, of another task."""

import keras
from absl import flags

from elf_keras.models import Pixels
from elf_keras.models.backbones import pretrained, published_weights

FLAGS = flags.FLAGS


def is_published() -> bool:
    """Whether --weights names a backbone's alone, of another task."""
    weights = FLAGS.weights
    return weights in ("pretrained", "imagenet") or weights.endswith(".h5")


def published(image_shape) -> tuple[keras.Model, Pixels]:
    """Load it: from normalized images to features, and the pixels for it."""
    if FLAGS.weights == "pretrained":
        return published_weights.load(FLAGS.backbone, image_shape)
    return pretrained.load(FLAGS.backbone, FLAGS.weights, image_shape)
