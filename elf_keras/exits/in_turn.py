"""Exits that are computed in turn, and what an image keeps between them.

The same answers and certainties as `answer_rule` and `certainty` give of all
exits at once. Kept are C numbers of a running sum, and by patience
the class of the exit before and how many exits in a row have said it; by all
other rules nothing. Whoever leaves a batch takes his row of it along.

NumPy arrays and tensors alike.
"""

from elf_keras.exits import answer_rule, arrays, certainty
from elf_keras.exits.answer_rule import AnswerRule


def step(rule: AnswerRule, number: int, logits, kept: dict) -> tuple:
    """Ask one exit.

    Args:
      rule: how the model answers.
      number: of the exit, from 1.
      logits: of this exit, `(batch, classes)`.
      kept: what asking the exit before left, arrays `(batch, …)` by name;
        empty at the first exit.

    Returns:
      What the exit answers by, `(batch, classes)`, its certainty, `(batch,)`,
      and what the next exit is to be given as `kept`.
    """
    answered = rule.next_answer(kept.get("sum"), logits)
    keeps = {"sum": answered} if rule.answer == answer_rule.RUNNING else {}
    if rule.exit_rule == certainty.PATIENCE:
        said = _class(answered)
        run = certainty.next_run(said, kept.get("said"), kept.get("run"))
        sure = certainty.of_run(run, answered)
        return answered, sure, {**keeps, "said": said, "run": run}
    if rule.exit_rule == certainty.CONFIDENCE:
        # Needs no axis of exits, and each operation counts for one image.
        return answered, certainty.confidence(answered), keeps
    sure = certainty.of(
        answered[..., None, :], rule.exit_rule, scale=rule.scale, first=number
    )
    return answered, sure[..., 0], keeps


def _class(answered):
    """The first of the largest, `(batch,)`.

    By comparison: Keras's argmax has bit operations, which TFLite has not.
    """
    ops, classes = arrays.of(answered), answered.shape[-1]
    largest = answered == ops.max(answered, axis=-1, keepdims=True)
    return ops.min(ops.where(largest, ops.arange(classes), classes), axis=-1)
