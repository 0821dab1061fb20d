"""What the chain of TFLite stages costs beside one file, and per stage.

python -m benchmarks.inference.chain > FILE.json

All stages run, bare and by the runner, against one TFLite file with the same
heads, in float32 and in int8; everybody leaving at exit 1 against stage 1
alone; ms of each stage and variant. What the runner is held against, one file
and stage 1, does the same job, from an image of bytes to a class, as LiteRT's
guide shows it: by a call of the file's signature, without checks, confidence
and exit rule. One thread, batch 1, taking turns: call by call, and in rows of
calls as of images that come one after the other.
"""

import argparse
import json
import math
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from benchmarks.inference import networks, timing
from elf_keras import runs
from elf_keras.choices import TFLITE_VARIANTS
from elf_keras.deploy import chain_runner, manifest, measure, tflite_chain

LEAVE = 1e-6
# Images one after the other, as in use; else each call meets another's caches.
ROW = 20
# Variants that one file is made of, too.
COMPARED = ("float32", "int8")


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    networks.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--variants", nargs="+", default=TFLITE_VARIANTS)
    options = parser.parse_args()
    shape = (options.image_size, options.image_size, 3)
    model = networks.build(options, 10)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (50, *shape)).astype("uint8")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tflite_chain.write(
            model,
            folder / "tflite",
            variants=list(options.variants),
            images=images,
        )
        record = {
            variant: _variant(folder, variant, images)
            for variant in options.variants
        }
        for variant in (name for name in COMPARED if name in record):
            record[variant] |= _against_one_file(
                model, folder, images, variant, options.rounds
            )
    print(json.dumps(record, indent=1))


def _variant(folder, variant, images):
    files = sorted((folder / "tflite" / variant).glob("stage_*.tflite"))
    stages = [measure.open_file(file) for file in files]
    return {"stages_ms": measure.milliseconds(stages, images, rounds=100)}


def _against_one_file(model, folder, images, variant, rounds):
    one = _one_file(model, folder / f"joint_{variant}", images, variant)
    run_one = _open(one)
    runner = chain_runner.ChainRunner(
        _manifest(folder, images.shape[1:], variant)
    )
    stage_1 = folder / "tflite" / variant / "stage_1.tflite"
    run_stage_1 = _open(stage_1.read_bytes())
    image, last = images[0], f"exit_{len(runner.stages)}"
    pixels = runner.stages[0].encode(image[None])
    groups = (
        {
            "one file": lambda: run_one(image)[last].argmax(),
            "stages": lambda: _run(runner.stages, pixels),
            "chain": lambda: runner.predict(image, policy="all_exits"),
        },
        # By themselves: after a whole chain the caches hold other weights.
        {
            "stage 1": lambda: run_stage_1(image)["exit_1"].argmax(),
            "stage 1, invoke alone": lambda: runner.stages[0].run(pixels),
            "leaving at 1": lambda: runner.predict(image, policy="at_1"),
        },
    )
    in_rows = _compared(groups, math.ceil(rounds / ROW), ROW)
    return _compared(groups, rounds, 1) | {f"in rows of {ROW}": in_rows}


def _compared(groups, rounds, row):
    times = {}
    for group in groups:
        times |= timing.alternate(group, rounds=rounds, warm_up=20, row=row)
    middle = {name: np.median(values) for name, values in times.items()}
    return {
        "ms": {name: timing.summary(values) for name, values in times.items()},
        "stages_over_one_file": round(middle["stages"] / middle["one file"], 3),
        "chain_over_one_file": round(middle["chain"] / middle["one file"], 3),
        "leaving_at_1_over_stage_1": round(
            middle["leaving at 1"] / middle["stage 1"], 3
        ),
        "leaving_at_1_over_invoke_alone": round(
            middle["leaving at 1"] / middle["stage 1, invoke alone"], 3
        ),
    }


def _one_file(model, folder, images, variant):
    """The whole model as one file, as the converter alone makes it."""
    concrete = tf.function(model).get_concrete_function(
        tf.TensorSpec((1, *images.shape[1:]), name="image")
    )
    bare = tf.Module()
    bare.weights = [variable.value for variable in model.variables]
    with runs.silenced():
        tf.saved_model.save(bare, folder, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        if variant == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                {"image": image[None].astype("float32")} for image in images
            )
            converter.inference_input_type = tf.int8
            converter.inference_output_type = tf.int8
        return converter.convert()


def _open(content):
    interpreter = Interpreter(model_content=content, num_threads=1)
    run = interpreter.get_signature_runner()
    (given,) = run.get_input_details().values()
    scale, zero_point = given["quantization"]
    if given["dtype"] is np.float32:
        return lambda image: run(image=image[None].astype(np.float32))
    # Pixels 0 to 255 are the bytes themselves, moved.
    assert zero_point == -128 and abs(scale - 1) < 0.02
    return lambda image: run(image=(image[None] ^ 0x80).view(np.int8))


def _run(stages, given):
    """The files alone, without checks, softmax and exit rule."""
    for before, stage in zip([None, *stages], stages, strict=False):
        stage.run(before.features() if before else given)


def _manifest(folder, shape, variant):
    """The least that the runner needs."""
    paths = sorted((folder / "tflite" / variant).glob("stage_*.tflite"))
    files = [path.relative_to(folder).as_posix() for path in paths]
    stages = [{"file": file, "milliseconds": 1.0} for file in files]
    early = len(files) - 1
    rules = {"all_exits": None, "at_1": [LEAVE] * early}
    policies = {
        name: {"thresholds": thresholds, "exit_shares": [0] * early + [1]}
        for name, thresholds in rules.items()
    }
    path = folder / manifest.NAME
    record = {
        "format": manifest.FORMAT,
        "class_names": [str(c) for c in range(10)],
        "input": manifest.image_input(shape),
        "exits": [{"macs": 0, "temperature": 1.0}] * len(files),
        "backbone_macs": 0,
        "variants": {variant: {"stages": stages, "policies": policies}},
        "default_policy": "all_exits",
        "checksums": manifest.checksums(folder),
    }
    runs.write_json(path, record)
    return path


if __name__ == "__main__":
    main()
