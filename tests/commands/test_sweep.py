"""The sweep command, and the commands that take its policies."""

import json
import shutil

import command_runs
import made_run
import numpy as np
import pytest
import tiny

from elf_keras import models, runs
from elf_keras.cli import data_from_flags, model_from_flags
from elf_keras.evaluation import answers
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models.multi_exit_model import MultiExitModel
from elf_keras.policies import policy_file

pytestmark = pytest.mark.slow

KEPT = {runs.FLAGS, runs.RECORD, runs.MODEL}
WRITTEN = {"curve.csv", "curve.json", "curve.png", policy_file.NAME}
LOOSE = "--group_tolerance=1"


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A run swept once: its folder, what that said, and its policies."""
    with pytest.MonkeyPatch.context() as patch:
        made_run.give(patch)
        folder = made_run.folder(tmp_path_factory.mktemp("swept") / "run")
        return folder, *command_runs.swept(
            folder, LOOSE, "--budget=1.2,1.6,50ms"
        )


@pytest.fixture
def folder(swept, tmp_path, monkeypatch):
    """A copy of that run, and the data that commands find."""
    made_run.give(monkeypatch)
    return shutil.copytree(swept[0], tmp_path / "run")


def test_what_a_sweep_writes(swept):
    folder, ended, record = swept
    assert {path.name for path in folder.iterdir()} == KEPT | WRITTEN
    assert (folder / "curve.png").read_bytes()[:4] == b"\x89PNG"
    names = {"accurate", "macs_120", "macs_160", "ms_50"}
    own = {f"{name}_per_exit" for name in names}
    assert set(record["policies"]) <= {"all_exits"} | names | own
    assert {"all_exits", "accurate"} <= set(record["policies"])
    assert record["seed"] == 0
    assert len(record["temperatures"]) == 2
    assert record["static_temperature"] == record["temperatures"][-1]
    assert record["model"]["sha256"] == runs.checksum(folder / runs.MODEL)
    groups = record["chosen_on"]["images_by_shot_group"]
    assert groups == {"many": 20, "medium": 12, "few": 5}
    for name in record["policies"]:
        assert f"\n{name} " in ended.out
    assert "one threshold per exit: " in ended.out
    # One whole line for each step, since nobody sees a terminal.
    steps = [x[9:] for x in ended.err.splitlines() if x[5:9] == " s  "]
    assert steps == [
        "model loaded, its stages timed",
        "validation and test scored",
        "thresholds chosen on validation",
        "curve drawn, policies written",
    ]


def test_scores_of_a_policy_are_those_of_evaluate(swept, folder):
    record = swept[2]
    policies = record["policies"].items()
    name = next(n for n, at in policies if at["thresholds"] != [None])
    found, _ = command_runs.evaluated(folder, f"--policy={name}")
    policy = record["policies"][name]
    for split in ("validation", "test"):
        dynamic = found[split]["dynamic"]
        assert dynamic["exit_threshold"] == [*policy["thresholds"], None]
        for key in ("accuracy", "top1", "many", "few", "macs", "exit_shares"):
            assert dynamic[key] == pytest.approx(policy[split][key])


def test_the_curve_is_written_point_by_point(folder):
    rows = command_runs.rows(folder / "curve.csv")
    model = models.load(folder / runs.MODEL)
    data = data_from_flags.splits()
    with command_runs.fresh_flags(f"--workdir={folder}"):
        scorer = model_from_flags.scorer(model, data)
    for split in ("validation", "test"):
        found = answers.collect(model, getattr(data, split))
        points = [row for row in rows if row["split"] == split]
        sure = np.unique(found.certainty[:, 0])
        assert len(points) == len(sure) + 1
        for row in points[:: len(points) // 5]:
            s = np.float32(float(row["exit_threshold"]))
            there = scorer.dynamic(found, ExitThresholds.shared(s, 2))
            for key, near in (("accuracy", 1e-6), ("macs", 0.1)):
                expected = pytest.approx(there[key], abs=near)
                assert float(row[key]) == expected


def test_marks_and_lines_of_the_picture(swept):
    record = runs.read_json(swept[0] / "curve.json")
    for split in ("validation", "test"):
        found = record["splits"][split]
        grid = [f"{s / 100:g}" for s in range(50, 100, 5)]
        assert list(found["papers_grid"]) == grid
        assert found["static"]["macs"] == record["backbone_macs"]
        # Of two exits one can leave early: it has nothing to choose apart.
        assert found["per_exit"] is None


def test_without_a_test_split(folder, monkeypatch):
    made_run.give(monkeypatch, test=None)
    _, record = command_runs.swept(folder)
    assert all(at["test"] is None for at in record["policies"].values())


def test_predict_takes_a_policy(swept, folder, tmp_path):
    # The tiny model's images are grey.
    command_runs.draw(tmp_path / "a.png")
    policies = swept[2]["policies"]
    first = policies["all_exits"] | {"thresholds": [1e-6]}
    record = swept[2] | {"policies": policies | {"first": first}}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(record))
    words = (f"--workdir={folder}", f"--policy_file={other}")
    for name, taken in (("first", 1), ("all_exits", 2)):
        more = (f"--policy={name}", tmp_path / "a.png")
        ended = command_runs.done("predict", *words, *more)
        assert json.loads(ended.out)["exit"] == taken


@pytest.mark.parametrize("command", ["evaluate", "predict", "export"])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("name", "all_exits, accurate"),
        ("exits", "of 3 exits, this one has 2 exits; sweep this run"),
        ("classes", "of 3000 classes, this one has 3"),
        ("score_scale", "by 30.0, this one has scores"),
        ("absent", "holds no policy.json: policies are chosen by elf-keras"),
    ],
)
def test_a_policy_that_cannot_be_used(folder, tmp_path, command, wrong, says):
    path, words = folder / policy_file.NAME, ["--policy=accurate"]
    record = json.loads(path.read_text())
    if wrong == "name":
        words = ["--policy=macs_1"]
    elif wrong == "absent":
        path.unlink()
        if command == "export":
            words = ["--policy=macs_1"]
            says = "policy.json does not exist, and without it an export has"
    else:
        of_another = {"exits": 3, "classes": 3000, "score_scale": 30.0}
        record["model"][wrong] = of_another[wrong]
        for policy in record["policies"].values():
            policy["thresholds"] = [0.5] * (record["model"]["exits"] - 1)
        path.write_text(json.dumps(record))
    words += {
        "predict": ["a.png"],
        "export": [f"--output={tmp_path / 'out'}", "--formats=saved_model"],
    }.get(command, [])
    command_runs.refused(command, f"--workdir={folder}", *words, says=[says])
    assert not (tmp_path / "out").exists()


def test_a_sibling_s_policy_is_used_and_said_to_be_one(folder, tmp_path):
    record = json.loads((folder / policy_file.NAME).read_text())
    assert record["model"]["score_scale"] == 1
    words = [f"--workdir={folder}", "--exit_threshold=0.5", "--split=test"]
    own = command_runs.done("evaluate", *words, "--policy=accurate")
    assert "another model.keras" not in own.err
    record["model"]["sha256"] = "0" * 64
    sibling = tmp_path / "sibling.json"
    sibling.write_text(json.dumps(record))
    ended = command_runs.done("evaluate", *words, f"--policy_file={sibling}")
    assert f"note: {sibling} belongs to another model.keras" in ended.err
    assert ended.out == own.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--split=train"], "more certain and more often right"),
        (["--split=test"], "can no longer be tested"),
        (["--budget=0"], "'0'"),
        (["--budget=0.5,-2ms"], "'-2ms'"),
        (["--group_tolerance=2"], "group_tolerance"),
        (["--group_confidence=1"], "group_confidence"),
        (["--export=nowhere"], "nowhere"),
        (["more"], "'more'"),
    ],
)
def test_wrong_words(folder, words, says):
    before = command_runs.content(folder)
    command_runs.refused("sweep", f"--workdir={folder}", *words, says=[says])
    assert command_runs.content(folder) == before


def test_no_validation_split_and_no_model(folder, monkeypatch):
    made_run.give(monkeypatch, validation=None)
    says = ["--validation_fraction=0.1", "--policy_file"]
    command_runs.refused("sweep", f"--workdir={folder}", says=says)
    (folder / runs.MODEL).unlink()
    command_runs.refused("sweep", f"--workdir={folder}", says=["--resume"])


def test_a_single_exit(tmp_path, monkeypatch):
    made_run.give(monkeypatch)
    many = tiny.model()
    alone = MultiExitModel(many.inputs[0], {"exit_1": many.output["exit_2"]})
    folder = made_run.folder(tmp_path / "run", model=alone)
    says = ["nothing to sweep", "har"]
    command_runs.refused("sweep", f"--workdir={folder}", says=says)


@pytest.mark.parametrize("command", ["train", "search"])
def test_policies_are_not_for_training(tmp_path, command):
    words = (f"--workdir={tmp_path}", "--policy=accurate")
    command_runs.refused(command, *words, says=["--policy"])


def test_seeds_are_the_same_twice(folder):
    first, second = command_runs.swept(folder)[1], command_runs.swept(folder)[1]
    for record in (first, second):
        for key in ("static_milliseconds", "stage_milliseconds"):
            record["model"].pop(key)
        for policy in record["policies"].values():
            for split in ("validation", "test"):
                policy[split].pop("milliseconds")
    assert first == second
