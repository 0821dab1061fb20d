"""Names of any kind that a file system allows, through every command."""

import csv
import json
import os
import unicodedata

import command_runs
import pytest
from PIL import Image

from elf_keras import runs
from elf_keras.demo import __main__ as demo

# Of classes: bytes, as Linux stores them.
CLASSES = [
    b"caf\xe9",
    b"$1_$5 notes",
    "猫".encode(),
    "שלום".encode(),
    "🐱 cat".encode(),
    b"<script>alert('1')</script>".replace(b"/", b"\\"),
    b"two\nlines\t",
    b"%s {0} \"q\" 'q' `$(id)`; -",
    b"--flag=1 #, a, b",
    b"x" * 200,
]
# Of folders: bytes, line ends, blanks at the ends, and what templates take.
ODD = os.fsdecode(b" d\xe9 $a$ %d {{x}} \n'\" ")
TINY = (
    *("--backbone=resnet8", "--exits=1", "--exit_head=separable"),
    *("--image_size=8", "--epochs=1", "--batch_size=8", "--dataset=folder"),
    *("--validation_group=prefix: ", "--learning_rate=0.01"),
)


def shown(name):
    """A class as it is to be read: text, in one form, in one line."""
    return unicodedata.normalize("NFC", runs.legible(os.fsdecode(name)))


def photos(root):
    """Four training images of each class, in two groups, and a test image."""
    for label, name in enumerate(CLASSES):
        for split, count in (("train", 4), ("test", 1)):
            folder = root / split / os.fsdecode(name)
            folder.mkdir(parents=True)
            for number in range(count):
                grey = 20 * label + number
                file = f"{number // 2} $é\n{number}.png"
                image = Image.new("RGB", (8, 8), (grey, 255 - grey, grey))
                image.save(folder / file)
        odd = root / "train" / os.fsdecode(name) / os.fsdecode(b"0 \xe9.png")
        image.save(odd)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A trained, swept, exported and reported run among such names."""
    root = tmp_path_factory.mktemp("odd") / ODD
    photos(root / "data ")
    run, words = root / "run ", (f"--data_dir={root / 'data '}", *TINY)
    on_disk = ("--images_on=disk", f"--workdir={run}")
    said = {"train": command_runs.done("train", *words, *on_disk)}
    of_run = f"--workdir={run}"
    said["resume"] = command_runs.done("train", *words, *on_disk, "--resume")
    said["evaluate"] = command_runs.done("evaluate", of_run)
    said["sweep"] = command_runs.done("sweep", of_run)
    output = f"--output={root / 'export '}"
    formats = "--formats=saved_model,float32"
    said["export"] = command_runs.done("export", of_run, output, formats)
    output = f"--output={root / 'report '}"
    said["report"] = command_runs.done("report", run, output)
    return root, said


def told(path):
    """The classes that a table names."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["class"] for row in csv.DictReader(file)}


NAMES = {shown(name) for name in CLASSES}


@pytest.mark.slow
def test_every_command_takes_them(place):
    root, said = place
    for ended in said.values():
        assert "Traceback" not in ended.err
        assert "Warning" not in ended.err
        (ended.out + ended.err).encode()
    assert "is trained" in said["resume"].err
    assert "\\u732b" in said["report"].err


@pytest.mark.slow
def test_every_record_names_the_classes(place):
    root, _ = place
    run, export = root / "run ", root / "export "
    for path in (run / runs.RECORD, export / "1" / "manifest.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        names = record.get("class_names") or record["data"]["class_names"]
        assert set(names) == NAMES
    for name in ("per_class.csv", "evaluation_test_per_class.csv"):
        assert told(run / name) == NAMES
    page = root / "report "
    assert told(page / "figures" / "distribution.csv") == NAMES
    text = (page / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    for name in ("distribution.png", "distribution.svg"):
        assert (page / "figures" / name).stat().st_size > 1000


@pytest.mark.slow
def test_answers_and_the_demo_take_them(place):
    root, _ = place
    photo = root / "data " / "test" / os.fsdecode(CLASSES[0]) / "0 $é\n0.png"
    ended = command_runs.done("predict", f"--workdir={root / 'run '}", photo)
    answer = json.loads(ended.out)
    assert answer["class"] in NAMES
    assert answer["file"] == runs.legible(str(photo))
    export = f"--export={root / 'export '}"
    for variant in ("saved_model", "float32"):
        words = (f"--workdir={root / 'run '}", export, f"--variant={variant}")
        assert "\ntest " in command_runs.done("evaluate", *words).out
    with demo.open_server(root / "export ", 0, root) as server:
        assert server.url.startswith("http://127.0.0.1")
