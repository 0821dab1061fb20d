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
        "Split to score. May be given several times.",
    )
    flags.DEFINE_string(
        "policy",
        None,
        "Name of a policy, such as accurate, that sets the thresholds in place "
        "of --exit_threshold; static is the backbone without early exits. For "
        "export: the one to be used by default.",
    )
    flags.DEFINE_string(
        "policy_file",
        None,
        "File of policies, written by sweep. Default: policy.json in "
        "--workdir.",
    )
    flags.DEFINE_string(
        "export",
        None,
        "Folder of an export of the run, such as savedmodels/NAME. evaluate "
        "scores it, predict classifies with it, sweep takes its times.",
    )
    flags.DEFINE_enum(
        "variant",
        "float32",
        ("saved_model", *choices.EXPORT_VARIANTS),
        "Which files of --export to use; the first that it has where it has "
        "no float32 and none is named.",
    )


def refuse() -> None:
    """Refuse them where no run has ended yet."""
    for name in NAMES:
        if flags.FLAGS[name].present:
            raise InputError(
                f"--{name} is for commands that look at a finished run, such "
                "as elf-keras evaluate; leave it out here"
            )
