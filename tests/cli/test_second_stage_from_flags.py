"""Whole second stages of a run, and what does not suit them."""

import shutil

import command_runs
import pytest
import run_states
import tiny

from elf_keras import choices, models, runs
from elf_keras.cli import second_stage_from_flags
from elf_keras.training.second_stage import classifiers

pytestmark = pytest.mark.slow

STAGES = (*choices.TRAINED_STAGES, *choices.POST_HOC_STAGES)
WORDS = (*command_runs.TINY, "--method=sum", "--epochs=1")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stages") / "source"
    command_runs.done("train", f"--workdir={folder}", *WORDS)
    return folder


def staged(source, folder, *words):
    return (
        *(f"--workdir={folder}", *WORDS),
        *(f"--weights={source / runs.MODEL}", *words),
    )


def assert_only_classifiers_changed(source, folder):
    """Bit for bit, batch statistics included."""
    before = models.load(source / runs.MODEL)
    after = models.load(folder / runs.MODEL)
    changed = {layer.name for layer in classifiers(after)}
    for old, new in zip(before.layers, after.layers, strict=True):
        assert type(old) is type(new)
        same = run_states.same(old.get_weights(), new.get_weights())
        assert same == (not old.weights or old.name not in changed)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_leaves_an_ordinary_run(source, tmp_path, stage):
    folder = tmp_path / stage
    words = (f"--second_stage={stage}", "--sampler=class_balanced")
    command_runs.done("train", *staged(source, folder, *words))
    assert {path.name for path in source.iterdir()} - {
        path.name for path in folder.iterdir()
    } <= {"checkpoints", "tensorboard"}
    record = runs.read_json(folder / runs.RECORD)
    told = record["second_stage"]
    assert told["name"] == stage
    assert_only_classifiers_changed(source, folder)
    plain = runs.read_json(source / runs.RECORD)["model"]
    parameters = "trainable_parameters"
    assert record["model"][parameters] == plain[parameters]
    if stage == "lws":
        assert told["trained_parameters"] == 2 * 10
    if stage in choices.POST_HOC_STAGES:
        assert record["epochs"] == 0
        assert len(told["tried"]) == (21 if stage == "tau_norm" else 0)
    command_runs.done("sweep", f"--workdir={folder}")
    command_runs.done("evaluate", f"--workdir={folder}")


def test_a_stage_goes_on_after_its_first_epoch(source, tmp_path):
    words = ("--second_stage=lws", "--learning_rate=0.5", "--epochs=2")
    whole = staged(source, tmp_path / "whole", *words)
    command_runs.done("train", *whole)
    folder = tmp_path / "resumed"
    shutil.copytree(tmp_path / "whole", folder)
    for name in (runs.METRICS, runs.MODEL, runs.RECORD):
        (folder / name).unlink()
    (last,) = folder.glob("checkpoints/epoch_0002_*.json")
    last.unlink()
    command_runs.done("train", *staged(source, folder, *words), "--resume")
    places = (tmp_path / "whole", folder)
    one, other = (models.load(path / runs.MODEL) for path in places)
    assert run_states.same(one.get_weights(), other.get_weights())


@pytest.mark.parametrize("stage", choices.POST_HOC_STAGES)
def test_tau_is_the_best_on_validation_and_recorded(source, tmp_path, stage):
    folder = tmp_path / "run"
    words = (f"--second_stage={stage}", "--tau=validation")
    command_runs.done("train", *staged(source, folder, *words))
    told = runs.read_json(folder / runs.RECORD)["second_stage"]
    assert [row["tau"] for row in told["tried"]] == [
        pytest.approx(0.1 * step) for step in range(21)
    ]
    # The first of equals.
    best = max(told["tried"], key=lambda row: row["validation_accuracy"])
    assert told["tau"] == best["tau"]
    scores = runs.read_json(folder / runs.METRICS)
    found = scores["validation"]["last"]["static"]["accuracy"]
    assert found == pytest.approx(best["validation_accuracy"], abs=0.01)


