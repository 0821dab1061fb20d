"""What a served model knows beside its network, and what it is asked by.

Every policy is a signature by its name, its thresholds inside, so that a
client names what it wants and a changed policy changes no client.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from elf_keras.deploy import manifest
from elf_keras.errors import InputError
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_rules

DEFAULT = "serving_default"
STATIC, ALL_EXITS = policy_rules.STATIC, policy_rules.ALL_EXITS
# Thresholds in the request, for who chooses them anew for every image.
DYNAMIC, DYNAMIC_FILES = "dynamic", "dynamic_jpeg"
# Appended to the name of a signature whose images come as files.
FILES = "_bytes"


@dataclasses.dataclass(frozen=True, eq=False)
class Serving:
    """What a served model knows beside its network.

    Attributes:
      temperatures: T of what each exit answers by, `(exits,)`, > 0: the
        probabilities are softmax(logits / T); exits come from T = 1.
      class_names: in the order of the logits.
      policies: thresholds by name; `all_exits` need not be among them.
      default_policy: the one that `serving_default` is, or `static`.
      kept: part of a file's shorter side that is cut out, (0, 1].
      rule: how the model answers.
      static_temperature: T of the last exit's own logits, by which the bare
        backbone answers; None where all exits answer by their own.
    """

    temperatures: np.ndarray
    class_names: Sequence[str]
    policies: dict[str, ExitThresholds] = dataclasses.field(
        default_factory=dict
    )
    default_policy: str = ALL_EXITS
    kept: float = 1.0
    rule: AnswerRule = PLAIN
    static_temperature: float | None = None

    def __post_init__(self):
        for name in self.policies:
            taken = name in (DEFAULT, STATIC, DYNAMIC, DYNAMIC_FILES)
            if taken or name.endswith(FILES) or not name:
                raise InputError(
                    f"policy {name!r} cannot be served: another signature has "
                    "this name; rename it in the policy file"
                )

    @property
    def names(self) -> list[str]:
        """Signatures that take pixels alone, and with `FILES` files alone."""
        return list(dict.fromkeys([DEFAULT, ALL_EXITS, STATIC, *self.policies]))


def of_manifest(record: dict) -> Serving:
    """What an export's manifest says that its SavedModel knows."""
    policies = record["saved_model"]["policies"].items()
    thresholds = {
        name: ExitThresholds.of(at["thresholds"]) for name, at in policies
    }
    default = record["default_policy"]
    return Serving(
        np.array([at["temperature"] for at in record["exits"]]),
        record["class_names"],
        thresholds,
        # Where no thresholds keep its budget, the export is refused.
        default if default in (*thresholds, STATIC) else ALL_EXITS,
        record["input"]["kept"],
        manifest.rule_of(record),
        record["static_temperature"],
    )
