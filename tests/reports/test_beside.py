"""Searches and exports beside runs: what is damaged is refused at once."""

import copy

import pytest

from elf_keras import runs
from elf_keras.errors import InputError
from elf_keras.reports import beside

CURVE = {
    "backbone_macs": 100,
    "splits": {
        "test": {
            "shared": {"macs": [50, 100], "accuracy": [0.1, 0.7]},
            "static": {"accuracy": 0.7},
            "papers_grid": {"0.5": {"macs": 70, "accuracy": 0.2}},
        }
    },
}
MANIFEST = {
    "reported_on": {"split": "test", "images": 3},
    "variants": {
        "int8": {
            "stages": [{"bytes": 1500}],
            "policies": {"accurate": {"accuracy": 0.5, "saving": 0.25}},
            "static": {"accuracy": 0.5},
        }
    },
}


@pytest.mark.parametrize(
    ("record", "curve", "whole"),
    [
        ({"chosen": "0.9", "runs": {"0.9": "run"}}, CURVE, True),
        ({"chosen": "0.8", "runs": {"0.9": "run"}}, CURVE, False),
        ({"runs": {"0.9": "run"}}, CURVE, False),
        ({"chosen": "0.9", "runs": {"0.9": "run"}}, {}, False),
        ({"chosen": "0.9", "runs": 3}, CURVE, False),
    ],
)
def test_a_search_that_lacks_something_is_damaged(
    tmp_path, record, curve, whole
):
    runs.write_json(tmp_path / beside.SEARCH, record)
    runs.write_json(tmp_path / "run" / "curve.json", curve)
    if whole:
        assert beside.search(tmp_path)["curves"] == {"0.9": CURVE}
        return
    with pytest.raises(InputError, match="search.json is damaged"):
        beside.search(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [("accuracy", "0.9"), ("saving", "x"), ("milliseconds", "1"), (None, None)],
)
def test_numbers_of_a_manifest_that_are_none_are_damage(tmp_path, name, value):
    manifest = copy.deepcopy(MANIFEST)
    if name:
        manifest["variants"]["int8"]["policies"]["accurate"][name] = value
    path = tmp_path / "manifest.json"
    runs.write_json(path, manifest)
    if name is None:
        assert beside.exports({"phone": path}) == {"phone": MANIFEST}
        return
    with pytest.raises(InputError, match="manifest.json is damaged"):
        beside.exports({"phone": path})
