"""What a damaged checkpoint costs: an epoch, not the run."""

import json
import shutil

import pytest
from run_states import same, state
from saved_epochs import IMAGES, LABELS, fresh, names, restored, save

from elf_keras.errors import InputError
from elf_keras.training import checkpoint_files


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three epochs, the first the best."""
    folder = tmp_path_factory.mktemp("three")
    return folder, *save(folder, scores=[0.9, 0.1, 0.2])


@pytest.fixture
def copied(three, tmp_path):
    """The three epochs to spoil, and their states."""
    shutil.copytree(three[0], tmp_path, dirs_exist_ok=True)
    return tmp_path, three[2]


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replace(*, old, new):
    def damage(path):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return damage


DAMAGES = {
    "truncated weights": ("weights.h5", truncate),
    "a flipped bit": ("weights.h5", flip_a_bit),
    "missing weights": ("weights.h5", lambda path: path.unlink()),
    "empty weights": ("weights.h5", lambda path: path.write_bytes(b"")),
    "cut json": ("json", truncate),
    "empty json": ("json", lambda path: path.write_text("")),
    "binary json": ("json", lambda path: path.write_bytes(b"\xff\x00\x81")),
    "a list": ("json", lambda path: path.write_text("[1]")),
    "an empty record": ("json", lambda path: path.write_text("{}")),
    "best misspelt": ("json", replace(old='"best"', new='"bets"')),
    "sha256 misspelt": ("json", replace(old='"sha256"', new='"sha257"')),
    "history misspelt": ("json", replace(old='"history"', new='"histore"')),
    "another epoch": ("json", replace(old='"epochs": 3', new='"epochs": 6')),
}


def spoil_the_newest(folder, damage):
    suffix, spoil = DAMAGES[damage]
    spoil(folder / f"epoch_0003_step_000000.{suffix}")


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_checkpoint_before_a_damaged_one_is_used_and_said(copied, damage):
    folder, states = copied
    spoil_the_newest(folder, damage)
    model = fresh()
    saver, (problem,) = restored(folder, model)
    assert saver.place == (2, 0)
    assert "epoch_0003" in problem
    assert "\n" not in problem
    assert same(state(model), states[1])
    assert len(saver.history) == 2


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut json", "an empty record"])
def test_a_run_goes_on_over_a_damaged_checkpoint(copied, damage):
    folder, states = copied
    before = names(folder)
    spoil_the_newest(folder, damage)
    model = fresh()
    saver, _ = restored(folder, model)
    saver.set_params({"epochs": 3})
    model.train_on_batch(IMAGES, LABELS)
    saver.on_epoch_end(2, {"loss": 0.1 + 1 / 3, "score": 0.2})
    assert same(state(model), states[2])
    assert names(folder) == before
    again, problems = restored(folder)
    assert (problems, again.place) == ([], (3, 0))


@pytest.mark.parametrize("damage", ["cut json", "a flipped bit"])
def test_a_damaged_one_pushes_no_sound_one_out(copied, damage):
    """Damage, two checkpoints within the next epoch, damage of the newest."""
    folder, _ = copied
    spoil_the_newest(folder, damage)
    saver, _ = restored(folder)
    for step in (1, 2):
        saver.save(2, step)
    assert not list(folder.glob("epoch_0003*"))
    flip_a_bit(folder / "epoch_0002_step_000002.weights.h5")
    again, problems = restored(folder)
    assert (len(problems), again.place) == (1, (2, 1))


def test_what_a_kill_left_is_cleared_and_what_others_put_there_stays(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    left = tmp_path / ".writing-abc.weights.h5"
    left.write_bytes(b"half")
    save(tmp_path, scores=[0.1, 0.2, 0.3])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not left.exists()


def test_no_sound_checkpoint_is_an_error_that_names_them_all(copied):
    folder, _ = copied
    truncate(folder / "epoch_0002_step_000000.weights.h5")
    (folder / "epoch_0003_step_000000.weights.h5").unlink()
    model = fresh()
    before = state(model)
    told = (
        "no sound checkpoint .*epoch_0003.* is missing.*epoch_0002.* does not "
        "match its checksum.*; train again"
    )
    with pytest.raises(InputError, match=told) as caught:
        restored(folder, model)
    assert "\n" not in str(caught.value)
    assert same(state(model), before)


def test_a_damaged_best_does_not_cost_the_epochs_after_it(copied):
    folder, states = copied
    flip_a_bit(folder / "epoch_0001_step_000000.weights.h5")
    model = fresh()
    saver, problems = restored(folder, model)
    assert saver.place == (3, 0)
    assert any("epoch_0001" in problem for problem in problems)
    assert same(state(model), states[2])


def test_load_best_refuses_a_damaged_file(copied):
    folder, _ = copied
    saver, _ = restored(folder)
    flip_a_bit(folder / "epoch_0001_step_000000.weights.h5")
    with pytest.raises(InputError, match="checksum; run again with --resume"):
        saver.load_best(saver.model)


def test_a_checkpoint_of_an_older_version_is_told_from_damage(tmp_path):
    record = {"epoch": 3, "file": "epoch_0003.weights.h5", "history": []}
    record["checksum"] = checkpoint_files.record_checksum(record)
    (tmp_path / "epoch_0003.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="by an older version"):
        restored(tmp_path)
