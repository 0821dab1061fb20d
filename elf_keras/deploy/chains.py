"""Every variant that is a chain of files: TFLite for phones, and ONNX."""

import dataclasses
import pathlib
from collections.abc import Iterator

import keras
import numpy as np

from elf_keras.choices import ONNX_VARIANTS, TFLITE_VARIANTS
from elf_keras.deploy import manifest
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies import policy_rules
from elf_keras.runs import progress


@dataclasses.dataclass(frozen=True)
class ExportPlan:
    """What to export, and the rules that choose each variant's thresholds."""

    name: str  # as a server knows it
    formats: tuple[str, ...]
    score_images: int  # test images to measure scores on, 0 for all
    seed: int  # of their choice
    policies: policy_rules.PolicyPlan
    default_policy: str
    chain_only: bool = False  # no single exits, no stages in one file

    @property
    def variants(self) -> list[str]:
        """Those that run as a chain of files."""
        return [*self.of(TFLITE_VARIANTS), *self.of(ONNX_VARIANTS)]

    def of(self, variants: tuple[str, ...]) -> list[str]:
        """Those of them that are asked for, in their order."""
        return [name for name in variants if name in self.formats]


def written(
    folder: pathlib.Path,
    model: keras.Model,
    images: np.ndarray,
    plan: ExportPlan,
    steps: progress.Steps,
    rule: AnswerRule,
) -> Iterator[list[str]]:
    """Write the files of all variants; yield their names as they are there.

    Args:
      folder: of the export.
      images: training images that set the ranges of int8, `(images, …)`.
      rule: how images leave in a TFLite file that decides inside.
    """
    phones, others = plan.of(TFLITE_VARIANTS), plan.of(ONNX_VARIANTS)
    told = {"images": images, "single_file": None}
    if "single_file" in plan.formats:
        told["single_file"] = rule
    integers = [name for name in phones if "int8" in name]
    floats = [name for name in phones if name not in integers]
    if floats:
        _write_tflite(folder, model, floats, steps, **told)
        yield floats
    rounded = None
    if any("int8" in name for name in plan.variants):
        from elf_keras.deploy import rounding

        rounded = rounding.of_model(model, images)
        steps.ended("weights of int8 rounded")
    if integers:
        told["rounded"] = rounded
        _write_tflite(folder, model, integers, steps, **told)
        yield integers
    if others:
        from elf_keras.deploy import onnx_chain

        place = folder / "onnx"
        onnx_chain.write(
            model, place, variants=others, images=images, rounded=rounded
        )
        steps.ended(f"ONNX files of {', '.join(others)} written")
        yield others


def _write_tflite(folder, model, variants, steps, **told):
    from elf_keras.deploy import tflite_chain

    tflite_chain.write(model, folder / "tflite", variants=variants, **told)
    steps.ended(f"TFLite files of {', '.join(variants)} written")


def begun(
    folder: pathlib.Path, names: list[str], judge: manifest.Judge, threads
) -> dict:
    """Have variants scored by the threads of a `scoring.Scoring`.

    Returns by its name two functions, which wait for the logits of the split
    that chooses thresholds and of the one that is reported on.
    """
    parts = judge.chosen_on, judge.reported_on
    files = {name: manifest.files(folder, name) for name in names}
    return {
        name: [threads.start(at, part.images) for part in parts]
        for name, at in files.items()
    }


def scored(begun: dict, steps: progress.Steps) -> dict:
    """Wait for what was `begun`; return both splits' logits by variant."""
    found = {}
    for name, waits in begun.items():
        found[name] = tuple(wait() for wait in waits)
        steps.ended(f"{name} scored")
    return found


def measured(
    folder: pathlib.Path,
    logits: dict,
    judge: manifest.Judge,
    plan: ExportPlan,
    steps: progress.Steps,
) -> dict:
    """Time the variants of `scored`; return their entries in the manifest.

    Nothing else may run meanwhile.
    """
    from elf_keras.deploy import measure

    few, entries = judge.reported_on.images, {}
    for name, of_parts in logits.items():
        times = measure.timed(folder, name, few)
        policy = plan.default_policy
        entries[name] = measure.entry(times, judge, of_parts, policy)
    if entries:
        steps.ended(f"{', '.join(entries)} timed")
    return entries


def without_others(folder: pathlib.Path, variants: dict) -> dict:
    """Remove all of an export's variants but the chain; return their entries.

    Scores and times that were measured on the removed files stay.
    """
    for name in variants:
        files = manifest.files(folder, name)
        for path in (*files.glob("exit_*"), *files.glob("stages.*")):
            path.unlink()
    return {
        name: {
            key: value
            for key, value in entry.items()
            if key not in ("exits", "stages_file")
        }
        for name, entry in variants.items()
    }
