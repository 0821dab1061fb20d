"""Flags that several commands of a finished run share, and no recipe sets."""

from absl import flags

from elf_keras import choices
from elf_keras.errors import InputError

NAMES = ("split", "policy", "policy_file", "export", "variant")


def define() -> None:
    """Define them; a second call changes nothing."""
    if "policy_file" in flags.FLAGS:
        return
    flags.DEFINE_multi_enum(
        "split",
        ["validation", "test"],
        choices.SPLITS,
        "Split to score; may be given several times.",
    )
    flags.DEFINE_string(
        "policy",
        None,
        "A policy of --policy_file or of --export, in place of "
        "--exit_threshold; in export the default one.",
    )
    flags.DEFINE_string(
        "policy_file",
        None,
        "What a sweep wrote; by default --workdir's policy.json, where "
        "--policy is given, and in export where there is one.",
    )
    flags.DEFINE_string(
        "export",
        None,
        "An export of the run, such as savedmodels/NAME: evaluate scores it, "
        "predict asks it, sweep takes its times.",
    )
    flags.DEFINE_enum(
        "variant",
        "float32",
        ("saved_model", *choices.EXPORT_VARIANTS),
        "Which artefact of --export.",
    )


def refuse() -> None:
    """Refuse them where no run has ended yet."""
    for name in NAMES:
        if flags.FLAGS[name].present:
            raise InputError(
                f"--{name} is for commands that look at a finished run, such "
                "as elf_keras.evaluate; leave it out here"
            )
