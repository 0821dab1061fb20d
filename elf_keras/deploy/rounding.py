"""Weights rounded to the integers that int8 files hold, least felt by images.

A converter rounds each weight to the nearest integer. On ReLU outputs, which
are positive and alike in neighbouring pixels, the errors of a depthwise kernel
add up: exit 1 of an EfficientNet-Lite0 was 9 % off by its weights alone. Here
the mean of the error goes into the bias, and the later weights of a kernel
make up for the rounding of the earlier ones. Reference: Frantar et al. 2023
(GPTQ), Algorithm 1; Nagel et al. 2019 (Data-Free Quantization), Sec. 4.2.
"""

import dataclasses
import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from elf_keras import models
from elf_keras.deploy import whole_pixels
from elf_keras.models import layer_graph

# Symmetric, as LiteRT stores weights, one scale for each output channel.
LARGEST = 127
BATCH = 8
# About as many places of a feature map stand for all of it, on a grid.
PLACES = 25
# Kernels of more inputs are rounded to nearest: n³ steps, n² numbers.
MOST_INPUTS = 2304
# Added to the diagonal, as a share of its mean: few images say little.
DAMPING = 0.01


@dataclasses.dataclass(eq=False)
class _Kernel:
    """A layer whose kernel is rounded, and what is known of its inputs.

    A depthwise layer has a group for each channel, all others have one.
    """

    layer: keras.Layer
    norm: keras.Layer | None  # the batch norm that alone reads it
    count: int = 0
    total: np.ndarray | float = 0.0  # Σ x, `(groups, inputs)`
    # Σ x xᵀ, `(groups, inputs, inputs)`; of too many inputs it stays 0.
    squares: np.ndarray | float = 0.0

    @property
    def centred(self) -> bool:
        """Whether something behind it can take the mean of an error away."""
        return self.norm is not None or self.layer.use_bias

    def weights(self) -> np.ndarray:
        """The kernel as `(groups, inputs, outputs)`."""
        kernel = np.asarray(self.layer.kernel, "float64")
        if isinstance(self.layer, layers.DepthwiseConv2D):
            flat = kernel.reshape(-1, *kernel.shape[2:])
            return flat.transpose(1, 0, 2)
        return kernel.reshape(1, -1, kernel.shape[-1])

    def observe(self, features: tf.Tensor) -> tuple:
        """Return `count`, `total`, `squares` of one batch, `(batch, …)`."""
        rows = self._rows(features)
        total = tf.reduce_sum(tf.cast(rows, tf.float64), 0)
        squares = tf.constant(0.0)
        if rows.shape[-1] <= MOST_INPUTS:
            across = tf.transpose(rows, (1, 2, 0))
            squares = tf.matmul(across, across, transpose_b=True)
        return tf.shape(rows)[0], total, squares

    def add(self, count, total, squares) -> None:
        """Add what `observe` found in a batch."""
        self.count += int(count)
        self.total = self.total + total.numpy()
        self.squares = self.squares + squares.numpy()

    def _rows(self, features):
        """Inputs at each place, `(places, groups, inputs)`."""
        if isinstance(self.layer, layers.Dense):
            return tf.reshape(features, (-1, 1, features.shape[-1]))
        height, width = self.layer.kernel_size
        places = math.prod(self.layer.output.shape[1:3])
        apart = max(1, math.isqrt(places // PLACES))
        patches = tf.image.extract_patches(
            features,
            (1, height, width, 1),
            (1, *(apart * stride for stride in self.layer.strides), 1),
            (1, *self.layer.dilation_rate, 1),
            self.layer.padding.upper(),
        )
        inputs = patches.shape[-1]
        # On the coarsest grid there may still be twice as many.
        step = max(1, math.prod(patches.shape[1:3]) // PLACES)
        rows = tf.reshape(patches, (-1, 1, inputs))[::step]
        if isinstance(self.layer, layers.DepthwiseConv2D):
            size = height * width
            rows = tf.reshape(rows, (-1, size, inputs // size))
            return tf.transpose(rows, (0, 2, 1))
        return rows

    def round(self) -> None:
        """Round the kernel, and take the mean of the error out."""
        weights, mean = self.weights(), self.total / self.count
        moments = self.squares / self.count
        if self.centred:
            moments = moments - mean[:, :, None] * mean[:, None, :]
        chosen = rounded(weights, moments)
        error = np.einsum("gi,gio->go", mean, chosen - weights).reshape(-1)
        self._assign(chosen)
        if self.norm is not None:
            self.norm.moving_mean.assign(self.norm.moving_mean + error)
        elif self.layer.use_bias:
            self.layer.bias.assign(self.layer.bias - error)

    def _assign(self, chosen):
        if isinstance(self.layer, layers.DepthwiseConv2D):
            chosen = chosen.transpose(1, 0, 2)
        self.layer.kernel.assign(chosen.reshape(self.layer.kernel.shape))


def of_model(model: keras.Model, images: np.ndarray) -> keras.Model:
    """Return a copy whose kernels hold what int8 files can store.

    Of convolutions, depthwise convolutions and dense layers; a converter
    finds the same integers again.

    Args:
      images: training images that stand for real ones, `(images, …)`.
    """
    copy = models.in_float32(model)
    whole_pixels.in_place(copy)
    kernels = _kernels(copy)
    if not kernels:
        return copy
    reading = keras.Model(copy.inputs, [at.layer.input for at in kernels])

    @tf.function
    def observed(batch):
        found = tf.nest.flatten(reading(batch, training=False))
        pairs = zip(kernels, found, strict=True)
        return [kernel.observe(features) for kernel, features in pairs]

    for start in range(0, len(images), BATCH):
        batch = tf.constant(images[start : start + BATCH], tf.float32)
        for kernel, found in zip(kernels, observed(batch), strict=True):
            kernel.add(*found)
    for kernel in kernels:
        kernel.round()
    return copy


def rounded(weights: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Round W to multiples of max |W| / 127 so that E (Δᵀx)² is small.

    Weight after weight, those that follow make up for the error so far.

    Args:
      weights: W, `(groups, inputs, outputs)`.
      moments: E x xᵀ, or the covariance where the mean of the error is taken
        out, `(groups, inputs, inputs)`.

    Returns:
      Of W's shape; the largest of each output stays, and so the scale.
    """
    scale = np.abs(weights).max(1, keepdims=True) / LARGEST
    scale = np.where(scale == 0, 1.0, scale)
    if weights.shape[1] > MOST_INPUTS:
        return np.rint(weights / scale) * scale
    places = np.arange(weights.shape[1])
    power = moments[:, places, places].mean(1)
    damping = DAMPING * np.where(power == 0, 1.0, power)
    moments = moments + damping[:, None, None] * np.eye(len(places))
    shares = _shares(moments)
    left, found = weights.copy(), np.empty_like(weights)
    largest = np.abs(weights) >= LARGEST * scale * (1 - 1e-9)
    for i in places:
        whole = np.rint(left[:, i] / scale[:, 0]).clip(-LARGEST, LARGEST)
        found[:, i] = np.where(
            largest[:, i], weights[:, i], whole * scale[:, 0]
        )
        error = (left[:, i] - found[:, i]) / shares[:, i, i, None]
        left[:, i:] -= shares[:, i, i:, None] * error[:, None]
    return found


def _shares(moments):
    """U, upper triangular, of Uᵀ U = H⁻¹, `(groups, inputs, inputs)`.

    Row i says how the weights behind i make up for its error. Of R, upper
    triangular, with R Rᵀ = H it is the inverse.
    """
    # TensorFlow's, whose threads do not spin where a core is busy otherwise.
    lower = tf.linalg.cholesky(moments[:, ::-1, ::-1])
    one = tf.eye(
        moments.shape[-1], batch_shape=[len(moments)], dtype=tf.float64
    )
    upper = tf.reverse(lower, (1, 2))
    return tf.linalg.triangular_solve(upper, one, lower=False).numpy()


def _kernels(model):
    """Layers of one kernel, each called once, in order."""
    calls = layer_graph.calls(model.outputs)
    times, readers = {}, {}
    for call in calls:
        times[call.operation] = times.get(call.operation, 0) + 1
        for parent in call.parent_nodes:
            readers.setdefault(id(parent), []).append(call.operation)
    return [
        _Kernel(call.operation, _norm(readers.get(id(call), []), times))
        for call in calls
        if _is_plain(call.operation) and times[call.operation] == 1
    ]


def _norm(readers, times):
    """The batch norm, where nothing else reads the layer."""
    alone = len(readers) == 1 and times[readers[0]] == 1
    if not alone or not isinstance(readers[0], layers.BatchNormalization):
        return None
    return readers[0] if readers[0].axis in (-1, 3) else None


def _is_plain(operation):
    kinds = layers.Conv2D, layers.DepthwiseConv2D, layers.Dense
    return type(operation) in kinds and getattr(operation, "groups", 1) == 1
