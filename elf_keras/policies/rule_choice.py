"""Which exit rule and which answer suit a model: compared on validation.

Each is scored by the most accurate shared threshold within each of some
budgets, and the highest mean over the budgets wins. Choosing among many
favours the luckiest, as all choices do: the lead over confidence of own logits
comes with its standard error, and test is not looked at.
"""

import dataclasses

import keras
import numpy as np

from elf_keras.data import splits
from elf_keras.errors import InputError
from elf_keras.evaluation import answers, paired, prediction
from elf_keras.evaluation.answers import Answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_rules, sentences

_EQUAL = 1e-9
CHOSEN_BY = (
    "accuracy on validation (mean over classes), on average over these "
    "budgets, each with its best threshold for all exits; if tied, the first"
)


@dataclasses.dataclass(frozen=True, eq=False)
class RuleScore:
    """How one exit rule with one answer did.

    Attributes:
      rule: both.
      accuracy: within each budget, `(budgets,)`.
      right: how often each image was right, over the budgets, `(images,)`.
    """

    rule: AnswerRule
    accuracy: np.ndarray
    right: np.ndarray

    @property
    def mean(self) -> float:
        """Accuracy on average over the budgets."""
        return float(self.accuracy.mean())


def compare(
    model: keras.Model,
    validation: splits.Examples,
    scorer: Scorer,
    rules: list[AnswerRule],
    budgets: list[float],
) -> tuple[AnswerRule, dict]:
    """Run a model over validation once; return the best rule, and why.

    Args:
      model: a multi-exit model.
      validation: the split that chooses.
      scorer: of the run.
      rules: the first is what the best one's lead is told over.
      budgets: shares of the backbone's MACs, heads counted; one that exit 1
        alone exceeds is left out.

    Raises:
      InputError: where every image costs more than each budget.
    """
    met = _met(scorer, budgets)
    parts = prediction.logit_parts(model, validation)
    found = answers.of_rules(parts, validation.labels, rules)
    scores = [
        score(rule, each, scorer, met)
        for rule, each in zip(rules, found, strict=True)
    ]
    weights = scorer.weights(validation.labels)
    return chosen(scores, weights, met)


def budgets_of(plan: policy_rules.PolicyPlan) -> list[float]:
    """The budgets of a plan that are shares of MACs, else the usual ones."""
    found = {rule.limit for rule in plan.rules if rule.unit == "macs"}
    return sorted(found or map(float, policy_rules.BUDGETS))


def score(
    rule: AnswerRule, found: Answers, scorer: Scorer, budgets: list[float]
) -> RuleScore:
    """Score the answers that a rule gave on a split, within budgets."""
    curve = scorer.curve(found)
    exits, accuracy, right = found.classes.shape[1], [], []
    for budget in budgets:
        limit = (budget + _EQUAL) * scorer.costs.backbone
        fits = np.flatnonzero(curve.cost <= limit)
        best = fits[curve.accuracy[fits].argmax()]
        at = ExitThresholds.shared(curve.thresholds[best], exits)
        accuracy.append(curve.accuracy[best])
        right.append(found.leave(at).classes == found.labels)
    return RuleScore(rule, np.array(accuracy), np.mean(right, axis=0))


def chosen(
    scores: list[RuleScore], weights: np.ndarray, budgets: list[float]
) -> tuple[AnswerRule, dict]:
    """Return the rule with the best scores, and what a file holds of it all.

    `weights` of the images make a mean one over classes, `(images,)`.
    """
    means = np.array([each.mean for each in scores])
    best = scores[int(np.flatnonzero(means >= means.max() - _EQUAL)[0])]
    lead, error = paired.lead(best.right, scores[0].right, weights)
    return best.rule, {
        "split": "validation",
        "images": len(weights),
        "budgets": budgets,
        "chosen_by": CHOSEN_BY,
        "rules": [
            {**each.rule.told, "accuracy": each.accuracy, "mean": each.mean}
            for each in scores
        ],
        "lead": {"points": lead, "standard_error": error},
        "said": sentences.best_rule(best.rule, scores[0].rule, lead, error),
    }


def _met(scorer, budgets):
    """The budgets that can be kept."""
    least = scorer.costs.with_heads[0] / scorer.costs.backbone
    met = [budget for budget in budgets if budget >= least - _EQUAL]
    if not met:
        raise InputError(
            "--budget: exit rules are compared within shares of the "
            f"backbone's MACs, and exit 1 alone costs {100 * least:.0f} %; "
            f"name one above, such as --budget={max(1.0, 1.5 * least):.2g}"
        )
    return met
