"""The network that a benchmark of inference measures, from its command line."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `build` reads; by default a ResNet-32 with cosines."""
    parser.add_argument("--backbone", default="resnet32")
    parser.add_argument("--exits", default="all", help="such as 3,4,5")
    parser.add_argument("--dense", action="store_true", help="not cosine")


def build(options: argparse.Namespace, classes: int, image_size: int):
    """Return the `MultiExitModel` with random weights."""
    # Those that only read the options must not load TensorFlow.
    from elf_keras import models

    return models.build(
        (image_size, image_size, 3),
        classes,
        backbone=options.backbone,
        exits=options.exits,
        heads=models.Heads(cosine=not options.dense),
    )
