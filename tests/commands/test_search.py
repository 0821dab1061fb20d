"""A search over t that trains nothing here: its children are made up."""

import json
import pathlib

import command_runs
import pytest
import terminals

from elf_keras import runs, search
from elf_keras.policies import policy_file
from elf_keras.reports.charts import sweeps
from elf_keras.runs import preemption

draw = sweeps.search
ACCURACY = {"0.6": 0.5, "0.75": 0.7, "0.9": 0.7}


def leave(place, text):
    """What a sweep of a run trained with t = `text` leaves behind."""
    accuracy = ACCURACY.get(text, 0.1)
    saving = 0.1 if text == "0.75" else 0.2
    static = {"accuracy": accuracy, "many": accuracy, "macs": 100}
    tested = static | {"accuracy": 1 - accuracy}
    policy = {
        "validation": {"accuracy": accuracy, "saving": saving},
        "test": {"accuracy": 0.25, "saving": -0.5},
    }
    record = {
        "model": {"static": {"validation": static, "test": tested}},
        "policies": {"accurate": policy},
    }
    (place / policy_file.NAME).write_text(json.dumps(record))
    part = {
        "shared": {"macs": [50, 100], "accuracy": [0.1, accuracy]},
        "static": static,
        "papers_grid": {"0.5": {"macs": 70, "accuracy": 0.2}},
    }
    curve = {"backbone_macs": 100, "splits": {"validation": part, "test": part}}
    (place / "curve.json").write_text(json.dumps(curve))


class Children:
    """Stands in for `preemption.run_child`; fails where it is told to."""

    def __init__(self, fails=None):
        self.commands, self.fails, self.last = [], fails, {}

    def __call__(self, words, *, watch, stdout, stderr):
        watch()
        command = words[2].removeprefix("elf_keras.")
        (place,) = [w[10:] for w in words if w.startswith("--workdir=")]
        place = pathlib.Path(place)
        self.commands.append((command, place.name))
        self.last[command] = words
        if self.fails == (command, place.name):
            stdout.write("error: the disk is full\n")
            return 2
        place.mkdir(exist_ok=True)
        if command == "train":
            (place / runs.METRICS).write_text("{}")
        else:
            leave(place, place.name.removeprefix("t_"))
        return 0


@pytest.fixture
def children(monkeypatch):
    made = Children()
    monkeypatch.setattr(preemption, "run_child", made)
    monkeypatch.setattr(sweeps, "search", lambda *_, title: None)
    return made


WORDS = ("--imbalance=20", "--thresholds=0.6,0.9")


def find(folder, *words):
    return command_runs.done("search", f"--workdir={folder}", *words)


def test_each_t_is_trained_swept_and_compared(tmp_path, children, monkeypatch):
    monkeypatch.setattr(sweeps, "search", draw)
    folder = tmp_path / "search"
    ended = find(folder, "--imbalance=20", "--thresholds=0.75,0.6,0.9")
    assert children.commands == [
        (command, f"t_{t}")
        for t in ("0.75", "0.6", "0.9")
        for command in ("train", "sweep")
    ]
    assert "--train_threshold=0.9" in children.last["train"]
    flags = (folder / search.RECORD).read_text().splitlines()
    assert "--imbalance=20.0" in flags
    # As accurate on validation as 0.75, and saving more there.
    assert runs.read_json(folder / "search.json")["chosen"] == "0.9"
    rows = command_runs.rows(folder / "search.csv")
    assert [row["t"] for row in rows] == ["0.75", "0.6", "0.9"]
    assert float(rows[2]["test_static_accuracy"]) == pytest.approx(0.3)
    assert (folder / "search.png").read_bytes()[:4] == b"\x89PNG"
    (line,) = [line for line in ended.out.splitlines() if line[:3] == "0.9"]
    assert line.startswith("0.9 *")
    assert "-50.0 %" in line


