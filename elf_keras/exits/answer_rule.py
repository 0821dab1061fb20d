"""How a model answers: by which logits, and what of them is compared with s.

An exit answers by its own logits z_k, or by the running sum of those of the
exits up to it, in which each exit before counts d times as much as the next:

  R_k = Σ_{j≤k} d^(k-j) z_j = d R_{k-1} + z_k

The class, its probability and the certainty are then those of R_k. A sum, not
a mean, so that exits that agree are surer together; it costs a number for each
class to keep. Training knows nothing of it.
"""

import dataclasses
import math
from collections.abc import Sequence
from numbers import Real

from elf_keras import choices
from elf_keras.errors import UnknownRuleError
from elf_keras.exits import arrays, certainty
from elf_keras.exits.arrays import at_least_float32

OWN, RUNNING = ANSWERS = "own", "running"
DECAY = 0.5
# As files and flags name what tells one from another.
KEYS = "exit_rule", "answer", "answer_decay"


@dataclasses.dataclass(frozen=True, eq=False)
class AnswerRule:
    """How a model answers with its exits.

    Attributes:
      scale: σ, by which the loss multiplied logits: 1 but for cosines.
        Probabilities are softmax(σ · logits).
      exit_rule: a key of `certainty.EXIT_RULES`, which s is compared by.
      exit_weights: α, `(exits,)`, of a model that one loss of the summed
        logits trained; all exits answer by that sum then. None for others.
      answer: what an exit answers by: `own` logits or their `running` sum.
      answer_decay: d of the running sum, in [0, 1]: 0 is an exit's own
        logits, 1 the plain sum.
    """

    scale: float = 1.0
    exit_rule: str = certainty.CONFIDENCE
    exit_weights: Sequence[float] | None = None
    answer: str = OWN
    answer_decay: float = DECAY

    @property
    def told(self) -> dict:
        """What files hold of it, and `of_record` reads."""
        return {key: getattr(self, key) for key in KEYS}

    @property
    def shown(self) -> str:
        """As sentences have it: the exit rule, and of what, unless of own."""
        if self.answer == OWN:
            return self.exit_rule
        return f"{self.exit_rule} of running sums (decay {self.answer_decay:g})"

    @property
    def flags(self) -> str:
        """The words of a command line that ask for it."""
        words = f"--exit_rule={self.exit_rule} --answer={self.answer}"
        if self.answer == OWN:
            return words
        # Short where it can be: what is read again is the same number.
        decay = f"{self.answer_decay:g}"
        same = float(decay) == self.answer_decay
        return f"{words} --answer_decay={decay if same else self.answer_decay}"

    def leaves_as(self, other: "AnswerRule") -> bool:
        """Whether thresholds of the one mean the same by the other."""
        same = self.exit_rule == other.exit_rule and self.answer == other.answer
        decays = self.answer_decay, other.answer_decay
        return same and (self.answer == OWN or decays[0] == decays[1])

    def total(self, exits: int) -> float:
        """Σ_j d^j, how many logits exit number `exits` answers by; own: 1."""
        if self.answer == OWN:
            return 1.0
        return float(sum(self.answer_decay**j for j in range(max(exits, 1))))

    def answered(self, logits):
        """What each exit answers by, `(..., exits, classes)` as the logits.

        To be taken once, of the logits of all exits so far; the other methods
        are given what it returns.
        """
        if self.answer == OWN:
            return logits
        ops, answers = arrays.of(logits), []
        for number in range(logits.shape[-2]):
            before = answers[-1] if answers else None
            answers.append(self.next_answer(before, logits[..., number, :]))
        return ops.stack(answers, axis=-2)

    def next_answer(self, before, logits):
        """What one exit answers by, where exits are computed in turn.

        Args:
          before: what the exit before answers by, `(..., classes)`; None at
            the first exit.
          logits: of this exit, `(..., classes)`.
        """
        if self.answer == OWN:
            return logits
        logits = at_least_float32(logits)
        return logits if before is None else self.answer_decay * before + logits

    def certainty(self, logits):
        """Certainty of each exit, of `answered` from the first exit on."""
        return certainty.of(logits, self.exit_rule, scale=self.scale)

    def probabilities(self, logits):
        """Class probabilities of each exit, softmax(σ · answered)."""
        ops = arrays.of(logits)
        scaled = self.scale * at_least_float32(logits)
        powers = ops.exp(scaled - ops.max(scaled, axis=-1, keepdims=True))
        return powers / ops.sum(powers, axis=-1, keepdims=True)


# Logits as they are, confidence, no sum: all but rivals and cosines.
PLAIN = AnswerRule()


def of_record(record: dict, scale: float = 1.0) -> AnswerRule:
    """Read what a file `told`; a file of before has confidence of own logits.

    Raises:
      ValueError: for what no model has, with the reason;
        `UnknownRuleError` where a plug-in may have it.
    """
    rule = record.get("exit_rule", certainty.CONFIDENCE)
    answer = record.get("answer", OWN)
    decay = record.get("answer_decay", DECAY)
    for what, value, known in (
        ("exit rule", rule, certainty.EXIT_RULES),
        ("answer", answer, ANSWERS),
    ):
        if value not in tuple(known):
            error = UnknownRuleError if what == "exit rule" else ValueError
            raise error(
                f"its {what} is {value!r}, not one of {', '.join(known)}"
            )
    if isinstance(decay, bool) or not isinstance(decay, Real):
        decay = math.nan
    if not 0 <= decay <= 1:
        raise ValueError(
            f"its answer_decay is {record['answer_decay']!r}, not in [0, 1]"
        )
    return AnswerRule(scale, rule, answer=answer, answer_decay=float(decay))


def of_flags(
    words: dict[str, str], scale: float = 1.0, *, decay: float = DECAY
) -> AnswerRule:
    """Read flags as text, by name, as `of_record` reads what files hold.

    Args:
      words: flags by name.
      scale: as an `AnswerRule` has it.
      decay: what validation chose, if flags leave that to it.

    Raises:
      ValueError: for what no model has, with the reason.
    """
    found = {key: words[key] for key in KEYS if key in words}
    if found.get("answer_decay") == choices.BY_VALIDATION:
        found["answer_decay"] = decay
    if "answer_decay" in found:
        found["answer_decay"] = float(found["answer_decay"])
    return of_record(found, scale)
