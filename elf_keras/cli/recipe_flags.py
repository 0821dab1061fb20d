"""Every flag that recipes share, defined once, for all commands.

Bounds and choices are checked while parsing, so that a wrong recipe ends
before any work begins.
"""

from absl import flags

from elf_keras.cli import (
    augmentation_flags,
    data_flags,
    model_flags,
    objective_flags,
    run_flags,
    schedule_flags,
    score_flags,
    start_flags,
)

# The groups that `--help` shows them in, each a module that defines its own.
GROUPS = {
    "Run": run_flags,
    "Data": data_flags,
    "Augmentation of training images": augmentation_flags,
    "Model": model_flags,
    "Training from given weights": start_flags,
    "Objective": objective_flags,
    "Schedule": schedule_flags,
    "Early exits in use, and scores": score_flags,
}
# Flags that are defined in the name of this module while a command starts.
_PLUGINS = "Parameters that plug-ins add"


def define() -> None:
    """Define the shared flags; a second call changes nothing."""
    if "workdir" in flags.FLAGS:
        return
    for module in GROUPS.values():
        module.define()


def titles() -> list[str]:
    """The groups in the order that they are shown in."""
    return [*GROUPS, _PLUGINS]


def of_group(title: str) -> list[flags.Flag]:
    """The flags of a group, in the order that they are defined in."""
    module = GROUPS[title].__name__ if title in GROUPS else __name__
    return flags.FLAGS.flags_by_module_dict().get(module, [])


def of_plugins() -> list[flags.Flag]:
    """The parameters that plug-ins added."""
    return of_group(_PLUGINS)


def shared() -> list[flags.Flag]:
    """The flags of all groups."""
    return [flag for title in titles() for flag in of_group(title)]
