"""The predict command: what it takes, of whom it asks, what it prints."""

import csv
import json

import command_runs
import made_run
import numpy as np
import pytest

from elf_keras import models, runs
from elf_keras.data import images
from elf_keras.deploy import chain_runner
from elf_keras.models.multi_exit_model import MultiExitModel

DIGITS = command_runs.CHECKOUT / "savedmodels" / "digits_lt"


@pytest.fixture
def folder(tmp_path):
    return made_run.folder(tmp_path / "run")


@pytest.fixture
def photos(tmp_path):
    """A folder of five photos, one of them damaged, and a text."""
    place = tmp_path / "photos"
    for number in range(4):
        command_runs.draw(place / "some" / f"{number}.png", 50 * number)
    (place / "damaged.png").write_text("text")
    (place / "notes.txt").write_text("text")
    return place


def predicted(*words, status=0):
    ended = command_runs.run("predict", *words)
    assert ended.status == status, ended.err
    return ended, [json.loads(line) for line in ended.out.splitlines()]


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def test_a_model_of_long_images_is_refused(folder, photos):
    names = runs.read_json(folder / runs.RECORD)["data"]["class_names"]
    model = models.build((8, 16, 1), len(names), backbone="resnet8")
    models.save(model, folder / runs.MODEL)
    ended, _ = predicted(f"--workdir={folder}", photos, status=2)
    assert "of 8 x 16 pixels, but predict cuts photos square" in ended.err


def test_the_likeliest_classes_of_a_run_are_calibrated(folder, photos):
    told = {"dynamic": {}, "temperatures": [0.5, 4.0]}
    metrics = {"validation": {"best": told}}
    (folder / runs.METRICS).write_text(json.dumps(metrics))
    words = (f"--workdir={folder}", "--exit_threshold=0.5", "--top_k=2")
    ended, rows = predicted(*words, photos / "some")
    assert "not calibrated" not in ended.err
    model, taken = models.load(folder / runs.MODEL), set()
    for number, row in enumerate(rows):
        file = photos / "some" / f"{number}.png"
        assert row["file"] == str(file)
        pixels = images.read(file, 2, channels=1)[None].astype("float32")
        logits = [np.asarray(z)[0] for z in model(pixels).values()]
        exit_taken = 1 if softmax(logits[0]).max() > 0.5 else 2
        taken.add(exit_taken)
        assert row["exit"] == exit_taken
        scores = logits[exit_taken - 1]
        expected = softmax(scores / [0.5, 4.0][exit_taken - 1])
        order = np.argsort(-expected)
        assert [at["class"] for at in row["top"]] == [
            "abc"[index] for index in order[:2]
        ]
        for at, index in zip(row["top"], order, strict=False):
            assert at["probability"] == pytest.approx(expected[index], abs=1e-4)
        assert (row["class"], row["probability"]) == (*row["top"][0].values(),)
        assert row["confidence"] == pytest.approx(
            softmax(scores).max(), abs=1e-4
        )
    assert len(rows) == 4
    assert taken == {1, 2}


def test_csv_has_a_row_an_image_and_says_what_cannot_be_read(folder, photos):
    words = (f"--workdir={folder}", "--format=csv", photos, "nowhere/*.png")
    ended = command_runs.run("predict", *words)
    assert ended.status == 2
    assert ended.errors == []
    rows = [*csv.DictReader(ended.out.splitlines())]
    assert [*rows[0]] == [
        *("file", "class", "probability", "confidence", "exit", "macs"),
        *("share_of_backbone", "class_2", "probability_2"),
        *("class_3", "probability_3", "error"),
    ]
    damaged, *good, absent = rows
    assert damaged["file"] == str(photos / "damaged.png")
    assert damaged["error"] == "cannot identify an image in it"
    assert absent["error"] == "matches no file"
    assert len(good) == 4
    for row in good:
        assert not row["error"]
        shares = [float(row[f"probability{end}"]) for end in ("", "_2", "_3")]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=2e-4)
    assert "note: 2 of 6 have no answer; their rows say why" in ended.err
    assert "1 more in folders are no images: suffix .txt" in ended.err


def test_scores_that_are_no_numbers_are_an_error_of_their_image(folder, photos):
    model = models.load(folder / runs.MODEL)
    layer = model.get_layer("exit_2")
    layer.set_weights([np.nan * layer.weights[0], layer.weights[1]])
    assert isinstance(model, MultiExitModel)
    model.save(folder / runs.MODEL)
    words = (f"--workdir={folder}", "--exit_threshold=0.999999")
    _, (row,) = predicted(*words, photos / "some" / "0.png", status=2)
    assert row["error"] == "the model answers with scores that are not numbers"


@pytest.mark.parametrize(
    ("words", "policy"),
    [
        ((), None),
        (("--variant=int8", "--policy=macs_50"), "macs_50"),
        (("--policy=static",), "static"),
    ],
)
def test_an_export_answers_as_its_runner_without_the_run(photos, words, policy):
    pytest.importorskip("ai_edge_litert")
    _, rows = predicted(f"--export={DIGITS}", *words, photos / "some")
    variant = "int8" if "--variant=int8" in words else "float32"
    runner = chain_runner.ChainRunner(
        chain_runner._found(DIGITS), variant=variant
    )
    for row in rows:
        pixels = chain_runner.read_image(row["file"], runner.image_shape)
        answer = runner.predict(pixels, policy=policy)
        assert (row["class"], row["exit"], row["macs"]) == (
            *(answer.class_name, answer.exit, answer.macs),
        )
        largest = answer.probabilities.max()
        assert row["probability"] == pytest.approx(largest, abs=1e-4)
        assert len(row["top"]) == 5


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--policy=macs_3"], ["--policy=macs_3", "all_exits, accurate"]),
        (["--exit_rule=entropy"], ["--exit_rule=entropy", "leave these flags"]),
        (["--answer=running"], ["--answer=running", "leave these flags"]),
        (["--policy_file=a.json"], ["--policy_file"]),
        (["--top_k=0"], ["top_k"]),
        (["--format=xml"], ["format"]),
    ],
)
def test_what_an_export_has_not_is_one_line(words, says):
    pytest.importorskip("ai_edge_litert")
    given = (f"--export={DIGITS}", *words, "a.png")
    command_runs.refused("predict", *given, says=says)


def test_no_words_and_no_export(tmp_path, folder):
    says = ["no image files: name files, folders or globs"]
    command_runs.refused("predict", f"--workdir={folder}", says=says)
    given = (f"--export={tmp_path / 'nowhere'}", "a.png")
    command_runs.refused("predict", *given, says=["nowhere"])
    # Of a name that no file can have, too.
    for image in ("a.png", "a" * 300):
        command_runs.refused("predict", image, says=["--workdir is missing"])
