"""Artefacts of an export, scored by the command as the run itself is."""

import json
import pathlib
import shutil

import command_runs
import pytest

from elf_keras import runs
from elf_keras.deploy import manifest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    words = (*command_runs.TINY, "--epochs=2", "--train_threshold=0.5")
    ended = command_runs.run("train", f"--workdir={folder}", *words)
    assert ended.status == 0, ended.err
    return folder


@pytest.fixture(scope="module")
def export(run_folder):
    output = run_folder.parent / "export"
    ended = command_runs.run(
        "export",
        f"--workdir={run_folder}",
        f"--output={output}",
        "--formats=saved_model,float32,int8",
    )
    assert ended.status == 0, ended.err
    return output


def evaluated(run_folder, *words, split="test"):
    ended = command_runs.run(
        "evaluate", f"--workdir={run_folder}", f"--split={split}", *words
    )
    assert ended.status == 0, ended.err
    record = runs.read_json(run_folder / "evaluation.json")
    return record["splits"][split]["model"]


@pytest.mark.parametrize("variant", ["saved_model", "float32"])
def test_a_float32_artefact_scores_as_the_run(run_folder, export, variant):
    record = json.loads((export / manifest.NAME).read_text())
    threshold = record["parity_at"]["thresholds"][0]
    words = (f"--exit_threshold={threshold}",)
    own = evaluated(run_folder, *words)
    found = evaluated(
        run_folder, f"--export={export}", f"--variant={variant}", *words
    )
    assert 0 < own["dynamic"]["exit_shares"][0] < 1
    for mode in ("static", "dynamic"):
        for score in ("accuracy", "top1", "macs"):
            # No image of the few may lie within rounding of a tie.
            assert found[mode][score] == pytest.approx(own[mode][score])


@pytest.mark.parametrize("variant", ["saved_model", "int8"])
def test_a_policy_scores_as_the_manifest_says(run_folder, export, variant):
    record = json.loads((export / manifest.NAME).read_text())
    held = record["saved_model"]
    if variant != "saved_model":
        held = record["variants"][variant]
    for name, policy in held["policies"].items():
        dynamic = evaluated(
            run_folder,
            f"--export={export}",
            f"--variant={variant}",
            f"--policy={name}",
        )["dynamic"]
        assert dynamic["accuracy"] == pytest.approx(policy["accuracy"])
        assert dynamic["macs"] == pytest.approx(policy["macs"])


@pytest.mark.parametrize("variant", ["saved_model", "int8"])
def test_thresholds_keep_their_word_on_the_scores_that_chose_them(
    run_folder, export, variant
):
    """Those of this variant on validation; others need not."""
    record = json.loads((export / manifest.NAME).read_text())
    words = (f"--export={export}", f"--variant={variant}")
    accurate, half = (
        evaluated(run_folder, *words, f"--policy={name}", split="validation")
        for name in ("accurate", "macs_50")
    )
    assert accurate["dynamic"]["accuracy"] >= accurate["static"]["accuracy"]
    assert half["dynamic"]["macs"] <= record["backbone_macs"] / 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--variant=float16"], ["no 'float16'", "int8"]),
        (["--policy=macs_3"], ["macs_3", "all_exits"]),
        (["--exit_rule=entropy"], ["--exit_rule=confidence"]),
        (["--policy=accurate", "--policy_file=a.json"], ["leave it out"]),
    ],
)
def test_words_that_do_not_fit(run_folder, export, words, says):
    command_runs.refused(
        "evaluate",
        f"--workdir={run_folder}",
        f"--export={export}",
        *words,
        says=says,
    )


def swapped(folder):
    stages = [folder / f"tflite/float32/stage_{k}.tflite" for k in (1, 2)]
    first, second = (stage.read_bytes() for stage in stages)
    stages[0].write_bytes(second)
    stages[1].write_bytes(first)


def cut(folder):
    path = folder / "saved_model/saved_model.pb"
    path.write_bytes(path.read_bytes()[:-1])


def unlisted(folder):
    path = folder / manifest.NAME
    record = json.loads(path.read_text())
    record["checksums"] = {
        name: found
        for name, found in record["checksums"].items()
        if not name.endswith("saved_model.pb")
    }
    path.write_text(json.dumps(record))


def of_others(folder):
    path = folder / manifest.NAME
    record = json.loads(path.read_text())
    record["class_names"][0] = "cat"
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("damage", "variant", "says"),
    [
        (swapped, "float32", "swapped"),
        (cut, "saved_model", "saved_model.pb is cut"),
        (unlisted, "saved_model", "saved_model.pb"),
        (of_others, "float32", "name an export of this run"),
        (shutil.rmtree, "float32", "does not exist"),
    ],
)
def test_an_export_that_cannot_be_used(
    run_folder, export, tmp_path, damage, variant, says
):
    folder = pathlib.Path(shutil.copytree(export, tmp_path / "export"))
    damage(folder)
    command_runs.refused(
        "evaluate",
        f"--workdir={run_folder}",
        f"--export={folder}",
        f"--variant={variant}",
        says=[says],
    )


def test_predict_names_the_command_for_exports(run_folder, export):
    command_runs.refused(
        "predict",
        f"--workdir={run_folder}",
        f"--export={export}",
        "a.png",
        says=["chain_runner", "a.png"],
    )
