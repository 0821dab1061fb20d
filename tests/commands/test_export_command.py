"""The export command: what it asks for, refuses, adds and leaves alone."""

import json
import shutil

import command_runs
import old_run
import pytest

from elf_keras import runs
from elf_keras.cli import formats_from_flags
from elf_keras.deploy import bundle, manifest

COMMITTED = command_runs.CHECKOUT / "savedmodels" / "digits_lt" / "1"


@pytest.fixture
def run_folder():
    return old_run.finished()


@pytest.fixture
def quick(monkeypatch):
    """What an export writes is a copy of the committed one."""
    record = json.loads((COMMITTED / manifest.NAME).read_text())
    record["parity_at"] = {"exit_shares": [0.25] * 4}

    def write(folder, model, data, scorer, plan, tell):
        record["leaves_by"] = scorer.rule.flags
        shutil.copytree(COMMITTED, folder, dirs_exist_ok=True)
        for name in record.get("adds", ()):
            (folder / name).touch()
        return record

    monkeypatch.setattr(bundle, "write", write)
    return record


def export(run_folder, output, *words):
    words = (f"--workdir={run_folder}", f"--output={output}", *words)
    command_runs.done("export", *words)


def refused(run_folder, output, *words, says):
    before = command_runs.content(output.parent)
    words = (f"--workdir={run_folder}", f"--output={output}", *words)
    command_runs.refused("export", *words, says=says)
    assert command_runs.content(output.parent) == before


def test_what_differs_or_has_no_default_policy_is_not_kept(
    run_folder, tmp_path, quick
):
    quick["parity"][0] |= {"passed": False, "reason": "scores differ"}
    name = quick["parity"][0]["artefact"]
    says = [f"{name}: does not answer as the model", "nothing was written"]
    refused(run_folder, tmp_path / "digits", says=says)
    quick["parity"][0]["passed"] = True
    del quick["variants"]["int8"]["policies"]["accurate"]
    why = "accurate: the first exit alone costs 30 %; left out"
    quick["variants"]["int8"]["left_out"] = ["macs_5: no", why]
    says = [f"int8 cannot keep this budget ({why})", "nothing was written"]
    refused(run_folder, tmp_path / "digits", says=says)


def test_flags_say_how_it_leaves(run_folder, tmp_path, quick):
    words = ("--exit_rule=patience", "--answer=running", "--answer_decay=1")
    export(run_folder, tmp_path / "digits", *words)
    assert quick["leaves_by"] == " ".join(words)
    says = ["--exit_rule", "surest"]
    refused(run_folder, tmp_path / "b", "--exit_rule=surest", says=says)
    says = ["answer_decay", "1.5"]
    refused(run_folder, tmp_path / "b", "--answer_decay=1.5", says=says)


def test_an_export_adds_a_version_and_replaces_none(
    run_folder, tmp_path, quick
):
    output = tmp_path / "digits"
    export(run_folder, output)
    first = command_runs.content(output / "1")
    assert first == command_runs.content(COMMITTED)
    export(run_folder, output)
    assert sorted(path.name for path in output.iterdir()) == ["1", "2"]
    assert command_runs.content(output / "2") == first
    assert list(tmp_path.iterdir()) == [output]
    (output / "9").mkdir()
    words = (f"--workdir={run_folder}", f"--output={output}")
    assert (
        f"written to {output / '10'}" in command_runs.done("export", *words).err
    )
    assert command_runs.content(output / "1") == first


def test_a_number_that_another_process_takes_is_left_alone(
    run_folder, tmp_path, quick, monkeypatch
):
    output, write = tmp_path / "digits", bundle.write

    def meanwhile(*arguments):
        (output / "1").mkdir()
        (output / "1" / "half").write_text("being copied")
        return write(*arguments)

    monkeypatch.setattr(bundle, "write", meanwhile)
    words = (f"--workdir={run_folder}", f"--output={output}")
    told = command_runs.done("export", *words).err
    assert f"{output / '1'} was written by another process meanwhile" in told
    assert f"written to {output / '2'}" in told
    assert [path.name for path in (output / "1").iterdir()] == ["half"]


def test_a_server_is_not_given_a_version_that_it_cannot_load(
    run_folder, tmp_path, quick
):
    """What was copied as version 3 has a SavedModel."""
    output = tmp_path / "digits"
    (output / "3").mkdir(parents=True)
    (output / "3" / "saved_model.pb").write_text("")
    says = ["--formats", "digits/3 has a SavedModel", "add saved_model"]
    refused(run_folder, output, "--formats=float32", says=says)
    quick["adds"] = ["saved_model.pb"]
    export(run_folder, output, "--formats=saved_model,float32")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("thesis", "chapter.txt"),
        ("before", "manifest.json"),
        ("run", "model.keras"),
    ],
)
def test_a_folder_of_something_else_gets_no_version(
    run_folder, tmp_path, name, file
):
    output = tmp_path / name
    output.mkdir()
    (output / file).write_text("years of work")
    says = [f"{name} exists and holds no versions", "name another folder"]
    refused(run_folder, output, says=says)


def test_a_version_is_not_named(run_folder, tmp_path):
    says = ["digits/1 ends in a version number", "the folder above it"]
    refused(run_folder, tmp_path / "digits" / "1", says=says)


def test_an_output_below_a_file(run_folder, tmp_path):
    (tmp_path / "file").write_text("")
    says = ["file is a file", "name a folder"]
    refused(run_folder, tmp_path / "file" / "digits", says=says)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--formats=tfjs"], ["tfjs", "saved_model, float32"]),
        (["--formats="], ["expected one or more"]),
        (["--formats=single_file"], ["add float32"]),
        (["--score_images=-1"], ["score_images"]),
    ],
)
def test_formats_and_counts(run_folder, tmp_path, words, says):
    refused(run_folder, tmp_path / "digits", *words, says=says)


@pytest.mark.parametrize(
    ("package", "words", "extra"),
    [
        ("ai_edge_litert", ["--formats=saved_model,int8"], "elf_keras[edge]"),
        ("onnxruntime", ["--formats=onnx_int8"], "elf_keras[onnx]"),
        ("tf2onnx", ["--formats=onnx,saved_model"], "elf_keras[onnx]"),
    ],
)
def test_a_runtime_that_is_missing_is_named_with_its_extra(
    run_folder, tmp_path, monkeypatch, package, words, extra
):
    monkeypatch.setattr(
        formats_from_flags, "_installed", lambda *names: package not in names
    )
    refused(run_folder, tmp_path / "digits", *words, says=[extra, "--formats"])


def test_a_run_that_has_not_ended(run_folder, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    flags = (run_folder / runs.FLAGS).read_text()
    (folder / runs.FLAGS).write_text(flags)
    refused(folder, tmp_path / "digits", says=["model.keras", "--resume"])


def test_an_output_is_asked_for(run_folder):
    says = ["--output is missing"]
    command_runs.refused("export", f"--workdir={run_folder}", says=says)
