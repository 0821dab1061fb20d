"""The backbones by name: functions from normalized images to taps."""

import functools

from elf_keras.backbones.cifar_resnet import cifar_resnet

BACKBONES = {
    f"resnet{depth}": functools.partial(cifar_resnet, depth=depth)
    for depth in (8, 20, 32, 44, 56, 110)
}
