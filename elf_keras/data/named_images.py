"""Image files that a command line names: files, folders of them, globs."""

import collections
import glob
import os
import pathlib
from collections.abc import Iterator

from elf_keras.data import image_formats
from elf_keras.data.sources.folder_tree import Tree


class NamedImages:
    """The files that words mean, in their order, and what is no image.

    A word is a file, whatever its name; a folder: the images below it, sorted,
    links followed; or a glob, of which `**` means folders below each other:
    what it matches. What is there by its very name is no glob.
    """

    def __init__(self, words: list[str]):
        self._words = words
        # Reason -> count of a folder's files that nobody means.
        self.left_out = collections.Counter()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield (path, why it cannot be read, or "")."""
        for word in self._words:
            if os.path.lexists(word) or not glob.has_magic(word):
                yield from self._of(word)
                continue
            found = sorted(glob.glob(word, recursive=True))
            if "**" in word:
                # It matches what is in the folders, too.
                found = [path for path in found if not os.path.isdir(path)]
            if not found:
                yield word, "matches no file"
            for path in found:
                yield from self._of(path)

    def _of(self, path):
        if not os.path.isdir(path):
            yield path, ""
            return
        tree, empty = Tree(pathlib.Path(path)), True
        (names,) = tree.images([""])
        for name in names:
            yield tree.path(name), ""
        for part in tree.left_out:
            # An image that cannot be read is one all the same.
            if image_formats.wants(part.reason) or "cannot" in part.reason:
                empty = False
                yield from ((tree.path(n), part.reason) for n in part.names)
            else:
                self.left_out[part.reason] += len(part.names)
        if empty and not names:
            yield path, "no images in this folder"
