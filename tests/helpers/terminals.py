"""A terminal that keeps what is written to it, and shows what it would."""

import contextlib
import io

from elf_keras.runs import progress


class Terminal(io.StringIO):
    """Stands in for standard output and error in a terminal."""

    def isatty(self) -> bool:
        """As a terminal says."""
        return True

    @contextlib.contextmanager
    def attached(self):
        """Within, both streams go here, and progress is shown."""
        # In the test itself: pytest puts its own streams there before it.
        with (
            contextlib.redirect_stdout(self),
            contextlib.redirect_stderr(self),
            progress.on_terminal(),
        ):
            yield self

    @property
    def screen(self) -> list[str]:
        """The lines to be seen at the end; blanks at their ends left out."""
        return [rewritten(line) for line in self.getvalue().split("\n")]

    @property
    def states(self) -> list[str]:
        """Every text that a line had, one after the other."""
        written = self.getvalue().replace("\n", "\r").split("\r")
        return [text.rstrip() for text in written if text.strip()]


def rewritten(line: str) -> str:
    """What a line shows after all its carriage returns."""
    shown = ""
    for text in line.split("\r"):
        shown = text + shown[len(text) :]
    return shown.rstrip()
