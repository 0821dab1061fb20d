"""Every exit rule with every answer, and a made chain that leaves by one."""

import itertools
import json

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


def manifest_by(chain, rule):
    """A manifest beside that of a made chain, of an export by the rule."""
    record = json.loads(chain.manifest.read_text()) | manifest.leaving(rule)
    name = f"manifest_{rule.exit_rule}_{rule.answer}.json"
    path = chain.manifest.with_name(name)
    path.write_text(json.dumps(record))
    return path
