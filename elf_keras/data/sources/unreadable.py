"""Files that are no examples since they cannot be read: few are left out."""

from collections.abc import Mapping

from elf_keras.data import splits
from elf_keras.errors import InputError

MOST = 0.01


def left_out(faults: Mapping[str, str], total: int) -> list[splits.LeftOut]:
    """What `faults`, file -> reason, leave out of so many, by reason.

    Raises:
      InputError: for more than `MOST` of them, with the first few.
    """
    if len(faults) > MOST * total:
        first = list(faults.items())[: splits.NAMES_SHOWN]
        told = ", ".join(f"{name} ({reason})" for name, reason in first)
        raise InputError(
            f"{len(faults)} of {total} images cannot be read, more than "
            f"{MOST:.0%}: {told}; repair or remove them, "
            "or save them smaller"
        )
    names = {}
    for name, reason in faults.items():
        names.setdefault(f"damaged: {reason}", []).append(name)
    return [
        splits.LeftOut(reason, tuple(members))
        for reason, members in names.items()
    ]
