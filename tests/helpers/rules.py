"""Every exit rule with every answer, and a made chain that leaves by one."""

import itertools
import json

import numpy as np

from elf_keras.deploy import manifest
from elf_keras.exits import answer_rule, certainty
from elf_keras.exits.answer_rule import AnswerRule

# Not of 1 and 1/2: a runtime that forgets them shall differ.
SCALE, DECAY = 2.0, 0.75
ALL = [
    AnswerRule(SCALE, rule, answer=answer, answer_decay=DECAY)
    for rule, answer in itertools.product(
        certainty.EXIT_RULES, answer_rule.ANSWERS
    )
]
NAMES = [f"{rule.exit_rule}-{rule.answer}" for rule in ALL]


def telling_limits(sure):
    """About what another image has: some leave at every exit of three.

    Takes certainties, `(images, exits)`; a limit for each but the last exit.
    """
    random = np.random.default_rng(0)
    rows = random.permutation(sure[:, :-1]).astype("float64")
    return (rows + random.uniform(-0.05, 0.05, rows.shape)).clip(0.01, 0.99)


def manifest_by(chain, rule):
    """A manifest beside that of a made chain, of an export by the rule."""
    record = json.loads(chain.manifest.read_text()) | manifest.leaving(rule)
    name = f"manifest_{rule.exit_rule}_{rule.answer}.json"
    path = chain.manifest.with_name(name)
    path.write_text(json.dumps(record))
    return path
