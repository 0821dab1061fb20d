"""Ask every exported artefact the same images, each in its own runtime."""

import contextlib
import dataclasses
import functools
import pathlib

import numpy as np
import tensorflow as tf

from elf_keras import choices
from elf_keras.deploy import (
    chain_runner,
    manifest,
    measure,
    parity,
    saved_model,
)
from elf_keras.deploy.serving import (
    ALL_EXITS,
    DEFAULT,
    DYNAMIC,
    DYNAMIC_FILES,
    FILES,
    STATIC,
    Serving,
)
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds

# At 64, images of 160 pixels took 1 GB more.
BATCH = 16
# Images for each signature by name.
FEW = 16


def of_saved_model(
    folder: pathlib.Path,
    reference: parity.Reference,
    serving: Serving,
) -> list[dict]:
    """Return parity rows of a SavedModel's signatures.

    Signatures by name share the graphs of those that are asked everything;
    that each has its own policy shows on a few images.
    """
    loaded = tf.saved_model.load(folder)
    asked = saved_model.requests(
        reference.images, reference.thresholds, serving
    )
    every, alone, dynamic, files = (
        _ask(loaded.signatures[name], asked[name])
        for name in (
            *(ALL_EXITS, STATIC),
            *(DYNAMIC, DYNAMIC_FILES),
        )
    )
    names = exit_rule.exit_names(reference.logits.shape[1])
    own = {"logits": np.stack([every[name] for name in names], 1)}
    rows = {
        ALL_EXITS: own,
        # The bare backbone: whatever exits answer by, it has no sum.
        STATIC: {"logits": _left_at(reference, alone)["answered"]},
        DYNAMIC: _left_at(reference, dynamic),
        f"{DYNAMIC_FILES} (PNG)": _left_at(reference, files),
    }
    told = _compared(reference, "saved_model", rows)
    with _unoptimized():
        return told + _by_name(loaded, _few(reference), serving)


@contextlib.contextmanager
def _unoptimized():
    """Graphs as they are stored: to make two dozen faster took twice as long.

    Those that are asked everything are optimized, as servers do it.
    """
    options = {"disable_meta_optimizer": True}
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options(options)
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options(before)


def _few(reference):
    """Some of its images, from the first to the last."""
    last = len(reference.images) - 1
    rows = np.unique(np.linspace(0, last, FEW).round().astype(int))
    return dataclasses.replace(
        reference,
        images=reference.images[rows],
        logits=reference.logits[rows],
    )


def _by_name(loaded, reference, serving):
    """A row of all signatures by name on pixels, and one on files."""
    asked = saved_model.requests(
        reference.images, reference.thresholds, serving
    )
    rows = {"by name": [], "by name (PNG)": []}
    for name in serving.names:
        for kind, end in zip(rows, ("", FILES), strict=True):
            signature = name + end
            found = _ask(loaded.signatures[signature], asked[signature])
            row = _of_policy(reference, serving, name, found)
            rows[kind].append(row)
    return [_joined(f"saved_model {kind}", rows[kind]) for kind in rows]


def _of_policy(reference, serving, name, found):
    """Compare the answers of one signature with what its policy says."""
    policy = serving.default_policy if name == DEFAULT else name
    if policy == STATIC:
        alone = {"logits": _left_at(reference, found)["answered"]}
        return parity.compare(reference, name, **alone)
    nobody = ExitThresholds.nobody(reference.logits.shape[1])
    limits = serving.policies.get(policy, nobody)
    reference = dataclasses.replace(reference, thresholds=limits)
    return parity.compare(reference, name, **_left_at(reference, found))


def _joined(name, rows):
    """One row of the table for several that are all judged."""
    reasons = [
        f"{row['artefact']}: {row['reason']}"
        for row in rows
        if not row["passed"]
    ]
    return {
        "artefact": name,
        "images": sum(row["images"] for row in rows),
        "score_error": max(row["score_error"] for row in rows),
        "exits_moved": sum(row["exits_moved"] or 0 for row in rows),
        "outside_band": sum(row["outside_band"] or 0 for row in rows),
        "passed": not reasons,
        "reason": "; ".join(reasons) or None,
    }


def of_chain(
    folder: pathlib.Path, variant: str, reference: parity.Reference
) -> list[dict]:
    """Return parity rows of a variant's chain, single exits and joint files.

    Only those in float32 are judged.
    """
    files = manifest.files(folder, variant)
    images, alone = reference.images, measure.open_files(files, "exit")
    chain = measure.open_files(files, "stage")
    asked = [(chain, reference.images), *(([at], images) for at in alone)]
    if (files / "stages.tflite").exists():
        asked.append((_joint(files, len(alone)), images))
    left, logits, *found = measure.at_once(
        [
            functools.partial(_left_by_runner, folder, variant, reference),
            *(functools.partial(measure.chain_logits, *at) for at in asked),
        ]
    )
    rows = {"chain": {"logits": logits, **left}}
    if (files / "single_file.tflite").exists():
        path = files / "single_file.tflite"
        rows["single_file"] = _single_file(path, reference)
    if len(found) > len(alone):
        rows["stages.tflite"] = {"logits": found.pop()}
    each = np.concatenate(found, axis=1)
    rows[f"exit_k.{files.parent.name}"] = {"logits": each}
    judged = variant in ("float32", "onnx")
    if variant not in choices.ONNX_VARIANTS:
        variant = f"tflite {variant}"
    return _compared(reference, variant, rows, judged)


def _joint(files, exits):
    """Stages in one TFLite file, as signatures."""
    return [
        measure.open_file(files / "stages.tflite", f"stage_{number}")
        for number in range(1, exits + 1)
    ]


def _compared(reference, artefact, rows, judged=True):
    return [
        parity.compare(reference, f"{artefact} {name}", judged=judged, **found)
        for name, found in rows.items()
    ]


def _left_by_runner(folder, variant, reference):
    """What the runner that phones use answers by, and at which exits."""
    runner = chain_runner.ChainRunner(folder / manifest.NAME, variant=variant)
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
    count = len(next(iter(inputs.values())))
    parts = [
        signature(
            **{
                key: tf.constant(value[start : start + BATCH])
                for key, value in inputs.items()
            }
        )
        for start in range(0, count, BATCH)
    ]
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
