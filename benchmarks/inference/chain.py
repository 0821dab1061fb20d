"""What the chain of TFLite stages costs beside one file, and per stage.

python -m benchmarks.inference.chain > FILE.json

All stages run, bare and by the runner, against one TFLite file with the same
heads; everybody leaving at exit 1 against stage 1 alone; ms of each stage and
variant. What the runner is held against, one file and stage 1, does the same
job, from an image of bytes to a class, as LiteRT's guide shows it: by a call
of the file's signature, without checks, confidence and exit rule. One thread,
taking turns, batch 1.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from benchmarks.inference import timing
from elf_keras import models, runs
from elf_keras.choices import TFLITE_VARIANTS
from elf_keras.deploy import chain_runner, manifest, measure, tflite_chain

LEAVE = 1e-6


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="resnet32")
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument(
        "--variants", nargs="+", default=TFLITE_VARIANTS, help="float32 first"
    )
    options = parser.parse_args()
    shape = (options.image_size, options.image_size, 3)
    model = models.build(
        shape,
        10,
        backbone=options.backbone,
        heads=models.Heads(cosine=True),
    )
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
        record["float32"] |= _against_one_file(
            model, folder, images, options.rounds
        )
    print(json.dumps(record, indent=1))


def _variant(folder, variant, images):
    files = sorted((folder / "tflite" / variant).glob("stage_*.tflite"))
    stages = [measure.open_file(file) for file in files]
    return {"stages_ms": measure.milliseconds(stages, images, rounds=100)}


def _against_one_file(model, folder, images, rounds):
    joint = folder / "joint"
    concrete = tf.function(model).get_concrete_function(
        tf.TensorSpec((1, *images.shape[1:]), name="image")
    )
    bare = tf.Module()
    bare.weights = [variable.value for variable in model.variables]
    with runs.silenced():
        tf.saved_model.save(bare, joint, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(str(joint))
        run_one = _open(converter.convert())
        runner = chain_runner.ChainRunner(_manifest(folder, images.shape[1:]))
        stage_1 = folder / "tflite" / "float32" / "stage_1.tflite"
        run_stage_1 = _open(stage_1.read_bytes())
    image, last = images[0], f"exit_{len(runner.stages)}"
    pixels = image[None].astype("float32")
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
    times = {}
    for group in groups:
        times |= timing.alternate(group, rounds=rounds, warm_up=20)
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


def _open(content):
    interpreter = Interpreter(model_content=content, num_threads=1)
    run = interpreter.get_signature_runner()
    return lambda image: run(image=image[None].astype(np.float32))


def _run(stages, given):
    """The files alone, without checks, softmax and exit rule."""
    for before, stage in zip([None, *stages], stages, strict=False):
        stage.run(before.features() if before else given)


def _manifest(folder, shape):
    """The least that the runner needs."""
    paths = sorted((folder / "tflite" / "float32").glob("stage_*.tflite"))
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
        "variants": {"float32": {"stages": stages, "policies": policies}},
        "default_policy": "all_exits",
        "checksums": manifest.checksums(folder),
    }
    runs.write_json(path, record)
    return path


if __name__ == "__main__":
    main()
