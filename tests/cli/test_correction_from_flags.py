"""--prior_correction: what it means, what is refused, what a run keeps."""

import command_runs
import numpy as np
import pytest
import tiny

from elf_keras import models, runs
from elf_keras.cli import correction_from_flags
from elf_keras.errors import InputError
from elf_keras.training import prior_correction
from elf_keras.training.prior_correction import Correction
from elf_keras.training.second_stage import classifiers

pytestmark = pytest.mark.slow

WORDS = (
    *(*command_runs.TINY, "--method=har", "--exit_loss=ldam", "--epochs=8"),
    *("--validation_fraction=0.4", "--warmup_epochs=0", "--decay_epochs=6"),
)


def read(*words, exits=2, validation=True):
    with command_runs.fresh_flags("--method=har", *words):
        data = tiny.data(validation=validation)
        return correction_from_flags.correction(data, exits)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("none", None),
        ("validation", Correction(None)),
        ("0.5", Correction((0.5,))),
        ("0", Correction((0.0,))),
        ("0.5,2", Correction((0.5, 2.0))),
    ],
)
def test_what_it_means(given, expected):
    assert read(f"--prior_correction={given}") == expected


@pytest.mark.parametrize(
    "given", ["", "auto", "-1", "nan", "inf", "0.1,0.2,0.3", "0.1,"]
)
def test_what_is_no_tau(given):
    says = f"^--prior_correction={given}: expected none, validation.* 2 exits"
    with pytest.raises(InputError, match=says):
        read(f"--prior_correction={given}")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--method=summed"], "--method=summed"),
        (["--second_stage=logit_adjustment"], "leave one of them out"),
        (["--answer=running"], "sums of several exits have one τ"),
    ],
)
def test_what_it_does_not_go_with(words, says):
    with pytest.raises(InputError, match=says):
        read("--prior_correction=0.5,2", *words)


def test_running_sums_have_one_tau():
    given = read("--prior_correction=0.5,0.5", "--answer=running")
    assert given == Correction((0.5, 0.5))


def test_it_is_never_chosen_without_validation():
    with pytest.raises(InputError, match="no τ can be chosen"):
        read("--prior_correction=validation", validation=False)
    given = read("--prior_correction=0.3", validation=False)
    assert given == Correction((0.3,))


def test_the_stage_without_tau():
    with pytest.raises(InputError, match="add --prior_correction=validation"):
        read("--second_stage=prior_correction")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A run as it is, and the same one corrected when it had ended."""
    place = tmp_path_factory.mktemp("corrected")
    command_runs.done("train", *WORDS, f"--workdir={place / 'plain'}")
    words = (*WORDS, "--prior_correction=validation")
    ended = command_runs.done("train", *words, f"--workdir={place / 'run'}")
    return place / "plain", place / "run", ended


def told(folder, split="validation", which="best"):
    record = runs.read_json(folder / runs.METRICS)
    return record[split][which][prior_correction.KEY]


def test_a_run_says_records_and_saves_its_correction(pair):
    plain, folder, ended = pair
    rows = told(folder)["exits"]
    assert any(row["tau"] > 0 for row in rows)
    assert all(
        row["validation_accuracy"] >= row["validation_accuracy_before"]
        for row in rows
    )
    taus = ",".join(f"{row['tau']:g}" for row in rows)
    assert f"--prior_correction={taus} repeats it" in ended.err
    found, _ = command_runs.evaluated(folder)
    static = found["validation"]["static"]["accuracy"]
    assert static == pytest.approx(rows[-1]["validation_accuracy"])
    before, _ = command_runs.evaluated(plain)
    static = before["validation"]["static"]["accuracy"]
    assert static == pytest.approx(rows[-1]["validation_accuracy_before"])


def test_the_loss_by_exit_is_of_the_logits_that_were_trained(pair):
    last = [
        runs.read_json(run / runs.METRICS)["train"]["last"] for run in pair[:2]
    ]
    assert last[0]["loss_by_exit"] == last[1]["loss_by_exit"]
    command_runs.done("evaluate", f"--workdir={pair[1]}", "--split=train")
    found = runs.read_json(pair[1] / "evaluation.json")
    assert "loss_by_exit" not in found


def test_a_run_that_has_ended_is_corrected_by_a_stage(pair, tmp_path):
    plain, folder, _ = pair
    words = (
        *(*WORDS, f"--workdir={tmp_path / 'later'}"),
        f"--weights={plain / runs.MODEL}",
        *("--second_stage=prior_correction", "--prior_correction=validation"),
    )
    command_runs.done("train", *words)
    later = tmp_path / "later"
    assert told(later, which="last") == told(folder)
    saved = [models.load(path / runs.MODEL) for path in (later, folder)]
    ends = [each.get_weights() for each in saved]
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)
    twice = [word.replace(str(plain), str(folder)) for word in words]
    twice[len(WORDS)] = f"--workdir={tmp_path / 'twice'}"
    command_runs.refused(
        "train", *twice, says=["already", "--prior_correction=validation"]
    )
    # Its scales would hide the correction from the next stage.
    between = (*words[: len(WORDS)], f"--workdir={tmp_path / 'between'}")
    between += (f"--weights={folder / runs.MODEL}", "--second_stage=lws")
    command_runs.refused(
        "train", *between, says=["already", "--prior_correction=validation"]
    )


@pytest.mark.slow
def test_an_export_answers_by_what_was_corrected(pair, tmp_path):
    """Parity is of logits; the stages are those of the saved model."""
    _, folder, _ = pair
    out = tmp_path / "export"
    command_runs.done(
        "export",
        *(f"--workdir={folder}", f"--output={out}"),
        "--formats=saved_model,float32,int8",
    )
    manifest = runs.read_json(out / "1" / "manifest.json")
    judged = [row for row in manifest["parity"] if row["passed"] is not None]
    assert len({row["artefact"] for row in judged}) > 4
    assert all(row["passed"] for row in judged)
    model = models.load(folder / runs.MODEL)
    assert all(each.shifted for each in classifiers(model))
