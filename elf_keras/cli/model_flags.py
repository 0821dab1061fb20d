"""Flags of a recipe about the network: backbone, exits, second stage."""

from absl import flags

from elf_keras import choices, plugins


def define() -> None:
    """Define them."""
    _backbone()
    _exits()


def _backbone():
    known = (
        f"{', '.join(choices.BACKBONES)}, {choices.KERAS_PREFIX}NAME or "
        f"FILE{choices.KERAS_FILE}"
    )
    flags.DEFINE_string(
        "backbone",
        "resnet32",
        f"Network that the exits are attached to: {known}. NAME is a model of "
        "keras.applications, FILE any functional Keras model; its weights are "
        "used, too.",
    )
    flags.register_validator(
        "backbone",
        lambda name: (
            name in plugins.names("backbone")
            or name.startswith(choices.KERAS_PREFIX)
            or name.endswith(choices.KERAS_FILE)
        ),
        f"choose one of {known}",
    )


def _exits():
    flags.DEFINE_string(
        "exits",
        "all",
        "Early exits to build: all, none, or numbers such as 1,3, counted "
        "from the input of the network.",
    )
    flags.DEFINE_list(
        "taps",
        [],
        "Names of the backbone layers whose outputs the exits read, from the "
        "input on, instead of those found automatically.",
    )
    flags.DEFINE_enum(
        "exit_head",
        "auto",
        ("auto", *choices.EXIT_HEADS),
        "Form of the small classifier at each early exit. auto: the one that "
        "suits the backbone.",
    )
    flags.DEFINE_integer(
        "exit_stride",
        2,
        "Stride of the convolutions in the exits. The papers print 1, which "
        "costs more.",
        1,
        2,
    )
    flags.DEFINE_list(
        "head_filters",
        [],
        "Filters of the two convolutions of each early exit, FIRST:SECOND or "
        "one number for both, such as 64:128,96:192. Default: what suits the "
        "backbone.",
    )
