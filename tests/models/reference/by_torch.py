"""Writes the reference files beside it, by PyTorch, outside the project.

    python -m venv torch; torch/bin/pip install torch==2.13.0 scikit-learn
    PYTHONPATH=tests/helpers torch/bin/python \
        tests/models/reference/by_torch.py efficientnet-lite0-57934424.pth

EfficientNet-Lite0 in plain PyTorch in float64, from the same file of weights,
with the padding of TensorFlow, written without a look at ours.
"""

import hashlib
import pathlib
import sys

import numpy as np
import reference_images
import torch
from torch.nn import functional

FOLDER = pathlib.Path(__file__).parent
# Kernel, stride, expansion, filters, repeats.
ROWS = [
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
]
TAPS = (0, 2, 4, 7, 10)


def padded(x, kernel, stride):
    """Pad as TensorFlow's SAME: the odd pixel goes below and to the right."""
    borders = []
    for size in (x.shape[3], x.shape[2]):
        covered = (-(-size // stride) - 1) * stride + kernel
        missing = max(covered - size, 0)
        borders += [missing // 2, missing - missing // 2]
    return functional.pad(x, borders)


def convolved(x, state, kernel, norm, *, stride=1, groups=1):
    weight = state[f"{kernel}.weight"].double()
    x = padded(x, weight.shape[-1], stride)
    x = functional.conv2d(x, weight, stride=stride, groups=groups)
    mean, variance, scale, shift = (
        state[f"{norm}.{name}"].double()
        for name in ("running_mean", "running_var", "weight", "bias")
    )
    return functional.batch_norm(
        x, mean, variance, scale, shift, training=False, eps=1e-3
    )


def forward(image, state):
    """Return the maps at the taps, pooled features and logits."""
    x = torch.from_numpy(image.astype("float64").transpose(2, 0, 1))[None]
    x = (x - 127) / 128
    x = functional.relu6(convolved(x, state, "_conv_stem", "_bn0", stride=2))
    rows = [
        (expansion, filters, stride if number == 0 else 1)
        for _, stride, expansion, filters, repeats in ROWS
        for number in range(repeats)
    ]
    taps = []
    for number, (expansion, filters, stride) in enumerate(rows):
        block, start = f"_blocks.{number}", x
        if expansion > 1:
            names = f"{block}._expand_conv", f"{block}._bn0"
            x = functional.relu6(convolved(x, state, *names))
        names = f"{block}._depthwise_conv", f"{block}._bn1"
        x = convolved(x, state, *names, stride=stride, groups=x.shape[1])
        x = functional.relu6(x)
        x = convolved(x, state, f"{block}._project_conv", f"{block}._bn2")
        if stride == 1 and start.shape[1] == filters:
            x = x + start
        taps += [x] if number in TAPS else []
    x = functional.relu6(convolved(x, state, "_conv_head", "_bn1"))
    pooled = x.mean((2, 3))
    weight, bias = state["_fc.weight"].double(), state["_fc.bias"].double()
    return taps, pooled, pooled @ weight.T + bias


def digest(state):
    """One checksum over all names, types, shapes and numbers."""
    total = hashlib.sha256()
    for name in sorted(state):
        array = state[name].numpy()
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def lite0(path):
    state = torch.load(path, weights_only=True)
    made = {"tensors_sha256": digest(state), "tensors": len(state)}
    for number, image in enumerate(reference_images.images()):
        taps, features, logits = forward(image, state)
        made[f"features_{number}"] = features[0].numpy().astype("f4")
        made[f"logits_{number}"] = logits[0].numpy().astype("f4")
        # The mean of each channel, and its first pixel.
        for tap, found in zip(TAPS, taps, strict=True):
            both = found[0].mean((1, 2)), found[0, :, 0, 0]
            made[f"tap_{tap}_{number}"] = torch.stack(both).numpy().astype("f4")
    np.savez_compressed(FOLDER / "lite0.npz", **made)


def small_files():
    """Tensors of several kinds, in the form of before PyTorch 1.6 and today."""
    numbers = torch.arange(24, dtype=torch.float32)
    state = {
        "whole": numbers,
        "matrix": numbers.reshape(4, 6),
        "turned": numbers.reshape(4, 6).T,
        "inner": numbers.reshape(4, 6)[1:3, 2:5],
        "double": torch.tensor([0.1, -2.0], dtype=torch.float64),
        "half": torch.tensor([0.5, -2.0], dtype=torch.float16),
        "count": torch.tensor(7),
        "flags": torch.tensor([True, False]),
        "bytes": torch.tensor([0, 255], dtype=torch.uint8),
    }
    legacy = {"_use_new_zipfile_serialization": False}
    torch.save(state, FOLDER / "legacy.pth", **legacy)
    torch.save({"whole": numbers}, FOLDER / "zipped.pth")
    module = torch.nn.Linear(2, 2)
    torch.save(module, FOLDER / "module.pth", **legacy)


if __name__ == "__main__":
    lite0(sys.argv[1])
    small_files()
