"""One export of a run: what it holds, and its artefacts scored as the run."""

import json
import pathlib
import shutil

import command_runs
import old_run
import pytest

from elf_keras.deploy import chain_runner, manifest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Folder of the one version, and how the command ended."""
    output = tmp_path_factory.mktemp("exports") / "savedmodels" / "digits"
    ended = command_runs.done(
        "export",
        f"--workdir={old_run.finished()}",
        f"--output={output}",
        f"--formats={old_run.FORMATS}",
    )
    return output / "1", ended


@pytest.fixture(scope="module")
def export(exported):
    return exported[0]


@pytest.fixture(scope="module")
def record(export):
    return json.loads((export / manifest.NAME).read_text())


def test_files_parity_and_tables(exported, record):
    output, ended = exported
    files = {
        path.relative_to(output).as_posix()
        for path in output.rglob("*")
        if path.is_file()
    }
    assert set(record["checksums"]) == files - {manifest.NAME}
    assert list(output.parent.iterdir()) == [output]
    assert {"saved_model.pb", "variables", "assets.extra"} <= {
        path.name for path in output.iterdir()
    }
    assert f"written to {output}" in ended.out + ended.err
    rows = {row["artefact"]: row for row in record["parity"]}
    judged = [row for row in rows.values() if row["passed"] is not None]
    assert len(judged) == 12
    for row in judged:
        assert row["passed"], row
    assert not rows["tflite int8 chain"]["passed"]
    assert "tflite float32 chain" in ended.out
    assert "float32, int8, onnx, onnx_int8 timed\n" in ended.err
    assert "onnx_int8 scored\n" in ended.err
    assert record["labels"] in files
    assert min(record["parity_at"]["exit_shares"]) >= 0.05
    runner = chain_runner.ChainRunner(output / manifest.NAME, variant="int8")
    assert len(runner.thresholds("accurate")) == 2


def test_variants(record):
    assert {key: at["runtime"] for key, at in record["variants"].items()} == {
        **dict.fromkeys(("float32", "int8"), "litert"),
        **dict.fromkeys(("onnx", "onnx_int8"), "onnxruntime"),
    }
    for variant in record["variants"].values():
        assert len(variant["stages"]) == len(variant["exits"]) == 2
        for stage in variant["stages"]:
            assert stage["milliseconds"] > 0
        for policy in variant["policies"].values():
            assert sum(policy["exit_shares"]) == pytest.approx(1)
            assert policy["saving"] == pytest.approx(
                1 - policy["macs"] / record["backbone_macs"]
            )
        static = variant["static"]["accuracy"]
        assert variant["policies"]["all_exits"]["accuracy"] == static


def test_whether_exits_pay_is_asked_of_the_default_policy(record):
    for variant in record["variants"].values():
        policy = variant["policies"][record["default_policy"]]
        stages, alone = (
            [at["milliseconds"] for at in variant[kind]]
            for kind in ("stages", "exits")
        )
        heads = manifest.head_milliseconds(stages, alone)
        expected = manifest.payback(policy["exit_shares"], stages, heads)
        assert variant["warnings"] == expected


@pytest.mark.slow
def test_a_float32_artefact_scores_as_the_run(export, record):
    words = (f"--exit_threshold={record['parity_at']['thresholds'][0]}",)
    own = old_run.evaluated(*words)["test"]
    assert 0 < own["dynamic"]["exit_shares"][0] < 1
    for variant in ("saved_model", "float32", "onnx"):
        found = old_run.evaluated(
            f"--export={export}", f"--variant={variant}", *words
        )
        for mode in ("static", "dynamic"):
            for score in ("accuracy", "top1", "macs"):
                # No image of the few may lie within rounding of a tie.
                expected = pytest.approx(own[mode][score])
                assert found["test"][mode][score] == expected


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["saved_model", "int8", "onnx_int8"])
def test_policies_score_as_the_manifest_says_and_keep_their_word(
    export, record, variant
):
    """On the scores that chose them: this variant's, on validation."""
    held = {"saved_model": record["saved_model"], **record["variants"]}
    words, found = (f"--export={export}", f"--variant={variant}"), {}
    assert {"all_exits", "macs_75", "macs_25"} <= set(held[variant]["policies"])
    for name, policy in held[variant]["policies"].items():
        found[name] = old_run.evaluated(*words, f"--policy={name}")
        dynamic = found[name]["test"]["dynamic"]
        assert dynamic["accuracy"] == pytest.approx(policy["accuracy"])
        assert dynamic["macs"] == pytest.approx(policy["macs"])
    accurate = found["accurate"]["validation"]
    assert accurate["dynamic"]["accuracy"] >= accurate["static"]["accuracy"]
    spent = found["macs_50"]["validation"]["dynamic"]["macs"]
    assert spent <= record["backbone_macs"] / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--variant=float16"], ["no 'float16'", "int8"]),
        (["--policy=macs_3"], ["macs_3", "all_exits"]),
        (["--exit_rule=entropy"], ["--exit_rule=confidence"]),
        (["--answer=running"], ["leaves by confidence", "--answer=own"]),
        (["--policy=accurate", "--policy_file=a.json"], ["leave it out"]),
    ],
)
def test_words_that_do_not_fit(export, words, says):
    old_run.refused("evaluate", export, *words, says=says)


def swapped(folder):
    stages = [folder / f"tflite/float32/stage_{k}.tflite" for k in (1, 2)]
    first, second = (stage.read_bytes() for stage in stages)
    stages[0].write_bytes(second)
    stages[1].write_bytes(first)


def cut(folder):
    path = folder / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:-1])


def changed(folder, change):
    path = folder / manifest.NAME
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def unlisted(folder):
    name = "saved_model.pb"
    changed(folder, lambda record: record["checksums"].pop(name))


def of_others(folder):
    changed(folder, lambda record: record["class_names"].__setitem__(0, "cat"))


def of_no_rule(folder):
    changed(folder, lambda record: record.update(exit_rule="surest"))


def of_the_future(folder):
    changed(folder, lambda record: record.update(format=3))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "variant", "says"),
    [
        (of_no_rule, "float32", "its exit rule is 'surest'"),
        (of_the_future, "saved_model", "its format is 3"),
        (swapped, "float32", "swapped"),
        (cut, "saved_model", "saved_model.pb is cut"),
        (unlisted, "saved_model", "saved_model.pb"),
        (of_others, "float32", "name an export of this run"),
        (shutil.rmtree, "float32", "does not exist"),
    ],
)
def test_an_export_that_cannot_be_used(export, tmp_path, damage, variant, says):
    folder = pathlib.Path(shutil.copytree(export, tmp_path / "export/1"))
    damage(folder)
    for named in (folder, folder.parent):
        old_run.refused("evaluate", named, f"--variant={variant}", says=[says])
