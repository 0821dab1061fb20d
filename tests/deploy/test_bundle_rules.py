"""An export of chains alone that leaves by another rule than its run."""

import json

import command_runs
import old_run
import pytest

from elf_keras.deploy import manifest

pytestmark = pytest.mark.slow

RULE = ("--exit_rule=margin", "--answer=running", "--answer_decay=0.75")


@pytest.fixture(scope="module")
def by_rule(tmp_path_factory):
    """The same run's chains alone, leaving by another rule; and its record."""
    output = tmp_path_factory.mktemp("exports") / "by_rule"
    run = f"--workdir={old_run.finished()}"
    words = (f"--output={output}", f"--formats={old_run.FORMATS}", *RULE)
    words += ("--chain_only",)
    assert "thresholds of margin of running sums (decay 0.75) chosen on" in (
        command_runs.done("export", run, *words).out
    )
    output /= "1"
    return output, json.loads((output / manifest.NAME).read_text())


def test_an_export_by_another_rule_says_so_and_answers_as_the_model(by_rule):
    _, record = by_rule
    told = {key: record[key] for key in ("exit_rule", "answer", "answer_decay")}
    rule = {"exit_rule": "margin", "answer": "running", "answer_decay": 0.75}
    assert (record["format"], told) == (2, rule)
    assert record["score_scale"] == 1
    judged = [row for row in record["parity"] if row["passed"] is not None]
    assert len(judged) == 12
    assert all(row["passed"] for row in judged), judged
    assert min(record["parity_at"]["exit_shares"]) >= 0.05


def test_of_chains_alone_the_stages_are_kept(by_rule):
    """What was measured on the other files stays, so does one asked for."""
    output, record = by_rule
    for name, variant in record["variants"].items():
        files = {path.stem for path in manifest.files(output, name).iterdir()}
        asked = {"single_file"} if name == "float32" else set()
        assert files == {"stage_1", "stage_2"} | asked
        assert variant["static"]["milliseconds"] > 0
        assert not {"exits", "stages_file"} & variant.keys()
    files = [path for path in output.rglob("*") if path.is_file()]
    assert record["checksums"].keys() == {
        path.relative_to(output).as_posix() for path in files
    } - {manifest.NAME}


@pytest.mark.parametrize("variant", ["saved_model", "int8"])
def test_its_policies_are_those_of_its_rule(by_rule, variant):
    """On each variant's own scores, whatever the run's flags say."""
    output, record = by_rule
    held = {"saved_model": record["saved_model"], **record["variants"]}
    words = (f"--export={output}", f"--variant={variant}")
    for name, policy in held[variant]["policies"].items():
        found = old_run.evaluated(*words, f"--policy={name}")["test"]["dynamic"]
        assert found["exit_rule"] == "margin"
        assert found["answer"] == "running"
        assert found["accuracy"] == pytest.approx(policy["accuracy"])
        assert found["macs"] == pytest.approx(policy["macs"])
    says = ["margin of running sums", "add --exit_rule=margin"]
    old_run.refused("evaluate", output, "--exit_rule=confidence", says=says)
    says = ["margin of running sums", "--answer_decay=0.75"]
    old_run.refused("evaluate", output, "--answer_decay=0.25", says=says)
