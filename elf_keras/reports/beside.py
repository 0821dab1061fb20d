"""What stands on a page beside runs: searches, and exports."""

import pathlib

from elf_keras import runs

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
        return {**record, "chosen": record["chosen"], "curves": curves}


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
            tables.exported(one)
            tables.dearer(one)
    return found
