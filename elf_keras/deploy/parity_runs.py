"""Ask every exported artefact the same images, each in its own runtime."""

import pathlib

import numpy as np
import tensorflow as tf

from elf_keras.deploy import (
    chain_runner,
    manifest,
    measure,
    parity,
    saved_model,
)
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule

# At 64, images of 160 pixels took 1 GB more.
BATCH = 16


def of_saved_model(
    folder: pathlib.Path, reference: parity.Reference
) -> list[dict]:
    """Return parity rows of the four signatures of a SavedModel."""
    loaded = tf.saved_model.load(folder)
    found = {
        name: _ask(loaded.signatures[name], inputs)
        for name, inputs in saved_model.requests(
            reference.images, reference.thresholds
        ).items()
    }
    every = found["serving_default"]
    names = exit_rule.exit_names(reference.logits.shape[1])
    own = {"logits": np.stack([every[name] for name in names], 1)}
    alone = _left_at(reference, found["static"])["answered"]
    rows = {
        "serving_default": own,
        # The bare backbone: whatever exits answer by, it has no sum.
        "static": {"logits": alone},
        "dynamic": _left_at(reference, found["dynamic"]),
        "dynamic_jpeg (PNG)": _left_at(reference, found["dynamic_jpeg"]),
    }
    return _compared(reference, "saved_model", rows)


def of_tflite(
    folder: pathlib.Path, variant: str, reference: parity.Reference
) -> list[dict]:
    """Return parity rows of a variant's chain, single exits and joint files.

    Only float32 is judged.
    """
    files, images = folder / "tflite" / variant, reference.images
    left = _left_by_runner(folder / manifest.NAME, variant, reference)
    stages = measure.open_files(files, "stage")
    joint = [
        measure.open_file(files / "stages.tflite", f"stage_{number}")
        for number in range(1, len(stages) + 1)
    ]
    alone = [
        measure.chain_logits([stage], images)
        for stage in measure.open_files(files, "exit")
    ]
    rows = {
        "chain": {"logits": measure.chain_logits(stages, images), **left},
        "stages.tflite": {"logits": measure.chain_logits(joint, images)},
        "exit_k.tflite": {"logits": np.concatenate(alone, axis=1)},
    }
    single = files / "single_file.tflite"
    if single.exists():
        rows["single_file"] = _single_file(single, reference)
    judged = variant == "float32"
    return _compared(reference, f"tflite {variant}", rows, judged)


def _compared(reference, artefact, rows, judged=True):
    return [
        parity.compare(reference, f"{artefact} {name}", judged=judged, **found)
        for name, found in rows.items()
    ]


def _left_by_runner(path, variant, reference):
    """What the runner that phones use answers by, and at which exits."""
    runner = chain_runner.ChainRunner(path, variant=variant)
    policy = reference.thresholds.to_json()
    try:
        answers = [
            runner.predict(image, policy=policy) for image in reference.images
        ]
    except chain_runner.ChainError as error:
        raise InputError(f"{variant}: {error}; nothing was written") from error
    found = {
        "scores": np.array([answer.scores for answer in answers]),
        "exit": np.array([answer.exit for answer in answers]),
    }
    return _left_at(reference, found)


def _single_file(path, reference):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    run = interpreter.get_signature_runner()
    (limits,) = reference.thresholds.rows(1)
    found = [
        run(image=np.asarray(image[None], "float32"), exit_threshold=limits)
        for image in reference.images
    ]
    logits = np.concatenate([row["scores"] for row in found])
    exits = np.array([row["exit"] for row in found]).reshape(-1)
    return _left_at(reference, {"scores": logits, "exit": exits})


def _ask(signature, inputs):
    batches = tf.data.Dataset.from_tensor_slices(inputs).batch(BATCH)
    parts = [signature(**batch) for batch in batches]
    return {
        key: np.concatenate([part[key].numpy() for part in parts])
        for key in parts[0]
    }


def _left_at(reference, answers):
    """Scores at the exits that answered, masked at the others; and those."""
    taken = answers["exit"] - 1
    scores = np.ma.masked_all_like(reference.logits)
    scores[np.arange(len(scores)), taken] = answers["scores"]
    return {"answered": scores, "exits": taken}
