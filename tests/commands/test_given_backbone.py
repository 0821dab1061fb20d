"""A run of --backbone=FILE.keras keeps all of it: the file may go."""

import command_runs
import given_models
import pytest

from elf_keras import runs


@pytest.mark.slow
def test_commands_of_a_run_need_no_file_of_its_backbone(tmp_path):
    file, folder = tmp_path / "mine.keras", tmp_path / "run"
    given_models.tutorial(shape=(8, 8, 1)).save(file)
    words = (f"--backbone={file}", "--epochs=1", "--imbalance=20")
    command_runs.done("train", f"--workdir={folder}", *words)
    flags = (folder / runs.FLAGS).read_text()
    assert f"--backbone={file}\n" in flags
    file.unlink()
    scores, _ = command_runs.evaluated(folder)
    assert set(scores) == {"validation", "test"}
    command_runs.done("sweep", f"--workdir={folder}")
    exported = tmp_path / "export"
    command_runs.done(
        "export",
        f"--workdir={folder}",
        f"--output={exported}",
        "--formats=float32",
    )
    assert (exported / "1/tflite/float32/stage_3.tflite").exists()
    command_runs.done("report", folder)
    second = ("--second_stage=crt", f"--weights={folder / 'model.keras'}")
    other = f"--workdir={tmp_path / 'second'}"
    command_runs.done("train", other, *words, *second)
    new = f"--workdir={tmp_path / 'new'}"
    command_runs.refused("train", new, *words, says=[str(file), "no such file"])
