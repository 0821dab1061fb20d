"""What the chain of TFLite stages costs beside one file, and per stage.

python -m benchmarks.inference.chain > FILE.json

All stages run, bare and by the runner, against one TFLite file with the same
heads, in float32 and in int8; everybody leaving at exit 1 against stage 1
alone; ms of each stage and variant. What the runner is held against, one file
and stage 1, does the same job, from an image of bytes to a class, as LiteRT's
guide shows it: by a call of the file's signature, without checks, confidence
and exit rule. One thread, batch 1, taking turns: call by call, and in rows of
calls as of images that come one after the other.

Where a file's weights and features happen to lie in memory moves a ratio by
some 0.03. All files are therefore opened several times, elsewhere each time: a
ratio is the median over these, with the least and the most beside it.
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
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=500, help="an opening")
    parser.add_argument("--openings", type=int, default=7)
    parser.add_argument("--variants", nargs="+", default=TFLITE_VARIANTS)
    options = parser.parse_args()
    shape = (options.image_size, options.image_size, 3)
    model = networks.build(options, 10, options.image_size)
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
                model, folder, images, variant, options
            )
    print(json.dumps(record, indent=1))


def _variant(folder, variant, images):
    files = sorted((folder / "tflite" / variant).glob("stage_*.tflite"))
    stages = [measure.open_file(file) for file in files]
    return {"stages_ms": measure.milliseconds(stages, images, rounds=100)}


def _against_one_file(model, folder, images, variant, options):
    content = _one_file(model, folder / f"joint_{variant}", images, variant)
    path = _manifest(folder, images.shape[1:], variant)
    stage_1 = folder / "tflite" / variant / "stage_1.tflite"
    files = content, path, stage_1.read_bytes()
    # All stay open: a file closed leaves its place to the next.
    opened = [_calls(*files, images[0]) for _ in range(options.openings)]
    in_rows = _compared(opened, math.ceil(options.rounds / ROW), ROW)
    alone = _compared(opened, options.rounds, 1)
    return alone | {f"in rows of {ROW}": in_rows}


def _calls(one_file, manifest_path, stage_1, image):
    """What takes turns, in two groups."""
    run_one, run_stage_1 = _open(one_file), _open(stage_1)
    runner = chain_runner.ChainRunner(manifest_path)
    last = f"exit_{len(runner.stages)}"
    pixels = runner.stages[0].encode(image[None])
    return (
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


def _compared(opened, rounds, row):
    """Milliseconds of all openings, and ratios over them."""
    times = [
        {
            name: values
            for group in groups
            for name, values in timing.alternate(
                group, rounds=rounds, warm_up=20, row=row
            ).items()
        }
        for groups in opened
    ]
    pooled = {
        name: np.concatenate([found[name] for found in times])
        for name in times[0]
    }
    return {
        "ms": {name: timing.summary(values) for name, values in pooled.items()},
        "stages_over_one_file": _ratio(times, "stages", "one file"),
        "chain_over_one_file": _ratio(times, "chain", "one file"),
        "leaving_at_1_over_stage_1": _ratio(times, "leaving at 1", "stage 1"),
        "leaving_at_1_over_invoke_alone": _ratio(
            times, "leaving at 1", "stage 1, invoke alone"
        ),
    }


def _ratio(times, name, other):
    """Of medians, in each opening."""
    found = [np.median(each[name]) / np.median(each[other]) for each in times]
    values = {"median": np.median(found), "least": min(found)}
    values["most"] = max(found)
    return {name: round(float(value), 3) for name, value in values.items()}


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
