"""What a run says of the bits that it may not repeat."""

import command_runs
import pytest

from elf_keras import runs
from elf_keras.training import determinism

HERE = {"keras": "3.15.1", "cores": 2, "git_revision": "abc"}


def test_where_nothing_changed_the_flag_decides():
    notes = {}
    for _ in range(3):
        determinism.note_changes(notes, dict(HERE))
    assert determinism.reasons(notes, deterministic=True) == []
    (reason,) = determinism.reasons(notes, deterministic=False)
    assert "--deterministic" in reason


def test_every_change_between_processes_is_kept():
    notes = {}
    for now in (HERE, {**HERE, "cores": 4}, {**HERE, "keras": "3.16.0"}, HERE):
        determinism.note_changes(notes, dict(now))
    assert determinism.reasons(notes, deterministic=True) == [
        "resumed with cores 4, before 2",
        "resumed with cores 2, before 4",
        "resumed with keras 3.16.0, before 3.15.1",
        "resumed with keras 3.15.1, before 3.16.0",
    ]


def test_surroundings_of_a_process_are_stable_and_say_what_counts():
    found = determinism.surroundings()
    assert found == determinism.surroundings()
    assert {"tensorflow", "processor", "cores", "devices"} <= found.keys()
    assert found["replicas"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [("--mixing=cutmix", "--augmentation=randaugment"), ("--exit_loss=ldam",)],
    ids=["mixed", "ldam"],
)
def test_two_processes_end_with_the_same_bits(tmp_path, words):
    """The digits are grey: RandAugment takes a folder of colours."""
    if "--mixing=cutmix" in words:
        for value, name in ((20, "cat"), (180, "dog")):
            for index in range(20):
                path = tmp_path / "photos" / name / f"{index}.png"
                command_runs.draw(path, value + index)
        place = (f"--data_dir={tmp_path / 'photos'}", "--dataset=folder")
        words = (*words, *place, "--batch_size=16")
    found = []
    for number in range(2):
        folder = tmp_path / f"run_{number}"
        command_runs.succeeded(
            command_runs.child(
                *("-m", "elf_keras.train", *command_runs.TINY, "--epochs=2"),
                *("--deterministic", *words, f"--workdir={folder}"),
            )
        )
        assert runs.read_json(folder / runs.RECORD)["nondeterminism"] == []
        record = runs.read_json(
            folder / "checkpoints" / "epoch_0002_step_000000.json"
        )
        found.append(record["weights"]["sha256"])
    assert found[0] == found[1]
