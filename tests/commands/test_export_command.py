"""The export command: what it asks for, refuses, keeps and replaces."""

import json
import shutil

import command_runs
import old_run
import pytest

from elf_keras import export as elf_export
from elf_keras import runs
from elf_keras.deploy import bundle, manifest

COMMITTED = command_runs.CHECKOUT / "savedmodels" / "digits_lt"


@pytest.fixture
def run_folder():
    return old_run.finished()


@pytest.fixture
def quick(monkeypatch):
    """What an export writes is a copy of the committed one."""
    record = json.loads((COMMITTED / manifest.NAME).read_text())
    record["parity_at"] = {"exit_shares": [0.25] * 4}

    def write(folder, model, data, scorer, plan):
        record["leaves_by"] = scorer.rule.flags
        shutil.copytree(COMMITTED, folder, dirs_exist_ok=True)
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
    quick["parity"][0]["passed"] = False
    says = ["does not answer as the model does", "nothing was written"]
    refused(run_folder, tmp_path / "digits", says=says)
    quick["parity"][0]["passed"] = True
    del quick["variants"]["int8"]["policies"]["accurate"]
    says = ["int8 cannot keep this budget", "nothing was written"]
    refused(run_folder, tmp_path / "digits", says=says)


def test_flags_say_how_it_leaves(run_folder, tmp_path, quick):
    words = ("--exit_rule=patience", "--answer=running", "--answer_decay=1")
    export(run_folder, tmp_path / "digits", *words)
    assert quick["leaves_by"] == " ".join(words)
    says = ["--exit_rule", "surest"]
    refused(run_folder, tmp_path / "b", "--exit_rule=surest", says=says)
    says = ["answer_decay", "1.5"]
    refused(run_folder, tmp_path / "b", "--answer_decay=1.5", says=says)


def test_an_export_is_replaced_only_when_asked(run_folder, tmp_path, quick):
    output = tmp_path / "digits"
    export(run_folder, output)
    refused(run_folder, output, says=["exists", "--overwrite"])
    shutil.rmtree(output / "tflite")
    export(run_folder, output, "--overwrite")
    assert list(tmp_path.iterdir()) == [output]
    assert command_runs.content(output) == command_runs.content(COMMITTED)


def test_a_folder_of_something_else_is_never_replaced(run_folder, tmp_path):
    output = tmp_path / "thesis"
    output.mkdir()
    (output / "chapter.txt").write_text("years of work")
    says = ["chapter.txt", "no export"]
    refused(run_folder, output, "--overwrite", says=says)


@pytest.mark.parametrize(
    "content",
    [
        '{"name": "an app"}',
        "[" * 99_999,
        '{"checksums": {}, "variants": {}}',
        '{"checksums": [1], "variants": {}}',
        "\x00",
    ],
)
def test_not_every_manifest_is_an_exports(run_folder, tmp_path, content):
    output = tmp_path / "app"
    output.mkdir()
    (output / "manifest.json").write_text(content)
    if "variants" in content:
        (output / "index.html").write_text("an app")
    refused(run_folder, output, "--overwrite", says=["of no export"])


def test_what_was_there_stays_where_the_new_one_cannot_go(tmp_path):
    output, before = tmp_path / "digits", tmp_path / "before"
    output.mkdir()
    (output / "old").write_text("old")
    with pytest.raises(FileNotFoundError):
        elf_export._put(tmp_path / "missing", output, before)
    assert (output / "old").read_text() == "old"
    assert not before.exists()


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


def test_a_run_that_has_not_ended(run_folder, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    flags = (run_folder / runs.FLAGS).read_text()
    (folder / runs.FLAGS).write_text(flags)
    refused(folder, tmp_path / "digits", says=["model.keras", "--resume"])


def test_an_output_is_asked_for(run_folder):
    says = ["--output is missing"]
    command_runs.refused("export", f"--workdir={run_folder}", says=says)
