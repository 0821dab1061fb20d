"""What stands on a page beside runs: searches, and exports."""

import pathlib
from numbers import Real

from elf_keras import runs
from elf_keras.policies import search_record

SEARCH = "search.json"


def search(folder: pathlib.Path) -> dict:
    """What search.json says, and as `curves` those of its runs.

    Raises:
      InputError: for a damaged record.
    """
    record = runs.read_json(folder / SEARCH)
    with runs.refusing(
        f"{folder / SEARCH} is damaged", "give the search's command again"
    ):
        curves = {
            text: runs.read_json(folder / name / "curve.json")
            for text, name in record["runs"].items()
        }
        chosen = record["chosen"]
        # What the page asks of them.
        search_record.lines({chosen: curves[chosen], **curves}, chosen)
        return {**record, "curves": curves}


def exports(manifests: dict[str, pathlib.Path]) -> dict[str, dict]:
    """What exports say of themselves.

    Args:
      manifests: name of an export -> its manifest.json.

    Raises:
      InputError: for a damaged manifest.
    """
    if not manifests:
        return {}
    # It loads Keras.
    from elf_keras.reports import tables

    found = {}
    for name, file in manifests.items():
        with runs.refusing(f"{file} is damaged", "export the run again"):
            found[name] = runs.read_json(file)
            one = {name: found[name]}
            tables.dearer(one)
            for row in tables.exported(one):
                _check_numbers(row)
    return found


def _check_numbers(row):
    for name in ("accuracy", "saving", "milliseconds"):
        value = row[name]
        if not (value is None or isinstance(value, Real)):
            raise TypeError(f"{name} {value!r} is no number")
