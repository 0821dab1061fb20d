"""What a flag expected, where its value is of another type."""

import re

from absl import flags

# How the flags library passes on what Python says, and what it means.
_MEANT = {
    "invalid literal for int": "a whole number",
    "could not convert string to float": "a number",
    "('Non-boolean argument": "true or false",
}
_WRONG = re.compile(
    rf"flag (--.*): (?:({'|'.join(map(re.escape, _MEANT))}).*)", re.DOTALL
)


def told(error: flags.Error) -> str:
    """What a flags error says, in one line."""
    text = str(error)
    if found := _WRONG.fullmatch(text):
        text = f"{found[1]}: expected {_MEANT[found[2]]}"
    return " ".join(text.split())
