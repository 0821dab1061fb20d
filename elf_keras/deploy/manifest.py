"""What an export says of itself: files, budgets, scores, times, checksums.

Thresholds are chosen on the validation split for each variant anew, since
quantization moves confidences; accuracies are those of the split that no
choice has seen.
"""

import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np

from elf_keras import choices, runs
from elf_keras.data import splits
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits import answer_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies import policy_rules, selection, sentences

NAME, LABELS = "manifest.json", "labels.txt"
# Old runners know the first alone, which leaves by confidence of own scores.
FORMAT, FORMAT_OF_RULES = FORMATS = 1, 2
# In samples/, so that page and runner have some to try: of large images fewer,
# since their pixels would outweigh the chain.
SAMPLES, SAMPLE_BYTES = 60, 1_500_000


@dataclasses.dataclass(frozen=True, eq=False)
class Judge:
    """Who scores the variants of an export, by which rules, and on what."""

    scorer: Scorer
    chosen_on: splits.Examples  # the split that chooses thresholds
    reported_on: splits.Examples  # the split whose scores are reported
    reported_as: str  # its name
    rules: policy_rules.PolicyPlan
    chain_only: bool = False  # no variant has a file of the bare backbone

    def choose(
        self,
        chosen_on: Answers,
        reported_on: Answers,
        milliseconds: list[float] | None = None,
        *,
        alone: bool = True,
    ) -> dict:
        """Choose a variant's policies, by its answers, and score each of them.

        Args:
          milliseconds: of each stage, `(exits,)`; None leaves times out.
          alone: whether the bare backbone can be asked.

        Returns `policies` by name; `left_out`, a sentence for each rule that
        this variant cannot meet; `static`, scores of the last exit alone.
        """
        scorer = self.scorer.timed(milliseconds)
        chosen, left_out = selection.choose(chosen_on, scorer, self.rules)
        static = scorer.static(reported_on)
        policies = {}
        for name, choice in chosen.items():
            scores = selection.score(choice.thresholds, reported_on, scorer)
            told = {name: scores}
            policies[name] = {
                "rule": choice.rule.told,
                "thresholds": choice.thresholds.to_json(),
                **scores,
                "guard_kept": choice.kept,
                "group_losses": choice.losses,
                "said": choice.said,
                "advice": sentences.dearer(
                    told, static["accuracy"], self.reported_as, alone=alone
                ),
            }
        return {"static": static, "policies": policies, "left_out": left_out}


def leaving(rule: AnswerRule) -> dict:
    """How images leave, and the format: what every runtime must know.

    A runner of before would leave by its own rule and be wrong in silence:
    exports by another one have a format that it refuses.
    """
    plain = rule.leaves_as(answer_rule.PLAIN)
    return {
        "format": FORMAT if plain else FORMAT_OF_RULES,
        **rule.told,
        "score_scale": rule.scale,
    }


def rule_of(record: dict) -> AnswerRule:
    """Read `leaving`; what old manifests lack is confidence of own scores.

    Raises:
      ValueError, LookupError, TypeError: for what no model has.
    """
    if record["format"] not in FORMATS:
        raise ValueError(f"its format is {record['format']!r}, not 1 or 2")
    return answer_rule.of_record(record, float(record.get("score_scale", 1)))


def reached(shares) -> np.ndarray:
    """Share of images that reach each exit, `(exits,)`."""
    return np.cumsum(np.asarray(shares)[::-1])[::-1]


def head_milliseconds(stages: list[float], alone: list[float]) -> np.ndarray:
    """Time of each early head, from the times of the files that ship.

    Stages 1…k hold the backbone to tap k and heads 1…k; exit_k.tflite holds
    the same backbone and head k alone. Their difference is heads 1…k-1. All
    in ms; both are `(exits,)`, the result `(exits - 1,)`, not below 0.
    """
    before = np.cumsum(stages) - np.asarray(alone)
    return np.maximum(np.diff(before), 0.0)


def payback(shares, stages: list[float], heads: np.ndarray) -> list[str]:
    """Sentences on exits whose head costs more time than its leavers save.

    By shares of the images that leave at each exit and ms of each stage,
    `(exits,)`, and ms of each early head, `(exits - 1,)`.
    """
    found, reach = [], reached(shares)
    for index, head in enumerate(heads):
        cost = reach[index] * head
        saved = shares[index] * sum(stages[index + 1 :])
        if cost > saved:
            found.append(
                f"exit {index + 1} does not pay: its head costs {cost:.2g} ms "
                f"an image, its leavers save {saved:.2g} ms"
            )
    return found


def exits(costs, temperatures) -> list[dict]:
    """Return one record an exit: multiply-adds and temperature."""
    return [
        {
            "exit": number + 1,
            "macs": int(costs.with_heads[number]),
            "macs_without_heads": int(costs.without_heads[number]),
            "temperature": float(temperature),
        }
        for number, temperature in enumerate(temperatures)
    ]


def image_input(shape: tuple[int, int, int], kept: float = 1.0) -> dict:
    """Return what a caller must know to prepare an image.

    The centre square is `kept` times the shorter side, (0, 1].
    """
    height, width, channels = shape
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "colour": "RGB" if channels == 3 else "grey",
        "range": [0, 255],
        "layout": "NHWC",
        "kept": kept,
        "resize": "centre square, antialiased bilinear",
        "normalization": "inside the model",
    }


def write_samples(
    folder: pathlib.Path, examples: splits.Examples, classes: int
) -> None:
    """Write samples.json and images.bin: uint8, image after image, NHWC.

    The same number for each of the classes, where there are enough; of more
    classes than samples, some from the first to the last.
    """
    bytes_of_one = math.prod(examples.images.shape[1:])
    most = min(SAMPLES, max(1, SAMPLE_BYTES // bytes_of_one))
    each = max(1, most // classes)
    shown = np.linspace(0, classes - 1, min(classes, most)).round().astype(int)
    rows = [np.flatnonzero(examples.labels == c)[:each] for c in shown]
    # By turns, so that the first few already show several classes.
    chosen = np.array(
        [row[n] for n in range(each) for row in rows if n < len(row)], int
    )[:most]
    part = examples.take(chosen)
    with runs.replacing(folder / "images.bin") as temporary:
        temporary.write_bytes(np.asarray(part.images).tobytes())
    runs.write_json(
        folder / "samples.json",
        {
            "images": "samples/images.bin",
            "count": len(part),
            "labels": part.labels,
            "names": [
                runs.legible(pathlib.PurePath(name).name) for name in part.names
            ],
        },
    )


def write_labels(folder: pathlib.Path, names: Sequence[str]) -> str:
    """Write class names, one a line in the order of scores; return the file.

    Phone apps know this file; a line break inside a name is shown as a code.
    """
    with runs.replacing(folder / LABELS) as temporary:
        lines = "".join(f"{runs.legible(name)}\n" for name in names)
        temporary.write_text(lines, "utf-8", newline="\n")
    return LABELS


def files(folder: pathlib.Path, variant: str) -> pathlib.Path:
    """Where an export holds the files of a variant."""
    kind = "onnx" if variant in choices.ONNX_VARIANTS else "tflite"
    return folder / kind / variant


def checksums(folder: pathlib.Path, part: str = "") -> dict[str, str]:
    """SHA-256 by path, of an export's files (below `part`) but the manifest."""
    return {
        path.relative_to(folder).as_posix(): runs.checksum(path)
        for path in sorted((folder / part).rglob("*"))
        if path.is_file() and path.name != NAME
    }
