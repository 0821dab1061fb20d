"""NAME stands for its highest version, for every reader of an export."""

import json
import pathlib

import pytest

from elf_keras.deploy import chain_runner, versions
from elf_keras.errors import InputError


@pytest.fixture
def name(tmp_path):
    """An export of versions 2, 9 and 10, among what is none."""
    folder = tmp_path / "digits"
    for number in ("2", "9", "10"):
        place = folder / number
        place.mkdir(parents=True)
        record = {"format": f"that of {number}"}
        (place / "manifest.json").write_text(json.dumps(record))
    for other in (".writing-11", "11_old", "x12", "²"):
        (folder / other).mkdir()
    return folder


def test_a_name_is_its_highest_version(name):
    assert versions.folder_of(name) == name / "10"
    assert versions.folder_of(name / "9") == name / "9"
    assert versions.following(name) == name / "11"
    assert versions.label(name / "9") == "digits/9"


def test_the_runner_alone_reads_the_same(name):
    for named, read in ((name, "10"), (name / "9", "9")):
        with pytest.raises(chain_runner.ChainError) as caught:
            chain_runner.ChainRunner(named)
        assert f"{name / read / 'manifest.json'}" in str(caught.value)
    with pytest.raises(chain_runner.ChainError, match="manifest.json"):
        chain_runner.ChainRunner(name / "11_old")


def test_an_export_of_before_is_itself(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "1").mkdir()
    assert versions.folder_of(tmp_path) == tmp_path
    assert versions.label(pathlib.Path("out/digits")) == "digits"


def test_a_version_that_is_still_written_is_not_read(name):
    (name / "11").mkdir()
    with pytest.raises(InputError) as caught:
        versions.folder_of(name)
    told = str(caught.value)
    assert f"{name / '11'} holds no manifest.json" in told
    assert f"wait, or name {name / '10'}" in told
    assert "\n" not in told
    assert versions.is_export(name)
    assert versions.following(name) == name / "12"


def test_no_export(tmp_path):
    long = tmp_path / ("x" * 300)
    for folder in (tmp_path, tmp_path / "absent", long, tmp_path / "\0"):
        with pytest.raises(InputError) as caught:
            versions.folder_of(folder)
        assert "elf-keras export" in str(caught.value)
    assert not versions.is_export(tmp_path)


def test_nothing_is_left_of_a_version_that_failed(tmp_path, name):
    for output in (tmp_path / "a" / "new", name):
        before = sorted(output.rglob("*"))
        with pytest.raises(KeyError), versions.adding(output) as made:
            (made / "manifest.json").write_text("{}")
            assert not versions.is_number(made.parent.name)
            raise KeyError
        assert sorted(output.rglob("*")) == before
    assert not (tmp_path / "a" / "new").exists()


def test_what_cannot_be_renamed_is_an_error_and_not_a_loop(name):
    with pytest.raises(FileNotFoundError):
        versions.put(name / "absent", name)
    assert not (name / "11").exists()


def test_what_another_export_writes_or_left_is_no_obstacle(tmp_path):
    with versions.adding(tmp_path / "new") as made:
        versions.check_output(tmp_path / "new", served=True)
        assert versions.put(made, tmp_path / "new").name == "1"
    (tmp_path / "killed" / ".writing-x").mkdir(parents=True)
    versions.check_output(tmp_path / "killed", served=True)
    (tmp_path / "killed" / "notes.txt").touch()
    with pytest.raises(InputError, match="holds no versions"):
        versions.check_output(tmp_path / "killed", served=True)


def test_a_server_keeps_finding_saved_models(tmp_path):
    """Even where the highest version is only half copied."""
    for part in ("1/saved_model.pb", "2/variables"):
        (tmp_path / part).mkdir(parents=True)
    told = "/1 has a SavedModel"
    with pytest.raises(InputError, match=told):
        versions.check_output(tmp_path, served=False)
    # One that came while this one was made, too.
    with versions.adding(tmp_path) as made:
        with pytest.raises(InputError, match=told):
            versions.put(made, tmp_path)
        (made / "saved_model.pb").touch()
        assert versions.put(made, tmp_path).name == "3"
