"""What the runs behind the findings are, and what is kept of them."""

import json
import shutil

import old_run
import pytest

from elf_keras import runs
from experiments import evidence


@pytest.mark.parametrize(("name", "kept"), [("full_a", True), ("a", False)])
def test_models_of_full_length_are_kept(name, kept, tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(evidence, "MODELS", tmp_path / "models")
    (tmp_path / "results").mkdir()
    folder = tmp_path / "run"
    shutil.copytree(old_run.finished(), folder)
    (folder / runs.MODEL).write_bytes(b"weights")
    assert evidence.collect(name, folder)
    record = json.loads((tmp_path / "results" / f"{name}.json").read_text())
    assert record["name"] == name
    place = tmp_path / "models" / f"{name}.keras"
    assert place.exists() is kept
    assert not kept or place.read_bytes() == b"weights"


def test_a_run_that_has_not_ended_is_not_collected(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    assert not evidence.collect("full_a", tmp_path / "run")
    assert not [*tmp_path.iterdir()]
