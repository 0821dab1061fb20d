"""A tiny chain of three stages with its manifest, converted here."""

import dataclasses
import json
import pathlib
import shutil

import keras
import leaving
import numpy as np
import shared

from elf_keras import choices, models
from elf_keras.deploy import manifest, rounding, tflite_chain
from elf_keras.exits import exit_rule
from elf_keras.models import multiply_adds

NAMES = ("one", "two", "three")
SHAPE = (8, 8, 1)
TEMPERATURES = (0.5, 1.0, 2.0)
STATIC_TEMPERATURE = 4.0
# Deviation of each exit's scores, so that later exits are surer.
SPREADS = (0.8, 1.2, 2.0)
# Milliseconds that the manifest claims for each stage.
CLAIMED = (1.0, 2.0, 4.0)
MANIFEST = "manifest.json"
STAGES, BACKBONE = ("stage_1", "stage_2", "stage_3"), "exit_3"


@dataclasses.dataclass(frozen=True)
class Chain:
    """An export in a folder, and the model that it came from."""

    manifest: pathlib.Path
    stages: list  # of Keras
    images: np.ndarray  # uint8, `(images, height, width, channels)`
    scores: np.ndarray  # of the Keras model, `(images, exits, classes)`
    threshold: float  # at which every exit is taken, far from any confidence


def model() -> keras.Model:
    """Random weights; heads set so that classes and confidences vary."""
    keras.utils.set_random_seed(2)
    built = models.build(
        SHAPE,
        len(NAMES),
        backbone="resnet8",
        exits="1,2",
        heads=models.Heads("separable"),
    )
    scores = np.asarray(exit_rule.stack_exits(built(images())))
    for number, name in enumerate(exit_rule.exit_names(3)):
        mean = scores[:, number].mean(0)
        factor = SPREADS[number] / (scores[:, number] - mean).std()
        layer = built.get_layer(name)
        weights, bias = layer.get_weights()
        layer.set_weights([factor * weights, factor * (bias - mean)])
    return built


def images(count: int = 60) -> np.ndarray:
    """Noise of several brightnesses, uint8."""
    random = np.random.default_rng(0)
    found = random.integers(256, size=(count, *SHAPE))
    return (found // random.integers(1, 6, (count, 1, 1, 1))).astype("uint8")


def make(folder: pathlib.Path, variants=("float32", "int8")) -> Chain:
    """Convert the stages, once in all, and write the manifest beside them."""
    built = model()
    pixels = images()
    stages = models.stages(built)
    scores = np.asarray(exit_rule.stack_exits(built(pixels)))
    threshold = _between(scores)
    converted = shared.folder(
        "_".join(("chain", *variants)),
        lambda place: _convert_all(built, pixels, place, variants),
    )
    shutil.copytree(converted, folder, dirs_exist_ok=True)
    (folder / MANIFEST).write_text(
        json.dumps(_record(folder, built, scores, threshold, variants))
    )
    return Chain(folder / MANIFEST, stages, pixels, scores, threshold)


def by_hand(chain: Chain, image: np.ndarray, threshold: float):
    """Exit and probabilities of the int8 files, by set_tensor and invoke."""
    from ai_edge_litert.interpreter import Interpreter

    real = image[None].astype("float32")
    for number in (1, 2, 3):
        file = f"tflite/int8/stage_{number}.tflite"
        interpreter = Interpreter(str(chain.manifest.parent / file))
        interpreter.allocate_tensors()
        (given,) = interpreter.get_input_details()
        scale, zero = given["quantization"]
        stored = np.clip(np.round(real / scale) + zero, -128, 127)
        interpreter.set_tensor(given["index"], stored.astype("int8"))
        interpreter.invoke()
        for output in interpreter.get_output_details():
            scale, zero = output["quantization"]
            stored = interpreter.get_tensor(output["index"])
            found = scale * (stored.astype("float64") - zero)
            if output["shape"].tolist() == [1, 3]:
                scores = found[0]
            else:
                real = found
        powers = np.exp(scores - scores.max())
        if powers.max() / powers.sum() > threshold:
            break
    return number, powers / powers.sum()


def _between(scores):
    """The middle of the widest gap between confidences of middle rank."""
    reached = np.sort(exit_rule.confidence(scores)[:, :-1].ravel())
    middle = reached[len(reached) // 3 : -len(reached) // 3]
    gap = np.diff(middle).argmax()
    return float(np.float32(middle[gap : gap + 2].mean()))


def _convert_all(built, pixels, folder, variants):
    phones = [name for name in variants if name in choices.TFLITE_VARIANTS]
    if phones:
        _convert(built, pixels, folder / "tflite", phones)
    if len(phones) < len(variants):
        _convert_to_onnx(built, pixels, folder / "onnx", variants)


def _convert(built, pixels, folder, variants):
    """The stages, and the bare backbone."""
    tflite_chain.convert(
        *(built, folder),
        variants=variants,
        images=pixels,
        only=[*STAGES, BACKBONE],
    )


def _convert_to_onnx(built, pixels, folder, variants):
    from elf_keras.deploy import onnx_chain

    onnx_chain.write(
        *(built, folder),
        variants=[name for name in variants if name in choices.ONNX_VARIANTS],
        images=pixels,
        rounded=rounding.of_model(built, pixels),
    )


def _record(folder, built, scores, threshold, variants):
    costs = multiply_adds.exit_costs(built)
    return {
        "format": 1,
        "name": "made",
        "class_names": NAMES,
        "input": manifest.image_input(SHAPE),
        "exits": manifest.exits(costs, TEMPERATURES),
        "static_temperature": STATIC_TEMPERATURE,
        "backbone_macs": int(costs.backbone),
        "variants": {
            variant: _variant(scores, threshold, variant)
            for variant in variants
        },
        "default_policy": "accurate",
        "checksums": manifest.checksums(folder),
    }


def _variant(scores, threshold, variant):
    limits = {"all_exits": None, "accurate": threshold, "macs_25": 0.01}
    kind, told = "tflite", {}
    if variant in choices.ONNX_VARIANTS:
        kind, told = "onnx", {"runtime": "onnxruntime"}
    return {
        **told,
        "stages": [
            {"file": f"{kind}/{variant}/stage_{k}.{kind}", "milliseconds": time}
            for k, time in enumerate(CLAIMED, start=1)
        ],
        "exits": [{"file": f"{kind}/{variant}/{BACKBONE}.{kind}"}],
        "policies": {
            name: {"thresholds": [at] * 2, "exit_shares": _shares(scores, at)}
            for name, at in limits.items()
        },
    }


def _shares(scores, threshold):
    limit = 1.0 if threshold is None else threshold
    taken = leaving.select(scores, limit).exit_taken
    return (np.bincount(taken, minlength=3) / len(taken)).tolist()
