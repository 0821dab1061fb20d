"""What a manifest says of one TFLite variant: files, scores, times."""

import pathlib

import numpy as np

from elf_keras.data import splits
from elf_keras.deploy import manifest, measure, tflite_lint
from elf_keras.errors import InputError
from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.policies import policy_rules


def variant(
    folder: pathlib.Path,
    name: str,
    *,
    scorer: Scorer,
    chosen_on: splits.Examples,
    reported_on: splits.Examples,
    plan: policy_rules.PolicyPlan = policy_rules.DEFAULT,
) -> dict:
    """Measure one variant's files.

    Args:
      folder: of the export; its `tflite/NAME/` is written.
      name: of the variant.
      scorer: of the run.
      chosen_on: the split that chooses thresholds.
      reported_on: the split whose scores are reported.
      plan: rules to choose policies by.

    Returns:
      The variant's entry in the manifest.

    Raises:
      InputError: where a file could not run on a phone.
    """
    files = folder / "tflite" / name
    _refuse(files, "int8" if name == "int8" else "float32")
    count = len(scorer.costs.with_heads)
    stages = _open(files, "stage", count)
    alone = _open(files, "exit", count)
    few = np.asarray(reported_on.images[: measure.ROUNDS])
    times = measure.milliseconds(stages, few)
    times_alone = [measure.milliseconds([stage], few)[0] for stage in alone]
    scored = manifest.Scored(
        *(
            answers.of_scores(
                measure.chain_scores(stages, part.images), part.labels
            )
            for part in (chosen_on, reported_on)
        )
    )
    found = manifest.policies_of(scored, scorer, times, plan)
    heads = manifest.head_milliseconds(times, times_alone)
    record = {
        "stages": _files(folder, files, "stage", times, stages),
        "exits": _files(folder, files, "exit", times_alone, alone),
        "stages_file": _file(folder, files / "stages.tflite"),
        "static": scorer.static(scored.reported_on)
        | {"milliseconds": times_alone[-1]},
        "policies": found,
        "warnings": manifest.payback(
            found.get(policy_rules.ACCURATE, found[policy_rules.ALL_EXITS]),
            times,
            heads,
        ),
    }
    single = files / "single_file.tflite"
    if single.exists():
        record["single_file"] = _file(folder, single)
    return record


def _refuse(files, dtype):
    problems = [
        problem
        for path in sorted(files.glob("*.tflite"))
        for problem in tflite_lint.problems(path, dtype=dtype)
    ]
    if problems:
        raise InputError(
            f"{files.name} would not run on a phone: {'; '.join(problems)}; "
            "build the model from layers that TFLite has built in"
        )


def _open(files, kind, count):
    return [
        measure.open_file(files / f"{kind}_{number}.tflite")
        for number in range(1, count + 1)
    ]


def _files(folder, files, kind, times, stages):
    return [
        {
            kind: number,
            **_file(folder, files / f"{kind}_{number}.tflite"),
            "milliseconds": time,
            "input": next(_tensor(*item) for item in stage.inputs.items()),
            "outputs": {
                output: _tensor(output, details)
                for output, details in stage.outputs.items()
            },
        }
        for number, (time, stage) in enumerate(
            zip(times, stages, strict=True), start=1
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
