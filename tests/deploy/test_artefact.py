"""An export that cannot be used as it is asked for, before a file is read."""

import json

import pytest

from elf_keras.deploy import artefact, manifest
from elf_keras.errors import InputError


def test_the_rule_of_a_plug_in_asks_for_the_plug_in(tmp_path):
    record = {
        "format": 2,
        "variants": {},
        "saved_model": {"policies": {}},
        "exit_rule": "surest",
    }
    (tmp_path / manifest.NAME).write_text(json.dumps(record))
    with pytest.raises(InputError) as raised:
        artefact.load(tmp_path, None)
    line = str(raised.value)
    assert "(its exit rule is 'surest', not one of confidence, " in line
    assert line.endswith("); if a plug-in adds it, add --plugin=MODULE")
