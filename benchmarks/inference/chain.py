"""What the chain of TFLite stages costs beside one file, and per stage.

python -m benchmarks.inference.chain > FILE.json

All stages run, bare and by the runner, against one TFLite file with the same
heads; everybody leaving at exit 1 against stage 1 alone; ms of each stage and
variant. One thread, taking turns, batch 1.
"""

import json
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from benchmarks.inference import timing
from elf_keras import multi_exit, runs, silence
from elf_keras.choices import TFLITE_VARIANTS
from elf_keras.deploy import chain_runner, manifest, measure, tflite_chain

ROUNDS = 400
LEAVE = [1e-6] * 3


def main() -> None:
    """Measure and print JSON."""
    model = multi_exit.build((32, 32, 3), 10, cosine=True)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (50, 32, 32, 3)).astype("uint8")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tflite_chain.write(
            model,
            folder / "tflite",
            variants=list(TFLITE_VARIANTS),
            images=images,
        )
        record = {
            variant: _variant(folder, variant, images)
            for variant in TFLITE_VARIANTS
        }
        record["float32"] |= _against_one_file(model, folder, images)
    print(json.dumps(record, indent=1))


def _variant(folder, variant, images):
    stages = [
        measure.open_file(folder / "tflite" / variant / f"stage_{k}.tflite")
        for k in range(1, 5)
    ]
    return {"stages_ms": measure.milliseconds(stages, images, rounds=100)}


def _against_one_file(model, folder, images):
    joint = folder / "joint"
    concrete = tf.function(model).get_concrete_function(
        tf.TensorSpec((1, 32, 32, 3), name="image")
    )
    bare = tf.Module()
    bare.weights = [variable.value for variable in model.variables]
    with silence.standard_error():
        tf.saved_model.save(bare, joint, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(str(joint))
        one = Interpreter(model_content=converter.convert(), num_threads=1)
        run_one = one.get_signature_runner()
        runner = chain_runner.ChainRunner(_manifest(folder))
    first = runner._stages[0]
    image = images[0]
    pixels = image[None].astype("float32")
    times = timing.alternate(
        {
            "one file": lambda: run_one(image=pixels),
            "stages": lambda: _run(runner._stages, pixels),
            "chain": lambda: runner.predict(image, policy="all_exits"),
            "stage 1": lambda: first.run(pixels),
            "leaving at 1": lambda: runner.predict(image, policy=LEAVE),
        },
        rounds=ROUNDS,
        warm_up=20,
    )
    middle = {name: np.median(values) for name, values in times.items()}
    return {
        "ms": {name: timing.summary(values) for name, values in times.items()},
        "stages_over_one_file": round(middle["stages"] / middle["one file"], 3),
        "chain_over_one_file": round(middle["chain"] / middle["one file"], 3),
        "leaving_at_1_over_stage_1": round(
            middle["leaving at 1"] / middle["stage 1"], 3
        ),
    }


def _run(stages, tensor):
    """The files alone, without checks, softmax and exit rule."""
    for stage in stages:
        _, tensor = stage.run(tensor)


def _manifest(folder):
    """The least that the runner needs."""
    files = [f"tflite/float32/stage_{k}.tflite" for k in range(1, 5)]
    stages = [{"file": file, "milliseconds": 1.0} for file in files]
    policy = {"thresholds": None, "exit_shares": [0, 0, 0, 1]}
    path = folder / manifest.NAME
    record = {
        "format": manifest.FORMAT,
        "class_names": [str(c) for c in range(10)],
        "input": manifest.image_input((32, 32, 3)),
        "exits": [{"macs": 0, "temperature": 1.0}] * 4,
        "variants": {
            "float32": {"stages": stages, "policies": {"all_exits": policy}}
        },
        "default_policy": "all_exits",
        "checksums": manifest.checksums(folder),
    }
    runs.write_json(path, record)
    return path


if __name__ == "__main__":
    main()
