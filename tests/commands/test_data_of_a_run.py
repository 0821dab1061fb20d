"""Commands that meet a run's data again, after these have changed."""

import shutil

import command_runs
import pytest

from elf_keras import runs

pytestmark = pytest.mark.slow

WORDS = (
    *("--dataset=folder", "--image_size=8", "--backbone=resnet8"),
    *("--exits=1", "--method=sum", "--batch_size=16", "--epochs=2"),
)
COUNTS = {"train": {"cat": 9, "dog": 6, "eel": 4}}
COUNTS["test"] = dict.fromkeys(COUNTS["train"], 2)


def fill(folder, name, numbers):
    brightness = 10 + 70 * sorted(COUNTS["train"]).index(name)
    for number in numbers:
        path = folder / name / f"{number:03}.png"
        command_runs.draw(path, brightness + number % 7, (8, 8))


def photos(root):
    for split, counts in COUNTS.items():
        for name, count in counts.items():
            fill(root / split, name, range(count))
    return root


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two epochs, its photos, and what it said."""
    place = tmp_path_factory.mktemp("data of a run")
    words = (f"--data_dir={photos(place / 'photos')}", *WORDS)
    ended = command_runs.done("train", f"--workdir={place / 'run'}", *words)
    return place, ended


@pytest.fixture
def place(trained, tmp_path):
    """A copy of both."""
    return shutil.copytree(trained[0], tmp_path / "copy")


def renamed(root):
    for split in ("train", "test"):
        (root / split / "dog").rename(root / split / "zebra")


def unfinished(folder):
    """As after a kill in the second epoch."""
    for name in (runs.METRICS, runs.MODEL, "history.csv", "per_class.csv"):
        (folder / name).unlink()
    record = runs.read_json(folder / runs.RECORD)
    runs.write_json(folder / runs.RECORD, {"data": record["data"]})
    for path in folder.glob("checkpoints/epoch_0002*"):
        path.unlink()


def test_the_data_are_shown_and_written_before_the_first_step(trained):
    place, ended = trained
    lines = ended.err.splitlines()
    shown = lines.index("3 classes, 25 images: 16 train, 3 validation, 6 test")
    first = next(n for n, line in enumerate(lines) if "epoch 1" in line)
    assert shown < first
    (row,) = [line for line in lines[shown:first] if line.startswith("dog ")]
    assert row.split() == ["dog", "few", "5", "1", "2"]
    assert (place / "run" / runs.EXAMPLES).exists()
    assert not (place / "run" / runs.LOCK).exists()


def test_a_run_goes_on_with_its_own_images_alone(trained, place, tmp_path):
    unfinished(place / "run")
    words = (f"--workdir={place / 'run'}", f"--data_dir={place / 'photos'}")
    words = ("train", *words, *WORDS, "--resume")
    with runs.locked(place / "run"):
        command_runs.refused(*words, says=["in use by a training"])
    kept = shutil.copytree(place / "photos", tmp_path / "kept")
    renamed(place / "photos")
    command_runs.refused(*words, says=["'zebra' new; 'dog' missing"])
    shutil.rmtree(place / "photos")
    shutil.copytree(kept, place / "photos")
    (place / "photos" / "train" / "eel" / "000.png").unlink()
    says = ["1 images of the run are missing: 'train/eel/000.png'"]
    command_runs.refused(*words, says=says)
    shutil.copytree(kept, place / "photos", dirs_exist_ok=True)
    fill(place / "photos" / "train", "cat", range(100, 120))
    ended = command_runs.done(*words)
    assert "20 left out, new since the run began" in ended.err
    assert "continuing after epoch 1" in ended.err
    for name in ("history.csv", runs.EXAMPLES):
        columns = "loss" if name == "history.csv" else "path"
        before, now = (
            [row[columns] for row in command_runs.rows(at / "run" / name)]
            for at in (trained[0], place)
        )
        assert now == before


@pytest.mark.parametrize(
    "command", ["evaluate", "sweep", "export", "second stage"]
)
def test_other_classes_or_sizes_end_in_one_line(place, tmp_path, command):
    run, own = f"--workdir={place / 'run'}", f"--data_dir={place / 'photos'}"
    words = [command, run, own]
    if command == "export":
        words += [f"--output={tmp_path / 'out'}", "--formats=saved_model"]
    if command == "second stage":
        weights = f"--weights={place / 'run' / runs.MODEL}"
        words = ["train", f"--workdir={tmp_path / 'stage'}", own, *WORDS]
        words += [weights, "--second_stage=crt"]
    says = ["16 x 16 x 3", "8 x 8 x 3"]
    command_runs.refused(*words, "--image_size=16", says=says)
    fill(place / "photos" / "train", "cat", range(100, 120))
    renamed(place / "photos")
    command_runs.refused(*words, says=["'zebra' new; 'dog' missing"])
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "stage").exists()


def test_photos_added_change_no_score(place):
    words = (f"--workdir={place / 'run'}", f"--data_dir={place / 'photos'}")
    before = command_runs.done("evaluate", *words).out
    fill(place / "photos" / "train", "cat", range(100, 120))
    ended = command_runs.done("evaluate", *words)
    assert ended.out == before
    assert "20 left out, new since the run began" in ended.err
    ended = command_runs.done("report", place / "run", words[1])
    assert "running the model over" in ended.err
    assert "images were not found" not in ended.err
    assert "20 left out, new since the run began" in ended.err
