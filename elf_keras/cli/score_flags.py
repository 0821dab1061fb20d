"""Flags of a recipe about how images leave in use, and what scores mean."""

from absl import flags

from elf_keras import choices

# Of --exit_rule, in the help of the one command that takes it.
ALL_RULES_TOLD = " all: sweep compares them and takes the best."


class _DecayParser(flags.FloatParser):
    """A number within bounds, or the word that leaves it to `sweep`."""

    def parse(self, argument):
        """Return the number, or the word."""
        if argument == choices.BY_VALIDATION:
            return argument
        try:
            return super().parse(argument)
        except ValueError as error:
            raise ValueError(
                f"expected a number from 0 to 1, or {choices.BY_VALIDATION}"
            ) from error


def define() -> None:
    """Define them."""
    flags.DEFINE_string(
        "exit_threshold",
        "auto",
        "Threshold s: in use an image leaves at the first exit that is more "
        "certain than s. A number, a multiple of 1/C for C classes such as "
        "2/C, or auto: what suits the loss and --exit_rule.",
    )
    flags.DEFINE_enum(
        "exit_rule",
        "confidence",
        (*choices.EXIT_RULES, choices.ALL_RULES),
        "How an exit's certainty is measured. confidence: the largest class "
        "probability p. entropy: 1 - H(p) / log C. margin: p's lead over the "
        "second. patience: r / (r + 1) where r exits in a row agree. "
        "depth_confidence: the largest of softmax(k z) at exit k."
        + ALL_RULES_TOLD,
    )
    flags.DEFINE_enum(
        "answer",
        "own",
        choices.ANSWERS,
        "Which logits an exit predicts the class by. own: its own. running: "
        "the sum of its own and those of the exits before it.",
    )
    flags.DEFINE(
        _DecayParser(0.0, 1.0),
        "answer_decay",
        0.5,
        "How much an exit's logits count in the sum of --answer=running, "
        "against those of the next exit. 1: all count the same. 0: those of "
        "earlier exits do not count. validation: in policies, what sweep finds "
        "best on validation; elsewhere, 0.5.",
        serializer=flags.ArgumentSerializer(),
    )
    flags.DEFINE_enum(
        "deployment_prior",
        "uniform",
        choices.DEPLOYMENT_PRIORS,
        "How accuracy averages over classes. uniform: all count the same. "
        "train: by their share of the training images.",
    )
