"""The documentation's pages, and the commands that they show.

A block of shell commands is run by tests/docs/test_commands.py, or begins
with a line that says otherwise: `# Not run …` with the reason, or `# Run by
PATH …` with the test that runs it.
"""

import dataclasses
import pathlib
import re
import shlex

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
_TUTORIALS = "tutorials"
# Tutorials first, as they make the runs that other pages go on with.
PAGES = [
    CHECKOUT / "README.md",
    *sorted(
        (CHECKOUT / "docs").rglob("*.md"),
        key=lambda path: (path.parent.name != _TUTORIALS, path),
    ),
    CHECKOUT / "savedmodels" / "README.md",
    CHECKOUT / "experiments" / "README.md",
]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NOT_RUN = "# Not run"
_ELSEWHERE = re.compile(r"# Run by (\S+?\.py)")


@dataclasses.dataclass(frozen=True)
class Block:
    """Shell commands of a page.

    Attributes:
      page: its path from the checkout.
      text: all lines between the fences.
    """

    page: str
    text: str

    @property
    def not_run(self) -> bool:
        """Whether it says that it is not run."""
        return self.text.startswith(_NOT_RUN)

    @property
    def elsewhere(self) -> str | None:
        """The test that runs it, where it names one."""
        found = _ELSEWHERE.match(self.text)
        return found and found[1]

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command; comments and redirections left out."""
        joined = self.text.replace("\\\n", " ")
        lines = [
            shlex.split(line, comments=True) for line in joined.splitlines()
        ]
        return [_before_redirection(words) for words in lines if words]


def fenced(path: pathlib.Path) -> list[tuple[str, str]]:
    """The language and the text of each fenced block of a page."""
    return _BLOCK.findall(path.read_text(encoding="utf-8"))


def blocks() -> list[Block]:
    """All blocks of shell commands, page by page."""
    return [
        Block(path.relative_to(CHECKOUT).as_posix(), text)
        for path in PAGES
        for language, text in fenced(path)
        if language == "bash"
    ]


def _before_redirection(words):
    places = [place for place, word in enumerate(words) if ">" in word]
    return words[: places[0]] if places else words


def of_project(words: list[str]) -> tuple[str, list[str]] | None:
    """A command's name and its arguments; None of other programs."""
    if words[0] == "elf-keras" and len(words) > 1:
        return words[1], words[2:]
    if words[:2] == ["python", "-m"] and words[2].startswith("elf_keras."):
        return words[2].removeprefix("elf_keras."), words[3:]
    return None
