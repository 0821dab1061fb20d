"""Plug-ins of the tests: modules that are written, and forgotten again."""

import contextlib
import sys
import textwrap

import pytest
from absl.testing import flagsaver

from elf_keras import plugins
from elf_keras.cli import command_flags, recipe_flags

LOSS = '''
from elf_keras import plugins

@plugins.loss("made")
def made(logits, labels, *, made_weight=2.0):
    """Cross-entropy times a weight."""
    from elf_keras.losses import exit_losses
    return made_weight * exit_losses.cross_entropy(logits, labels)
'''


@contextlib.contextmanager
def forgotten():
    """Registered names and imported modules of within are gone afterwards."""
    tables = [plugins.LOSSES, plugins.BACKBONES]
    tables += [plugins.EXIT_RULES, plugins.DATA_SOURCES]
    before, modules = [dict(each) for each in tables], set(sys.modules)
    recipe_flags.define()
    command_flags.define()
    flags = flagsaver.save_flag_values()
    try:
        yield
    finally:
        # With them go their choices, and the flags of their parameters.
        flagsaver.restore_flag_values(flags)
        for table, kept in zip(tables, before, strict=True):
            table.clear()
            table.update(kept)
        # Only those of the test: others may have been loaded meanwhile.
        for name in set(sys.modules) - modules:
            if name.startswith("made_"):
                del sys.modules[name]


@contextlib.contextmanager
def written(folder, **modules):
    """Modules by name, in a folder that is the current one for a while."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    with pytest.MonkeyPatch.context() as patch, forgotten():
        patch.chdir(folder)
        patch.setattr(sys, "path", [*sys.path])
        patch.setattr(sys, "dont_write_bytecode", True)
        yield
