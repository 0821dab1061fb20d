"""Multiply-adds (MACs) of a Keras functional model, whole and to each exit.

HAR, Sec. IV and Fig. 1 compare compute. One MAC is one multiplication and one
addition: FLOPs = 2 x MACs. Counted as in the published ResNet figures: the
kernels of convolutions and dense layers for one image, borders as if padding
were real; biases, norms, activations, poolings and additions are not counted.
"""

import dataclasses
import math
from collections.abc import Sequence

import keras
import numpy as np

from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.models import layer_graph

# Per layer class: its kernels, and whether each kernel entry is used once per
# output position or, where the layer spreads values, per input position.
# A subclass counts like its base; add a line for a layer of your own.
_TWO_KERNELS = ("depthwise_kernel", "pointwise_kernel")
KERNELS = {
    **{f"Conv{n}D": (("kernel",), "output") for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": (("kernel",), "input") for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": (("kernel",), "output") for n in (1, 2)},
    **{f"SeparableConv{n}D": (_TWO_KERNELS, "output") for n in (1, 2)},
    "CosineClassifier": (("kernel",), "output"),
    "Dense": (("kernel",), "output"),
}
# Their weights have two axes or more, yet are looked up or applied singly.
NO_KERNEL = ("Embedding", "LayerNormalization", "Normalization", "PReLU")
# In the name of a layer or operation that multiplies without a weight.
MULTIPLIES = ("Attention", "Conv", "Dot", "dot", "Einsum", "Inner", "Matmul")


@dataclasses.dataclass(frozen=True, eq=False)
class ExitCosts:
    """MACs for one image to reach and answer at each exit.

    Attributes:
      with_heads: backbone up to the tap of exit k and every head met on the
        way (1…k), int64 `(exits,)`: what a dynamic model really spends.
      without_heads: backbone up to the tap alone, int64 `(exits,)`; its last
        entry is the whole backbone with its own classifier.
      backbone: the bare backbone, the last entry of `without_heads`.
      stage_milliseconds: measured time of each stage, `(exits,)`, or None
        while nothing was timed.
    """

    with_heads: np.ndarray
    without_heads: np.ndarray
    backbone: int
    stage_milliseconds: Sequence[float] | None = None

    @property
    def milliseconds(self) -> np.ndarray | None:
        """Time of an image that leaves at each exit, `(exits,)`, or None."""
        if self.stage_milliseconds is None:
            return None
        return np.cumsum(self.stage_milliseconds)


def layer_macs(
    layer: keras.Operation,
    *,
    input_shape: tuple | None = None,
    output_shape: tuple | None = None,
) -> int:
    """Multiply-adds of one call of a layer, or of a model, for one image.

    Size of the kernel, which already knows groups and does not grow with
    dilation, times the output positions (the input positions of a transposed
    convolution). A model: the sum over its calls of layers.

    Args:
      input_shape: of this call, batch first; None means its first call.
      output_shape: of this call, batch first; None means its first call.

    Returns:
      MACs; 0 for a layer without multiply-add kernel.

    Raises:
      InputError: for a layer that has a kernel but is not known here, and
        for sizes that are not fixed, so that no cost is silently 0.
    """
    if isinstance(layer, keras.Model):
        return _nested_macs(layer, input_shape)
    bases = [base.__name__ for base in type(layer).__mro__]
    known = next((KERNELS[base] for base in bases if base in KERNELS), None)
    if known is None:
        _check_costless(layer)
        return 0
    names, side = known
    if side == "input":
        shape = input_shape or layer.input.shape
    else:
        shape = output_shape or layer.output.shape
    sizes = [math.prod(getattr(layer, name).shape) for name in names]
    return _positions(layer, shape) * sum(sizes)


def exit_costs(model: keras.Model) -> ExitCosts:
    """Multiply-adds to each exit, with and without the heads on the way.

    Args:
      model: functional, with outputs `exit_1` … `exit_K` and, for all but
        the last, a layer `exit_k_tap` whose input is the tap of exit k.

    Raises:
      InputError: if such an output or layer is missing, and as `layer_macs`.
    """
    heads = _heads(model)
    taps = [_tap(model, name) for name in list(heads)[:-1]]
    heads = list(heads.values())
    with_heads = [macs_to(heads[: k + 1]) for k in range(len(heads))]
    without_heads = [macs_to([tensor]) for tensor in (*taps, heads[-1])]
    return ExitCosts(
        np.array(with_heads, dtype=np.int64),
        np.array(without_heads, dtype=np.int64),
        without_heads[-1],
    )


def macs_to(tensors: list[keras.KerasTensor]) -> int:
    """Multiply-adds of all that these tensors depend on, for one image.

    Raises:
      InputError: as `layer_macs`.
    """
    return sum(
        layer_macs(
            call.operation,
            input_shape=call.input_tensors[0].shape,
            output_shape=call.outputs[0].shape,
        )
        for call in layer_graph.calls(tensors)
        if not call.is_input
    )


def saving(cost: float, backbone: float) -> float:
    """Share of the bare backbone's compute that is saved: 1 - cost/backbone.

    Negative where heads cost more than leaving saves.
    """
    return 1.0 - cost / backbone


def _nested_macs(model, input_shape):
    outputs = getattr(model, "outputs", None)
    if not outputs:
        raise InputError(
            f"Model {model.name} has no graph of layers to count; expected a "
            "functional model, or a sequential one with an input shape."
        )
    inside = tuple(model.inputs[0].shape)
    if input_shape is not None and tuple(input_shape)[1:] != inside[1:]:
        raise InputError(
            f"Nested model {model.name} was built for {inside} and is called "
            f"with {tuple(input_shape)}; build it for the size it is used at."
        )
    return macs_to(outputs)


def _heads(model):
    named = model.output if isinstance(model.output, dict) else {}
    names = exit_rule.exit_names(len(named))
    if not named or set(names) != set(named):
        raise InputError(
            f"Model {model.name} has the outputs {sorted(named)}; expected "
            "exit_1 to exit_K: build it with elf_keras.models."
        )
    return {name: named[name] for name in names}


def _tap(model, exit_name):
    try:
        return model.get_layer(f"{exit_name}_tap").input
    except ValueError as error:
        raise InputError(
            f"The model has no layer {exit_name}_tap, which marks where the "
            "head leaves the backbone; name the head's first layer so."
        ) from error


def _check_costless(layer):
    kind = type(layer).__name__
    unknown = layer_graph.has_kernel(layer) and kind not in NO_KERNEL
    if unknown or any(word in kind for word in MULTIPLIES):
        raise InputError(
            f"Multiply-adds of layer {layer.name} ({kind}) are not known; "
            "say which weights it multiplies by, as in "
            "elf_keras.models.multiply_adds.KERNELS"
            f"[{kind!r}] = (('kernel',), 'output')."
        )


def _positions(layer, shape):
    """Product of the axes between batch and channels."""
    first = getattr(layer, "data_format", None) == "channels_first"
    between = shape[2:] if first else shape[1:-1]
    if any(size is None for size in between):
        raise InputError(
            f"Layer {layer.name} works on {tuple(shape)}: a size is not "
            "fixed; build the model with the image size it will see."
        )
    return math.prod(between)