def test_a_stopped_search_goes_on_and_may_grow(tmp_path, children):
    folder = tmp_path / "search"
    children.fails = ("sweep", "t_0.9")
    says = ["t = 0.9 (2 of 2)", "the disk is full", "same command again"]
    command_runs.refused("search", f"--workdir={folder}", *WORDS, says=says)
    assert json.loads((folder / "search.json").read_text())["chosen"] == "0.6"
    children.fails, children.commands = None, []
    find(folder, *WORDS)
    assert children.commands == [("sweep", "t_0.9")]
    children.commands.clear()
    find(folder, "--imbalance=20", "--thresholds=0.6,0.75,0.9")
    assert children.commands == [("train", "t_0.75"), ("sweep", "t_0.75")]


def test_where_and_how_may_change_and_reaches_the_children(tmp_path, children):
    folder = tmp_path / "search"
    find(folder, *WORDS, "--checkpoint_minutes=5")
    words = ("--checkpoint_minutes=3", f"--list_dir={tmp_path}")
    find(folder, *WORDS[:1], "--thresholds=0.6,0.75", *words)
    for command in ("train", "sweep"):
        given = children.last[command]
        assert "--checkpoint_minutes=3.0" in given
        assert f"--list_dir={tmp_path}" in given


def test_another_search_or_a_folder_of_something_else(tmp_path, children):
    find(tmp_path / "search", *WORDS)
    (tmp_path / "thesis.txt").write_text("years of work")
    for folder, says in (("search", "other flags"), ("", "something else")):
        words = (f"--workdir={tmp_path / folder}", "--thresholds=0.6,0.9")
        ended = command_runs.refused("search", *words, says=[says])
        assert not folder or "imbalance" in ended.errors[0]


@pytest.mark.parametrize(
    ("exit_loss", "values"),
    [
        ("ce", ["0.75", "0.8", "0.85", "0.9", "0.95"]),
        ("ldam", ["1.7_C", "1.8_C", "1.9_C", "2_C", "2.1_C"]),
    ],
)
def test_thresholds_of_the_papers_by_default(
    tmp_path, children, monkeypatch, exit_loss, values
):
    monkeypatch.setattr(search, "_write", lambda folder, done: [])
    find(tmp_path / "search", f"--exit_loss={exit_loss}")
    trained = [at for command, at in children.commands if command == "train"]
    assert trained == [f"t_{value}" for value in values]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--thresholds=0.5,2"], "'2'"),
        (["--thresholds=0.5,5/C"], "the same"),
        (["--exit_loss=ldam", "--thresholds=0.9"], "never be exceeded"),
        (["--method=sum"], "--method=har"),
        (["--validation_fraction=0"], "chosen on validation"),
        (["more"], "'more'"),
    ],
)
def test_wrong_words(tmp_path, children, words, says):
    folder = tmp_path / "search"
    command_runs.refused("search", f"--workdir={folder}", *words, says=[says])
    assert not folder.exists()
    assert children.commands == []


@pytest.mark.slow
def test_a_real_search(tmp_path):
    folder = tmp_path / "search"
    words = (*command_runs.TINY, "--epochs=1", "--thresholds=0.6,0.9")
    find(folder, *words)
    rows = json.loads((folder / "search.json").read_text())["rows"]
    assert [row["t"] for row in rows] == ["0.6", "0.9"]
    again = find(folder, *words)
    assert "train, see" not in again.err


def test_a_terminal_shows_how_far_a_run_of_the_search_is(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    log = tmp_path / "t_2_C.log"
    log.write_text(
        "epoch 1/90  loss 3.210\nepoch 2/90  loss 2.345  rate 0.025  train "
        "0.123  validation 0.100  leaving 0.20 0.30 0.50  61.2 s\n"
    )
    where = "t = 2/C (1 of 3)"
    with terminals.Terminal().attached() as terminal:
        search._show_last(log, where)
        assert terminal.screen == [
            f"{where}  epoch 2/90  loss 2.345  rate 0.025  train 0.123  61.2 s"
        ]
        log.write_text("")
        search._show_last(log, where)
        assert terminal.screen == [where]
