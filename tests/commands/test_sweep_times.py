"""A sweep by the times that an export was measured to take."""

import json

import command_runs
import made_run
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run, and the data that commands find."""
    made_run.give(monkeypatch)
    return made_run.folder(tmp_path / "run")


def write_manifest(folder, **changes):
    stages = [{"milliseconds": 1.5}, {"milliseconds": 2.0}]
    variant = {"stages": stages, "static": {"milliseconds": 3.0}} | changes
    record = {"variants": {"float32": variant}}
    (folder / "manifest.json").write_text(json.dumps(record))


def test_times_of_an_export(folder, tmp_path):
    """Of its first variant, where it has none of float32."""
    export = tmp_path / "name" / "1"
    export.mkdir(parents=True)
    write_manifest(export)
    written = json.loads((export / "manifest.json").read_text())
    named = {"variants": {"int8": written["variants"]["float32"]}}
    (export / "manifest.json").write_text(json.dumps(named))
    ended, record = command_runs.swept(folder, f"--export={export.parent}")
    assert "name/1, int8, as measured by elf-keras export" in ended.out
    assert record["model"]["stage_milliseconds"] == [1.5, 2.0]
    assert record["model"]["static_milliseconds"] == 3.0
    policy = record["policies"]["all_exits"]["validation"]
    assert policy["milliseconds"] == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stages": [{"milliseconds": 1.0}]}, "has 1 stages"),
        ({"stages": [{}]}, "damaged"),
        ({"static": {}}, "damaged"),
    ],
)
def test_an_export_that_does_not_fit(folder, tmp_path, changes, says):
    write_manifest(tmp_path, **changes)
    words = (f"--workdir={folder}", f"--export={tmp_path}")
    command_runs.refused("sweep", *words, says=[says])
    command_runs.refused("sweep", *words, "--variant=int8", says=["'int8'"])
    (tmp_path / "manifest.json").write_text(json.dumps({"variants": {}}))
    command_runs.refused("sweep", *words, says=["no times of a chain"])
