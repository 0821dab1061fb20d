"""What stands on a page beside runs: searches, and exports."""

import pathlib

from elf_keras import runs
from elf_keras.deploy import versions
from elf_keras.reports import run_folder

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


def exports(folders: list[pathlib.Path]) -> dict[str, dict]:
    """What exports say of themselves, by names that tell them apart.

    Raises:
      InputError: for a damaged manifest.
    """
    if not folders:
        return {}
    # It loads Keras.
    from elf_keras.reports import tables

    found, labels = {}, [*map(versions.label, folders)]
    if len({*labels}) < len(labels):
        labels = run_folder.names(folders, 2)
    for path, name in zip(folders, labels, strict=True):
        file = path / versions.MANIFEST
        with runs.refusing(f"{file} is damaged", "export the run again"):
            found[name] = runs.read_json(file)
            one = {name: found[name]}
            tables.exported(one)
            tables.dearer(one)
    return found
