"""Scores and times of exported TFLite files, on the runtime that ships.

Quantization moves confidences, and kernels differ between runtimes: what a
manifest promises is measured with the interpreter that phones use.
"""

import dataclasses
import os
import pathlib
import time
from collections.abc import Callable, Iterable
from concurrent import futures

import numpy as np

from elf_keras import runs
from elf_keras.deploy import chain_runner, manifest
from elf_keras.evaluation import answers
from elf_keras.policies import policy_rules
from elf_keras.runs import progress

ROUNDS = 30
# By how files end.
RUNTIMES = {".tflite": chain_runner.Stage, ".onnx": chain_runner.OnnxStage}


def open_file(path: pathlib.Path, signature: str | None = None):
    """Load a file, or a signature of a TFLite file, as a stage, one thread."""
    # The runtime announces its delegate.
    with runs.silenced():
        content = path.read_bytes()
        if signature is None:
            return RUNTIMES[path.suffix](content)
        return SignatureStage(content, signature)


def open_files(folder: pathlib.Path, kind: str) -> list[chain_runner.Stage]:
    """Load every file of a KIND, `stage` or `exit`, of a variant, in order."""
    return [open_file(path) for path in paths(folder, kind)]


def paths(folder: pathlib.Path, kind: str) -> list[pathlib.Path]:
    """Where those files are, in order."""
    found = folder.glob(f"{kind}_*")
    return sorted(found, key=lambda path: int(path.stem.partition("_")[2]))


def _runtime(path):
    return "onnxruntime" if path.suffix == ".onnx" else "litert"


class SignatureStage(chain_runner.Stage):
    """A stage in a file of several, which invoke() would not reach."""

    def __init__(self, content: bytes, signature: str):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=content, num_threads=1)
        self._call = interpreter.get_signature_runner(signature)
        self._describe(self._call)

    def run(self, given):
        """Scores `(classes,)` in float32."""
        (name,) = self.inputs
        self._found = self._call(**{name: self.encode(given)})
        (exit_name,) = self._found.keys() - {"features"}
        return self.numbers(self._found[exit_name])[0]

    def features(self):
        """What the next stage takes, of the last image that was run."""
        return self._found["features"], self._features["quantization"]


@dataclasses.dataclass(frozen=True, eq=False)
class Timed:
    """The files of a variant, what a manifest says of them, and their times.

    Milliseconds are those of each stage and of each exit's own file.
    """

    files: pathlib.Path
    told: dict
    of_stages: list[float]
    of_alone: list[float]


def timed(folder: pathlib.Path, name: str, images: np.ndarray) -> Timed:
    """Time a variant's files in an export; nothing else may run meanwhile."""
    files = manifest.files(folder, name)
    stages, alone = (open_files(files, kind) for kind in ("stage", "exit"))
    few = np.asarray(images[:ROUNDS])
    of_stages = milliseconds(stages, few)
    of_alone = [milliseconds([stage], few)[0] for stage in alone]
    # They are closed then: those of all variants would fill a memory.
    told = {
        "runtime": _runtime(paths(files, "stage")[0]),
        "stages": _described(folder, files, "stage", of_stages, stages),
        "exits": _described(folder, files, "exit", of_alone, alone),
        **_joint(folder, files),
    }
    return Timed(files, told, of_stages, of_alone)


def entry(
    found: Timed,
    judge: manifest.Judge,
    logits: tuple[np.ndarray, np.ndarray],
    policy: str,
) -> dict:
    """Return a variant's entry in the manifest.

    Args:
      found: its files and times.
      logits: of its chain, on the split that chooses and the one reported on.
      policy: by which images leave, where it is asked whether exits pay.
    """
    parts = judge.chosen_on, judge.reported_on
    chosen_on, reported_on = (
        answers.of_parts([given], part.labels, judge.scorer.rule)
        for given, part in zip(logits, parts, strict=True)
    )
    times, times_alone = found.of_stages, found.of_alone
    alone = not judge.chain_only
    chosen = judge.choose(chosen_on, reported_on, times, alone=alone)
    policies = chosen["policies"]
    every = policies[policy_rules.ALL_EXITS]
    if policy == policy_rules.STATIC:
        policy = policy_rules.ACCURATE
    shown = policies.get(policy, every)["exit_shares"]
    heads = manifest.head_milliseconds(times, times_alone)
    return {
        **found.told,
        **chosen,
        "static": chosen["static"] | {"milliseconds": times_alone[-1]},
        "warnings": manifest.payback(shown, times, heads),
    }


def _joint(folder, files):
    # Files that hold all stages; ONNX has none.
    places = {"stages_file": "stages", "single_file": "single_file"}
    there = {key: files / f"{at}.tflite" for key, at in places.items()}
    return {
        key: _file(folder, path) for key, path in there.items() if path.exists()
    }


def _described(folder, files, kind, times, stages):
    return [
        {
            kind: number,
            **_file(folder, path),
            "milliseconds": time,
            "input": next(_tensor(*item) for item in stage.inputs.items()),
            "outputs": {k: _tensor(k, v) for k, v in stage.outputs.items()},
        }
        for number, (path, time, stage) in enumerate(
            zip(paths(files, kind), times, stages, strict=True), start=1
        )
    ]


def _file(folder, path):
    return {
        "file": path.relative_to(folder).as_posix(),
        "bytes": path.stat().st_size,
    }


def _tensor(name, details):
    scale, zero_point = details["quantization"]
    integer = np.issubdtype(details["dtype"], np.integer)
    return {
        "name": name,
        "shape": details["shape"].tolist(),
        "dtype": np.dtype(details["dtype"]).name,
        "scale": float(scale) if integer else None,
        "zero_point": int(zero_point) if integer else None,
    }


def at_once(jobs: Iterable[Callable]) -> list:
    """Call functions on all cores; runtimes release Python while they run."""
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [*pool.map(lambda job: job(), jobs)]


def chain_logits(
    stages: list, images: np.ndarray, counter: progress.Counter | None = None
) -> np.ndarray:
    """Run all stages for every image, whatever an exit says.

    Images are `(images, …)`, of pixel values 0 to 255, the logits float32
    `(images, exits, classes)`.
    """
    logits = []
    for image in images:
        given = stages[0].encode(image[None])
        logits.append([*_descended(stages, given)])
        if counter:
            counter.add()
    return np.asarray(logits, "float32")


def _descended(stages, given):
    """Yield scores, stage by stage, each fed with what the one before gives."""
    for before, stage in zip([None, *stages], stages, strict=False):
        yield stage.run(before.features() if before else given)


def milliseconds(
    stages: list, images: np.ndarray, rounds: int = ROUNDS
) -> list[float]:
    """Return the median time of each stage, one thread, warmed up.

    Images, of pixel values 0 to 255, are used one after the other.
    """
    times = []
    for number in range(rounds + 3):
        given = stages[0].encode(images[number % len(images)][None])
        row = []
        for before, stage in zip([None, *stages], stages, strict=False):
            # Started here, so that nothing but the stage is timed.
            began = time.perf_counter()
            stage.run(before.features() if before else given)
            row.append(1000 * (time.perf_counter() - began))
        times.append(row)
    return np.median(times[3:], axis=0).tolist()
