"""What an export says of itself: files, budgets, scores, times, checksums.

Thresholds are chosen on the validation split for each variant anew, since
quantization moves confidences; accuracies are those of the split that no
choice has seen.
"""

import dataclasses
import pathlib

import numpy as np

from elf_keras import runs
from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.policies import policy_rules, selection

NAME = "manifest.json"
FORMAT = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Scored:
    """Answers of one variant on the two splits that a manifest needs.

    Attributes:
      chosen_on: on the split that chooses thresholds.
      reported_on: on the split that is reported.
    """

    chosen_on: answers.Answers
    reported_on: answers.Answers


def policies_of(
    scored: Scored,
    scorer: Scorer,
    milliseconds: list[float] | None = None,
    plan: policy_rules.PolicyPlan = policy_rules.DEFAULT,
) -> dict:
    """Choose a variant's policies and score each of them.

    Args:
      scored: of the variant.
      scorer: of the run.
      milliseconds: time of each stage, `(exits,)`; None leaves times out.
      plan: rules and guard to choose by.
    """
    chosen, _ = selection.choose(scored.chosen_on, scorer, plan, milliseconds)
    return {
        name: {
            "thresholds": selection.written(choice.limits),
            **selection.score(choice, scored.reported_on, scorer, milliseconds),
            "guard_kept": choice.kept,
            "said": choice.said,
        }
        for name, choice in chosen.items()
    }


def reached(shares) -> np.ndarray:
    """Share of images that reach each exit, `(exits,)`."""
    return np.cumsum(np.asarray(shares)[::-1])[::-1]


def head_milliseconds(stages: list[float], alone: list[float]) -> np.ndarray:
    """Time of each early head, from the times of the files that ship.

    Stages 1…k hold the backbone to tap k and heads 1…k; exit_k.tflite holds
    the same backbone and head k alone. Their difference is heads 1…k-1.

    Args:
      stages: of each stage, `(exits,)`, in ms.
      alone: of each exit_k.tflite, `(exits,)`, in ms.

    Returns:
      ms, `(exits - 1,)`, not below 0.
    """
    before = np.cumsum(stages) - np.asarray(alone)
    return np.maximum(np.diff(before), 0.0)


def payback(policy: dict, stages: list[float], heads: np.ndarray) -> list[str]:
    """Sentences on exits whose head costs more time than its leavers save.

    Args:
      policy: one of `policies_of`, with its shares.
      stages: ms of each stage, `(exits,)`.
      heads: ms of each early head, `(exits - 1,)`.
    """
    found = []
    shares, reach = policy["exit_shares"], reached(policy["exit_shares"])
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


def image_input(shape: tuple[int, int, int]) -> dict:
    """Return what a caller must know to prepare an image."""
    height, width, channels = shape
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "colour": "RGB" if channels == 3 else "grey",
        "range": [0, 255],
        "layout": "NHWC",
        "resize": "centre square, antialiased bilinear",
        "normalization": "inside the model",
    }


def checksums(folder: pathlib.Path) -> dict[str, str]:
    """Return SHA-256 by path, of every file of an export but the manifest."""
    return {
        path.relative_to(folder).as_posix(): runs.checksum(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME
    }
