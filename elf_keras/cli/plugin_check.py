"""Whether a plug-in adds anything."""

import sys
import types
from collections.abc import Callable

from elf_keras import plugins
from elf_keras.errors import InputError

_KINDS = ("loss", "exit rule", "data source", "backbone")
# Modules that added something when they were imported first.
_ADDING = set()


def added() -> list[Callable]:
    """All functions that were registered."""
    return [f for kind in _KINDS for f in plugins.added(kind).values()]


def _module_of(value):
    """The name of a module, or of that which something comes from."""
    whole = isinstance(value, types.ModuleType)
    return value.__name__ if whole else getattr(value, "__module__", None)


def check(module: types.ModuleType, before: list[Callable]) -> None:
    """Refuse a module that registers nothing, by itself or by its imports.

    Args:
      module: a plug-in, just imported, or imported before.
      before: what was `added` before that.

    Raises:
      InputError: where it adds nothing.
    """
    found = added()
    if found != before:
        _ADDING.add(module)
    if keras := sys.modules.get("keras"):
        # A plug-in may have layers alone, of a backbone that is a file.
        found += keras.saving.get_custom_objects().values()
    adding, own = {each.__module__ for each in found}, f"{module.__name__}."
    held = {_module_of(value) for value in vars(module).values()}
    its = any(f"{name}.".startswith(own) for name in adding)
    if not (its or held & adding or module in _ADDING):
        raise InputError(
            "the module adds nothing; register its functions by decorators "
            'that take a name, such as @plugins.loss("mine")'
        )
