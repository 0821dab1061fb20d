"""Train, evaluate, predict on the embedded digits, as a user would."""

import json

import command_runs
import leaving
import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

from elf_keras import models, runs
from elf_keras.data import splits
from elf_keras.evaluation import prediction
from elf_keras.training import watchdogs

pytestmark = pytest.mark.slow

EPOCHS = 6
RECIPE = (
    *command_runs.TINY,
    f"--epochs={EPOCHS}",
    "--validation_fraction=0.2",
    "--learning_rate=0.05",
    "--warmup_epochs=2",
    "--decay_epochs=4,5",
    "--decay_factor=0.1",
    "--class_weighting=effective_number",
    "--reweight_epoch=4",
    "--seed=3",
)
# design.md, section 5.
RUN_FOLDER = """
flags.flags data.csv run.json history.csv checkpoints model.keras metrics.json
tensorboard
"""
SCORES = "accuracy top1 many medium few macs"
DYNAMIC = "saving_with_heads saving_without_heads exit_shares"
EXIT = "accuracy macs calibration_error"
CURVE = "exit_threshold accuracy macs exit_shares"
# And class counts and parameters, which have tests of their own.
RECORD = """
seed versions git_revision devices images_per_second peak_memory_bytes
training_seconds seconds_of_this_process
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain") / "runs" / "digits"
    with pytest.MonkeyPatch.context() as patch:
        # So that one warning is sure to come.
        patch.setattr(watchdogs, "FEW_LEAVE", 2.0)
        words = (f"--workdir={folder}", *RECIPE)
        return folder, command_runs.done("train", *words)


@pytest.fixture(scope="module")
def metrics(trained):
    return json.loads((trained[0] / runs.METRICS).read_text())


@pytest.fixture(scope="module")
def record(trained):
    return json.loads((trained[0] / runs.RECORD).read_text())


@pytest.mark.parametrize("name", RUN_FOLDER.split())
def test_the_run_folder_holds_what_is_promised(trained, name):
    path = trained[0] / name
    assert path.exists()
    assert not path.is_dir() or any(path.iterdir())
    assert not list(path.rglob(".writing*"))


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("which", ["best", "last"])
def test_metrics_of_every_split_and_epoch(metrics, split, which):
    part = metrics[split][which]
    for mode in ("static", "dynamic"):
        for key in SCORES.split():
            assert key in part[mode], (mode, key)
    for key in DYNAMIC.split():
        assert key in part["dynamic"]
    assert sum(part["dynamic"]["exit_shares"]) == pytest.approx(1)
    assert [row["exit"] for row in part["exits"]] == [1, 2]
    for row in part["exits"]:
        for key in EXIT.split():
            assert row[key] >= 0
    for key in CURVE.split():
        assert len(part["curve"][key]) == len(part["curve"]["macs"]) > 1
    assert 1 <= part["epoch"] <= EPOCHS


@pytest.mark.parametrize("which", ["best", "last"])
def test_metrics_have_the_loss_by_exit_of_the_training_split(metrics, which):
    part = metrics["train"][which]["loss_by_exit"]
    assert len(part["loss"]) == len(part["shares"]) == 2
    assert part["increasing"] in (True, False)


def test_run_json_says_what_is_promised(record):
    assert [key for key in RECORD.split() if record[key] is None] == []
    # Digits: 130 images at most (of 174 to keep), 6 at least; a fifth is cut.
    counts = record["data"]["class_counts"]
    after = record["data"]["class_counts_after_cut"]
    assert (counts[0], counts[-1]) == (max(counts), min(counts))
    assert counts[0] / counts[-1] == pytest.approx(20, rel=0.15)
    for before, left in zip(counts, after, strict=True):
        assert 0.8 * before - 1 <= left < before
    images = record["data"]["images"]
    assert images["train"] == sum(after)
    assert images["train"] + images["validation"] == sum(counts)
    assert record["model"]["parameters"] > 70_000
    assert record["epochs"] == EPOCHS


def test_the_history_has_every_epoch(trained):
    rows = command_runs.rows(trained[0] / "history.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    rates = [float(row["learning_rate"]) for row in rows]
    by_hand = [0.025, 0.05, 0.05, 0.05, 0.005, 0.0005]
    np.testing.assert_allclose(rates, by_hand, rtol=1e-6)
    losses = [float(row["loss"]) for row in rows]
    assert losses[3] < 0.8 * losses[0]
    for row in rows:
        shares = float(row["exit_1_share"]) + float(row["exit_2_share"])
        assert shares == pytest.approx(1, abs=1e-6)


def test_it_learned_and_says_so(trained, metrics):
    assert metrics["test"]["last"]["static"]["top1"] > 0.25
    _, ended = trained
    assert "test" in ended.out
    top1 = metrics["test"]["best"]["static"]["top1"]
    assert f"{100 * top1:.1f} %" in ended.out
    assert ended.err.count("epoch ") >= EPOCHS
    assert ended.errors == []


def test_warnings_reach_the_user_and_the_record(trained, record):
    lines = trained[1].err.splitlines()
    warned = [line for line in lines if line.startswith("warning: ")]
    assert any("lower --train_threshold" in line for line in warned)
    assert [f"warning: {text}" for text in record["warnings"]] == warned


def test_the_best_epoch_is_the_last_of_the_highest(trained, metrics):
    rows = command_runs.rows(trained[0] / "history.csv")
    scores = [float(row["validation_accuracy"]) for row in rows]
    best = max(range(EPOCHS), key=lambda epoch: (scores[epoch], epoch))
    part = metrics["validation"]["best"]
    assert part["epoch"] == best + 1
    assert part["static"]["accuracy"] == pytest.approx(scores[best])


def test_a_trained_run_is_shown_not_trained_again(trained):
    folder, first = trained
    before = command_runs.content(folder)
    words = (f"--workdir={folder}", *RECIPE)
    again = command_runs.done("train", *words, "--resume")
    assert "is trained" in again.err
    assert again.out == first.out
    assert command_runs.content(folder) == before
    command_runs.refused("train", *words, says=["never"])
    assert command_runs.content(folder) == before


def test_evaluate_repeats_the_scores_of_training(trained, metrics):
    folder, _ = trained
    kept = {
        name: content
        for name, content in command_runs.content(folder).items()
        if name != "evaluation.json"
    }
    found, _ = command_runs.evaluated(folder)
    for split in ("validation", "test"):
        for mode in ("static", "dynamic"):
            for key in ("accuracy", "top1", "macs"):
                expected = metrics[split]["best"][mode][key]
                assert found[split][mode][key] == pytest.approx(expected)
    after = command_runs.content(folder)
    assert {name: after[name] for name in kept} == kept


def test_evaluate_at_another_threshold(trained):
    words = ("--split=test", "--exit_threshold=0.15")
    found, told = command_runs.evaluated(trained[0], *words)
    assert set(found) == {"test"}
    assert "s = 0.15" in told
    dynamic = found["test"]["dynamic"]
    assert dynamic["exit_threshold"] == 0.15
    assert dynamic["exit_shares"][0] > 0.9


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    greys = np.rint(datasets.load_digits().images[:6] * 255 / 16)
    greys = greys.astype("uint8")
    paths = [folder / f"{index}.png" for index in range(6)]
    for path, grey in zip(paths, greys, strict=True):
        Image.fromarray(grey).save(path)
    return paths, greys


def test_predict_answers_as_the_model_does(trained, digits, record):
    (folder, _), (paths, greys) = trained, digits
    words = (f"--workdir={folder}", "--exit_threshold=0.5", *paths)
    ended = command_runs.done("predict", *words)
    lines = [json.loads(line) for line in ended.out.splitlines()]
    examples = splits.Examples(
        greys[..., None], np.zeros(6, "int32"), ("",) * 6
    )
    model = models.load(folder / runs.MODEL)
    expected = leaving.select(prediction.predict_logits(model, examples), 0.5)
    costs = record["model"]["exits"]
    for index, line in enumerate(lines):
        exit_taken = int(expected.exit_taken[index])
        assert line["file"] == str(paths[index])
        assert line["class"] == str(expected.classes[index])
        assert line["confidence"] == pytest.approx(
            expected.certainty[index], abs=1e-4
        )
        assert line["exit"] == exit_taken + 1
        assert line["macs"] == costs[exit_taken]["macs"]
        share = line["macs"] / costs[-1]["macs_without_heads"]
        assert line["share_of_backbone"] == pytest.approx(share, abs=1e-4)


def test_predict_at_a_low_threshold_stops_at_once(trained, digits):
    words = (f"--workdir={trained[0]}", "--exit_threshold=0.01", digits[0][0])
    ended = command_runs.done("predict", *words)
    assert json.loads(ended.out)["exit"] == 1