@pytest.mark.parametrize(
    ("stage", "given", "tau"),
    [
        ("logit_adjustment", "auto", 1.0),
        ("logit_adjustment", "validation", None),
        ("tau_norm", "auto", None),
        ("tau_norm", "0.7", 0.7),
    ],
)
def test_ways_to_give_tau(stage, given, tau):
    words = (f"--second_stage={stage}", f"--tau={given}")
    with command_runs.fresh_flags(*words):
        assert second_stage_from_flags._tau() == tau


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--second_stage=crt", "--weights=none"], ["--weights=RUN/model"]),
        (["--second_stage=lws", "--weights=imagenet"], ["--weights=RUN/model"]),
        (["--second_stage=lws", "--seed=1"], ["--seed=0", "--seed=1"]),
        (["--second_stage=crt", "--imbalance=50"], ["same data"]),
        (["--second_stage=crt", "--method=single"], ["2 exits", "--method"]),
        (["--second_stage=crt", "--exit_loss=ldam"], ["plain", "--exit_loss"]),
        (["--second_stage=tau_norm", "--tau=much"], ["--tau=much", "number"]),
        (["--second_stage=tau_norm", "--tau=-1"], ["--tau=-1"]),
        (["--second_stage=tau_norm", "--tau=nan"], ["--tau=nan"]),
        (["--second_stage=fresh"], ["--second_stage=fresh", "tau_norm"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_what_does_not_suit(source, tmp_path, words, says):
    folder = tmp_path / "run"
    command_runs.refused("train", *staged(source, folder, *words), says=says)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("flag", "plain", "value"),
    [
        *(("exit_loss", "ce", loss) for loss in choices.PRIOR_LOSSES),
        ("class_weighting", "none", "effective_number"),
        ("sampler", "instance", "class_balanced"),
        ("sampler", "instance", "deferred"),
        ("second_stage", "none", "tau_norm"),
    ],
)
def test_no_logit_adjustment_of_what_is_adjusted(
    source, tmp_path, flag, plain, value
):
    shutil.copy(source / runs.MODEL, tmp_path)
    record = (source / runs.FLAGS).read_text()
    assert f"--{flag}={plain}\n" in record
    (tmp_path / runs.FLAGS).write_text(
        record.replace(f"--{flag}={plain}\n", f"--{flag}={value}\n")
    )
    command_runs.refused(
        "train",
        *staged(tmp_path, tmp_path / "run", "--second_stage=logit_adjustment"),
        says=[f"with --{flag}={value}, which", "twice", f"--{flag}={plain}"],
    )


def test_tau_without_validation(source, tmp_path):
    # The model alone, without the flags of its run.
    shutil.copy(source / runs.MODEL, tmp_path)
    words = ("--validation_fraction=0", "--second_stage=tau_norm")
    words = staged(tmp_path, tmp_path / "run", *words)
    command_runs.refused("train", *words, says=["--tau=1"])
    command_runs.done("train", *words, "--tau=1")
    told = runs.read_json(tmp_path / "run" / runs.RECORD)["second_stage"]
    assert (told["tau"], told["tried"]) == (1.0, [])


@pytest.mark.parametrize("stage", STAGES)
def test_cosine_classifiers(tmp_path, stage):
    kind = {"backbone": "resnet8", "heads": models.Heads(cosine=True)}
    model = models.build((8, 8, 1), 10, exits="1", **kind)
    model.save(tmp_path / "model.keras")
    words = ("--exit_loss=ldam", f"--second_stage={stage}")
    words = staged(tmp_path, tmp_path / "run", *words)
    if stage != "crt":
        command_runs.refused("train", *words, says=["only crt"])
        return
    command_runs.done("train", *words)


def test_a_model_of_other_images(tmp_path):
    tiny.model().save(tmp_path / "model.keras")
    words = staged(tmp_path, tmp_path / "run", "--second_stage=crt")
    command_runs.refused("train", *words, says=["3 classes", "10"])


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["lws", "tau_norm"])
def test_dry_run(source, tmp_path, stage):
    words = staged(source, tmp_path / "run", f"--second_stage={stage}")
    command_runs.done("train", *words, "--dry_run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_two_replicas(source, tmp_path, stage):
    words = (f"--second_stage={stage}", "--strategy=mirrored")
    folder = tmp_path / "run"
    process = command_runs.child(
        "-c", command_runs.TRAIN_ON_TWO, *staged(source, folder, *words)
    )
    command_runs.succeeded(process)
    assert_only_classifiers_changed(source, folder)
