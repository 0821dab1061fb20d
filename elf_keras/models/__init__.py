"""Networks with exits: build, load and save them, cut them into stages."""

from elf_keras.models.backbones.tapped import Pixels, TappedBackbone
from elf_keras.models.exit_heads import Heads
from elf_keras.models.freezing import freeze
from elf_keras.models.multi_exit import (
    build,
    exits,
    pixels_of,
    stages,
    static_view,
    tap_names,
)
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.models.saving import in_float32, load, save
from elf_keras.models.weight_transfer import take_over

__all__ = [
    "Heads",
    "MultiExitModel",
    "Pixels",
    "TappedBackbone",
    "build",
    "exits",
    "freeze",
    "in_float32",
    "load",
    "pixels_of",
    "save",
    "stages",
    "static_view",
    "take_over",
    "tap_names",
]
