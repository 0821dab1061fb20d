"""An artefact that cannot be used as it is asked for."""

import json
import sys

import command_runs
import pytest

from elf_keras.deploy import artefact, manifest, versions
from elf_keras.errors import InputError

DIGITS = command_runs.CHECKOUT / "savedmodels" / "digits_lt"


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


def test_a_missing_runtime_is_said_as_the_runner_says_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(InputError) as refused:
        artefact.load(DIGITS, None)
    assert str(refused.value) == (
        "variant 'float32' runs in ai-edge-litert, which is missing or broken: "
        'pip install ai-edge-litert, or "elf_keras[edge]"'
    )


def test_a_damaged_file_is_named_with_one_remedy(tmp_path, monkeypatch):
    """Its checksum is compared before any runtime is asked."""
    text = (versions.folder_of(DIGITS) / manifest.NAME).read_text()
    (tmp_path / manifest.NAME).write_text(text)
    with pytest.raises(InputError, match="cannot be used: .*No such") as gone:
        artefact.load(tmp_path, None)
    assert str(gone.value).count("copy or export it again") == 1
