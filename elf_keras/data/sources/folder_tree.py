"""All that lies in a data folder: its images, and what is left out and why.

Links are followed. A folder or file that is reached a second time, by a link,
is left out there, so that no link leads round in circles or counts twice.
"""

import collections
import itertools
import os
import pathlib
import posixpath
from collections.abc import Iterable, Iterator, Sequence

from elf_keras import runs
from elf_keras.data import image_formats, splits
from elf_keras.errors import InputError

# What systems and programs put into folders of other people's files.
SYSTEM_NAMES = frozenset(
    (
        *("__MACOSX", "__pycache__", "@eaDir", "#recycle", "lost+found"),
        *("$RECYCLE.BIN", "System Volume Information"),
        *("Thumbs.db", "desktop.ini"),
    )
)
TWICE = "linked twice"
UNOPENED = "cannot be opened"


class Tree:
    """A folder whose files are either listed or left out with a reason.

    Names are relative to it, as the system spells them, with `/` between;
    those of folders that are left out whole end with it.
    """

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.linked = False  # whether files may have been found twice
        self._left_out = collections.defaultdict(list)

    def path(self, name: str) -> str:
        """Where a file or folder of the tree is."""
        return f"{self.root}/{name}" if name else str(self.root)

    def leave_out(self, name: str, reason: str) -> None:
        """Have a file, or a folder NAME/, reported in `left_out`."""
        self._left_out[reason].append(name)

    def names_left_out(self) -> list[str]:
        """The files that were left out so far, by their own names."""
        everything = itertools.chain(*self._left_out.values())
        return [name for name in everything if not name.endswith("/")]

    def take(self, names: Iterable[str]) -> None:
        """Have files used that were left out, but for want of a reader."""
        names = {*names}
        for reason, left in self._left_out.items():
            if not image_formats.wants(reason):
                left[:] = [name for name in left if name not in names]

    def is_file(self, name: str) -> bool:
        """Whether a name is that of a file, wherever it came from."""
        return os.path.isfile(self.path(name))

    @property
    def left_out(self) -> tuple[splits.LeftOut, ...]:
        """What was left out so far, by reason."""
        return tuple(
            splits.LeftOut(reason, tuple(sorted(map(runs.legible, names))))
            for reason, names in sorted(self._left_out.items())
            if names
        )

    def folders(self, name: str = "") -> list[str]:
        """The base names of a folder's own folders; hidden ones are none."""
        return sorted(
            entry.name
            for entry in self._entries(name)
            if not _passed_over(entry) and _is_folder(entry)
        )

    def check_opens(self, name: str = "") -> None:
        """Refuse a folder that cannot be listed: it would seem empty.

        Raises:
          InputError: with the system's reason.
        """
        try:
            os.scandir(self.path(name)).close()
        except OSError as error:
            raise InputError(
                f"{runs.legible(self.path(name))} {UNOPENED} "
                f"({error.strerror}): change who may read it"
            ) from error

    def leave_out_files(self, name: str = "") -> None:
        """Report what a folder holds beside those that `folders` gives."""
        for entry in self._entries(name, report=True):
            path = _join(name, entry.name)
            if not self._reported(entry, path) and not _is_folder(entry):
                self.leave_out(path, _why_none(entry) or "in no class folder")

    def images(self, folders: Sequence[str]) -> list[list[str]]:
        """The image files below each of some folders, sorted.

        All else below them is left out with a reason.
        """
        above = {posixpath.dirname(folder) for folder in folders} - {""}
        self.linked |= any(os.path.islink(self.path(name)) for name in above)
        found, walked, links = [[] for _ in folders], [], []
        for place, folder in enumerate(folders):
            if folder and os.path.islink(self.path(folder)):
                links.append((folder, place))
                continue
            for here, files, aside in self._walk(folder):
                walked.append(here)
                found[place] += files
                links += [(name, place) for name in aside]
        if links:
            self._follow(links, found, {*walked, *above})
        return [
            sorted(files, key=lambda name: name.split("/")) for files in found
        ]

    def shared(self, some: Sequence[str], others: Sequence[str]) -> list[str]:
        """Those of some files that are, by links, among the others too."""
        known = {_identity(self.path(name)) for name in others}
        return [name for name in some if _identity(self.path(name)) in known]

    def _follow(self, links, found, walked):
        """Add what links lead to; files themselves before links to them."""
        self.linked = True
        known = {_identity(self.path(name)) for name in walked}
        known |= {_identity(path) for path in self._above()}
        waiting, files = collections.deque(sorted(links)), []
        while waiting:
            link, place = waiting.popleft()
            if not os.path.isdir(self.path(link)):
                files.append((link, place))
                continue
            for _, images, aside in self._walk(link, known):
                found[place] += images
                waiting += [(name, place) for name in sorted(aside)]
        known = {_identity(self.path(n)) for names in found for n in names}
        for link, place in sorted(files):
            if self._is_new(link, known):
                found[place].append(link)

    def _walk(
        self, start: str, known: set | None = None
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        """(folder, its images, its links to folders and images), and below.

        Args:
          known: identities of folders that are passed over; grows.
        """
        waiting = [start]
        while waiting:
            here = waiting.pop()
            if known is not None and not self._is_new(here, known, "/"):
                continue
            files, links = [], []
            for entry in self._entries(here, report=True):
                name = _join(here, entry.name)
                if self._reported(entry, name):
                    continue
                if _is_folder(entry):
                    (links if entry.is_symlink() else waiting).append(name)
                elif reason := _why_none(entry):
                    self.leave_out(name, reason)
                else:
                    (links if entry.is_symlink() else files).append(name)
            yield here, files, links

    def _is_new(self, name, known, end=""):
        """Whether a place was not known; else it is left out."""
        identity = _identity(self.path(name))
        if identity in known:
            self.leave_out(name + end, TWICE)
            return False
        known.add(identity)
        return True

    def _above(self):
        """The folder itself and those above it, up to the system's."""
        root = self.root.resolve()
        return root, *root.parents

    def _entries(self, name, *, report=False):
        try:
            with os.scandir(self.path(name)) as entries:
                return list(entries)
        except OSError as error:
            if report:
                reason = f"{UNOPENED} ({error.strerror})"
                self.leave_out(f"{name}/", reason)
            return []

    def _reported(self, entry, name):
        """Whether an entry is passed over; it is left out then."""
        reason = _passed_over(entry)
        if reason:
            self.leave_out(f"{name}/" if _is_folder(entry) else name, reason)
        return bool(reason)


def _passed_over(entry) -> str:
    """Why nobody means a file or folder to be data, or ""."""
    if entry.name.startswith("."):
        return "hidden"
    return "of the system" if entry.name in SYSTEM_NAMES else ""


def _is_folder(entry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _why_none(entry) -> str:
    """Why an entry that is no folder is no image, or ""."""
    try:
        ordinary = entry.is_file()
    except OSError:
        ordinary = False
    if ordinary:
        return image_formats.why_none(entry.path)
    there = os.path.exists(entry.path)
    return "no ordinary file" if there else "link to nothing"


def _identity(path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _join(folder, name):
    return f"{folder}/{name}" if folder else name
