"""What clusters/ says TF_CONFIG is, run by bash with a scheduler made up."""

import os
import pathlib
import re
import subprocess

import pytest

from elf_keras.distribution import cluster

CLUSTERS = pathlib.Path(__file__).resolve().parents[2] / "clusters"


def ended(folder, words, tools, **variables):
    """Run bash with stand-ins, by name, for programs that a script calls."""
    for name, line in tools.items():
        (folder / name).write_text(f"#!/bin/bash\n{line}\n")
        (folder / name).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", *words],
        env={"PATH": path, **variables},
        capture_output=True,
        text=True,
    )


def config(monkeypatch, tmp_path, script, **variables):
    """Set TF_CONFIG as `python` finds it at the end of a script."""
    tools = {
        "python": 'printf "%s" "$TF_CONFIG"',
        "scontrol": 'printf "%s\\n" gpu-a gpu-b gpu-c',
    }
    words = ["-c", script, "worker", "--seed=1"]
    done = ended(tmp_path, words, tools, **variables)
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv("TF_CONFIG", done.stdout)


FILES = ("slurm.sh", "kubernetes.yaml")


@pytest.mark.parametrize("place", [0, 2])
def test_slurm(monkeypatch, tmp_path, place):
    text = (CLUSTERS / "slurm.sh").read_text()
    script = re.search(r"worker='\n(.*?)'\n", text, re.DOTALL)[1]
    variables = {"SLURM_JOB_NODELIST": "gpu-[a-c]", "SLURM_PROCID": str(place)}
    config(monkeypatch, tmp_path, script, **variables)
    found = cluster.from_environment()
    assert found.workers == ("gpu-a:2222", "gpu-b:2222", "gpu-c:2222")
    assert found.index == place
    subprocess.run(["bash", "-n", CLUSTERS / "slurm.sh"], check=True)


@pytest.mark.parametrize(
    ("status", "restarts", "again"),
    [(0, 0, False), (2, 0, False), (137, 0, True)]
    + [(75, 0, True), (75, 99, True), (75, 100, False)],
)
def test_slurm_starts_again_what_was_stopped(tmp_path, status, restarts, again):
    asked = tmp_path / "asked"
    tools = {"srun": f"exit {status}", "scontrol": f'echo "$@" > {asked}'}
    variables = {"SLURM_JOB_ID": "17", "SLURM_RESTART_COUNT": str(restarts)}
    variables |= {"DATA_DIR": "data", "WORKDIR": "run"}
    done = ended(tmp_path, [CLUSTERS / "slurm.sh"], tools, **variables)
    assert done.returncode == status
    assert asked.exists() == again
    if again:
        assert asked.read_text() == "requeue 17\n"


def test_kubernetes(monkeypatch, tmp_path):
    text = (CLUSTERS / "kubernetes.yaml").read_text()
    lines = re.search(r"- \|\n(.*?)\n +- worker\n", text, re.DOTALL)[1]
    config(monkeypatch, tmp_path, lines, WORKERS="4", JOB_COMPLETION_INDEX="3")
    found = cluster.from_environment()
    assert found.workers[0] == "elf-keras-0.elf-keras:2222"
    assert (len(found.workers), found.index) == (4, 3)


def test_a_lost_node_counts_nothing_and_wrong_input_ends_the_job():
    """In this order: the first rule that holds decides."""
    text = (CLUSTERS / "kubernetes.yaml").read_text()
    assert "Kubernetes 1.29 and later" in text
    rules = re.search(r"podFailurePolicy:\n    rules:\n(.*?)\n  t", text, re.S)[
        1
    ]
    assert [line.strip(" -") for line in rules.splitlines()] == [
        *("action: Ignore", "onPodConditions:"),
        '{type: DisruptionTarget, status: "True"}',
        *("action: FailJob", "onExitCodes:", "operator: In", "values: [2]"),
    ]
    service, job = text.split("---")
    assert "publishNotReadyAddresses: true" in service
    assert re.search(r"requests:\n +cpu: 32\n +memory: 128Gi\n", job)


@pytest.mark.parametrize("file", FILES)
def test_flags_exist(file):
    from elf_keras.cli import recipe_flags

    recipe_flags.define()
    from absl import flags

    given = re.findall(r"--(\w+)=", (CLUSTERS / file).read_text())
    known = [name for name in given if name in flags.FLAGS]
    assert {"strategy", "batch_size", "learning_rate"} <= {*known}
    scheduler = {"nodes", "signal", "kill", "job"}
    assert {*given} - {*known} <= scheduler | {"flagfile", "recipe"}


def test_both_start_one_recipe():
    named = [
        re.search(r"--(?:flagfile=experiments/|recipe=)([\w/]+)", text)[1]
        for text in ((CLUSTERS / file).read_text() for file in FILES)
    ]
    assert named == ["imagenet_lt/har_ldam_drw"] * 2
    experiments = CLUSTERS.parent / "experiments"
    assert (experiments / f"{named[0]}.flags").is_file()
