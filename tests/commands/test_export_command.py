"""From a trained run to artefacts that answer as it does, by the command."""

import json
import pathlib

import command_runs
import pytest

from elf_keras import export as elf_export
from elf_keras import runs
from elf_keras.deploy import chain_runner, manifest, parity_runs

FORMATS = "saved_model,float32,int8,single_file"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    words = (*command_runs.TINY, "--epochs=2", "--train_threshold=0.5")
    ended = command_runs.run("train", f"--workdir={folder}", *words)
    assert ended.status == 0, ended.err
    return folder


def export(run_folder, output, *words):
    return command_runs.run(
        "export", f"--workdir={run_folder}", f"--output={output}", *words
    )


def refused(run_folder, output, *words, says):
    before = command_runs.content(pathlib.Path(output).parent)
    command_runs.refused(
        "export",
        f"--workdir={run_folder}",
        f"--output={output}",
        *words,
        says=says,
    )
    assert command_runs.content(pathlib.Path(output).parent) == before


def test_artefacts_manifest_and_tables(run_folder, tmp_path):
    output = tmp_path / "savedmodels" / "digits"
    ended = export(run_folder, output, f"--formats={FORMATS}")
    assert ended.status == 0, ended.err
    record = json.loads((output / manifest.NAME).read_text())
    files = {
        path.relative_to(output).as_posix()
        for path in output.rglob("*")
        if path.is_file()
    }
    assert set(record["checksums"]) == files - {manifest.NAME}
    assert list(output.parent.iterdir()) == [output]
    rows = {row["artefact"]: row for row in record["parity"]}
    judged = [row for row in rows.values() if row["passed"] is not None]
    assert len(judged) == 8
    for row in judged:
        assert row["passed"], row
    assert not rows["tflite int8 chain"]["passed"]
    assert "tflite float32 chain" in ended.out
    assert min(record["parity_at"]["exit_shares"]) >= 0.05
    assert_variants(record)
    runner = chain_runner.ChainRunner(output / manifest.NAME, variant="int8")
    assert len(runner.thresholds("accurate")) == 2


def assert_variants(record):
    assert list(record["variants"]) == ["float32", "int8"]
    for variant in record["variants"].values():
        assert len(variant["stages"]) == len(variant["exits"]) == 2
        for stage in variant["stages"]:
            assert stage["milliseconds"] > 0
        for policy in variant["policies"].values():
            assert sum(policy["exit_shares"]) == pytest.approx(1)
            assert policy["saving"] == pytest.approx(
                1 - policy["macs"] / record["backbone_macs"]
            )
        static = variant["static"]["accuracy"]
        assert variant["policies"]["all_exits"]["accuracy"] == static


def test_what_differs_is_not_kept(run_folder, tmp_path, monkeypatch):
    whole = parity_runs.of_saved_model

    def damaged(folder, reference):
        return whole(folder, reference)[:-1] + [
            {**whole(folder, reference)[-1], "passed": False}
        ]

    monkeypatch.setattr(parity_runs, "of_saved_model", damaged)
    refused(
        run_folder,
        tmp_path / "digits",
        "--formats=saved_model",
        says=["does not answer as the model does", "nothing was written"],
    )


@pytest.mark.slow
def test_an_export_is_replaced_only_when_asked(run_folder, tmp_path):
    output = tmp_path / "digits"
    words = ("--formats=saved_model",)
    assert export(run_folder, output, *words).status == 0
    refused(run_folder, output, *words, says=["exists", "--overwrite"])
    ended = export(run_folder, output, *words, "--overwrite")
    assert ended.status == 0, ended.err
    assert list(tmp_path.iterdir()) == [output]


def test_a_folder_of_something_else_is_never_replaced(run_folder, tmp_path):
    output = tmp_path / "thesis"
    output.mkdir()
    (output / "chapter.txt").write_text("years of work")
    refused(
        run_folder, output, "--overwrite", says=["chapter.txt", "no export"]
    )


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
    output = tmp_path / "file" / "digits"
    command_runs.refused(
        "export",
        f"--workdir={run_folder}",
        f"--output={output}",
        says=["file is a file", "name a folder"],
    )


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
    command_runs.refused(
        "export", f"--workdir={run_folder}", says=["--output is missing"]
    )
