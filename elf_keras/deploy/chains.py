"""Every variant that is a chain of files: TFLite for phones, and ONNX."""

import dataclasses
import pathlib

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


def write(
    folder: pathlib.Path,
    model: keras.Model,
    images: np.ndarray,
    plan: ExportPlan,
    steps: progress.Steps,
    rule: AnswerRule,
) -> None:
    """Convert and write the files of all variants into an export's folder.

    Args:
      images: training images that set the ranges of int8, `(images, …)`.
      rule: how images leave in a TFLite file that decides inside.
    """
    from elf_keras.deploy import rounding

    phones, others = plan.of(TFLITE_VARIANTS), plan.of(ONNX_VARIANTS)
    told = {"images": images, "rounded": None}
    if any("int8" in name for name in plan.variants):
        told["rounded"] = rounding.of_model(model, images)
        steps.ended("weights of int8 rounded")
    if phones:
        from elf_keras.deploy import tflite_chain

        single = rule if "single_file" in plan.formats else None
        place = folder / "tflite"
        tflite_chain.write(
            model, place, variants=phones, single_file=single, **told
        )
        steps.ended(f"TFLite files of {', '.join(phones)} written")
    if others:
        from elf_keras.deploy import onnx_chain

        onnx_chain.write(model, folder / "onnx", variants=others, **told)
        steps.ended(f"ONNX files of {', '.join(others)} written")


def timed(
    folder: pathlib.Path,
    images: np.ndarray,
    plan: ExportPlan,
    steps: progress.Steps,
) -> dict:
    """Times of each variant's files; nothing else may run meanwhile."""
    from elf_keras.deploy import measure

    found = {
        name: measure.timed(folder, name, images) for name in plan.variants
    }
    if found:
        steps.ended(f"{', '.join(found)} timed")
    return found


def begun(found: dict, judge: manifest.Judge, threads) -> dict:
    """Have every timed variant scored by the threads of a `scoring.Scoring`.

    Returns by its name two functions, which wait for the logits of the split
    that chooses thresholds and of the one that is reported on.
    """
    parts = judge.chosen_on, judge.reported_on
    return {
        name: [threads.start(at.files, part.images) for part in parts]
        for name, at in found.items()
    }


def measured(
    found: dict,
    scored: dict,
    judge: manifest.Judge,
    plan: ExportPlan,
    steps: progress.Steps,
) -> dict:
    """Entries of all variants in the manifest, of `timed` and `begun`."""
    from elf_keras.deploy import measure

    entries = {}
    for name, at in found.items():
        logits = tuple(wait() for wait in scored[name])
        policy = plan.default_policy
        entries[name] = measure.entry(at, judge, logits, policy)
        steps.ended(f"{name} scored")
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
