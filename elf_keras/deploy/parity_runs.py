"""Ask every exported artefact the same images, each in its own runtime."""

import pathlib

import numpy as np
import tensorflow as tf

from elf_keras.deploy import chain_runner, manifest, measure, parity
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule

BATCH = 64


def of_saved_model(
    folder: pathlib.Path, reference: parity.Reference
) -> list[dict]:
    """Return parity rows of the four signatures.

    Args:
      folder: of the SavedModel.
      reference: what the model says.
    """
    signatures = tf.saved_model.load(folder).signatures
    images = np.asarray(reference.images, "float32")
    names = exit_rule.exit_names(reference.scores.shape[1])
    limits = np.tile(reference.thresholds, (len(images), 1))
    every = _ask(signatures["serving_default"], image=images)
    last = _ask(signatures["static"], image=images)
    dynamic = _ask(signatures["dynamic"], image=images, exit_threshold=limits)
    files = np.array(
        [tf.io.encode_png(image.astype("uint8")).numpy() for image in images]
    )
    encoded = _ask(
        signatures["dynamic_jpeg"], image_bytes=files, exit_threshold=limits
    )
    rows = [
        ("serving_default", np.stack([every[name] for name in names], 1), None),
        ("static", _only(reference, last), None),
        ("dynamic", _only(reference, dynamic), dynamic["exit"] - 1),
        ("dynamic_jpeg (PNG)", _only(reference, encoded), encoded["exit"] - 1),
    ]
    return [
        parity.compare(
            reference, f"saved_model {name}", scores=scores, exits=exits
        )
        for name, scores, exits in rows
    ]


def of_tflite(
    folder: pathlib.Path, variant: str, reference: parity.Reference
) -> list[dict]:
    """Return parity rows of a variant's chain, single exits and joint files.

    Args:
      folder: of the export, with its manifest.
      variant: a key of its variants; only float32 is judged.
      reference: what the model says.
    """
    runner = chain_runner.ChainRunner(folder / manifest.NAME, variant=variant)
    policy = [float(threshold) for threshold in reference.thresholds]
    try:
        taken = [
            runner.predict(image, policy=policy).exit - 1
            for image in reference.images
        ]
    except chain_runner.ChainError as error:
        raise InputError(f"{variant}: {error}; nothing was written") from error
    files = folder / "tflite" / variant
    count = reference.scores.shape[1]
    stages, joint, alone = (
        [measure.open_file(files / file, name) for file, name in wanted]
        for wanted in (
            [(f"stage_{k + 1}.tflite", None) for k in range(count)],
            [("stages.tflite", f"stage_{k + 1}") for k in range(count)],
            [(f"exit_{k + 1}.tflite", None) for k in range(count)],
        )
    )
    images = reference.images
    each = [measure.chain_scores([stage], images) for stage in alone]
    rows = {
        "chain": (measure.chain_scores(stages, images), np.array(taken)),
        "stages.tflite": (measure.chain_scores(joint, images), None),
        "exit_k.tflite": (np.concatenate(each, axis=1), None),
    }
    if (files / "single_file.tflite").exists():
        rows["single_file"] = _single_file(files, reference)
    return [
        parity.compare(
            reference,
            f"tflite {variant} {name}",
            scores=scores,
            exits=exits,
            judged=variant == "float32",
        )
        for name, (scores, exits) in rows.items()
    ]


def _single_file(files, reference):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(files / "single_file.tflite"))
    run = interpreter.get_signature_runner()
    found = [
        run(
            image=np.asarray(image[None], "float32"),
            exit_threshold=reference.thresholds,
        )
        for image in reference.images
    ]
    answers = {key: np.array([row[key] for row in found]) for key in found[0]}
    answers["scores"] = answers["scores"][:, 0]
    answers["exit"] = answers["exit"].reshape(-1)
    return _only(reference, answers), answers["exit"] - 1


def _ask(signature, **inputs):
    rows = len(next(iter(inputs.values())))
    parts = [
        signature(
            **{
                key: tf.constant(value[start : start + BATCH])
                for key, value in inputs.items()
            }
        )
        for start in range(0, rows, BATCH)
    ]
    return {
        key: np.concatenate([part[key].numpy() for part in parts])
        for key in parts[0]
    }


def _only(reference, answers):
    """Scores at the exit that answered; masked at the others."""
    scores = np.ma.masked_all_like(reference.scores)
    scores[np.arange(len(scores)), answers["exit"] - 1] = answers["scores"]
    return scores
