"""What a sweep chose is what an export ships: policies by name, and the guard.

The model is made so that choosing without the guard costs the rare class much:
exit 1 tells the other two classes apart better than exit 2, and half of the
rare one's images are wrong there.
"""

import importlib.util
import json

import command_runs
import made_run
import numpy as np
import pytest
import tiny

from elf_keras import choices, runs
from elf_keras.data import long_tail
from elf_keras.evaluation import answers
from elf_keras.evaluation.scorer import Scorer
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.policies import policy_rules, selection

GUARD = policy_rules.Guard()
# Brightness of classes is 24, 114 and 204, each ± 7.
BOUNDARIES = {"exit_1": (69, 209), "exit_2": (24, 197)}
ONNX = [importlib.util.find_spec(name) for name in ("onnxruntime", "tf2onnx")]
FORMATS = [
    name
    for name in choices.EXPORT_FORMATS
    if all(ONNX) or name not in choices.ONNX_VARIANTS
]


def made():
    """Exits that see the mean brightness, each with its own boundaries."""
    model = tiny.model()
    mean, same = np.full((4, 5), 0.25), np.eye(5)
    model.get_layer("hidden").set_weights([mean, np.zeros(5)])
    model.get_layer("deep").set_weights([same, np.zeros(5)])
    for name, boundaries in BOUNDARIES.items():
        low, high = np.array(boundaries) / 255
        kernel = np.tile([0, 8.0, 16.0], (5, 1))
        bias = -40 * np.array([0, low, low + high])
        model.get_layer(name).set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The folder of a run that was swept and exported by no flags, and both."""
    place = tmp_path_factory.mktemp("ships")
    with pytest.MonkeyPatch.context() as patch:
        give(patch)
        folder = made_run.folder(place / "run", model=made())
        ended, policy = command_runs.swept(folder)
        words = (f"--workdir={folder}", f"--output={place / 'name'}")
        exported = command_runs.done(
            "export", *words, f"--formats={','.join(FORMATS)}"
        )
    record = runs.read_json(place / "name" / "1" / "manifest.json")
    return folder, policy, record, ended, exported


def give(patch):
    parts = {
        "validation": tiny.examples((200, 200, 100), seed=4),
        "test": tiny.examples((40, 40, 40), seed=5),
    }
    made_run.give(patch, **parts)
    return parts


def test_without_the_guard_the_rare_class_would_pay():
    """Else the tests below would say nothing."""
    model = made()
    part = tiny.examples((200, 200, 100), seed=4)
    scorer = Scorer(
        3,
        long_tail.shot_groups(np.array([200, 50, 9])),
        multiply_adds.exit_costs(model),
        ExitThresholds.shared(0.5, 2),
    )
    found = answers.collect(model, part)
    rules = policy_rules.by_default(0).rules
    plan = policy_rules.PolicyPlan(rules)
    free = selection.choose(found, scorer, plan)[0]
    few = [
        scorer.dynamic(found, free[name].thresholds)["few"]
        for name in ("all_exits", "accurate")
    ]
    assert few[0] - few[1] > 0.5


@pytest.mark.slow
def test_names_obey_the_rules_of_the_sweep(shipped):
    folder, policy, record, _, exported = shipped
    assert f"policies: those of {folder / 'policy.json'}" in exported.err
    assert record["guard"] == policy["guard"]
    assert record["default_policy"] == policy["default_policy"]
    held = {"saved_model": record["saved_model"], **record["variants"]}
    assert {*held, "single_file"} == {*FORMATS}
    for found in held.values():
        assert found["policies"].keys() == policy["policies"].keys()
        for name, at in found["policies"].items():
            assert at["rule"] == policy["policies"][name]["rule"]
            assert at["guard_kept"] is policy["policies"][name]["guard_kept"]
    # The model's own scores in float32: the very policy that was chosen.
    served = record["saved_model"]["policies"]
    for name, at in policy["policies"].items():
        for key in ("accuracy", "macs", "few"):
            assert served[name][key] == pytest.approx(at["test"][key]), name


@pytest.mark.slow
def test_no_variant_costs_a_shot_group_more_than_the_guard_allows(
    shipped, monkeypatch
):
    folder, _, record, _, _ = shipped
    give(monkeypatch)
    for variant in ("saved_model", *record["variants"]):
        words = (
            f"--export={folder.parent / 'name'}",
            f"--variant={variant}",
            "--split=validation",
        )
        by_name = {
            name: command_runs.evaluated(folder, *words, f"--policy={name}")[0][
                "validation"
            ]
            for name in ("all_exits", "accurate")
        }
        every, accurate = (at["dynamic"] for at in by_name.values())
        assert accurate["exit_shares"][0] > 0.5
        assert accurate["accuracy"] >= every["accuracy"] - 1e-9
        for group in ("many", "medium", "few"):
            lost = every[group] - accurate[group]
            assert lost <= GUARD.tolerance, (variant, group)


@pytest.mark.slow
def test_what_costs_more_than_the_backbone_is_said_everywhere(
    shipped, monkeypatch, tmp_path
):
    """All exits cost 75 where the backbone alone costs 60."""
    folder, _, record, swept, exported = shipped
    give(monkeypatch)
    told = "all_exits at 125.0 % of its MACs ("
    for text in (swept.out, exported.out):
        assert told in text
        assert "use static, the backbone alone (" in text
    advice = record["variants"]["int8"]["policies"]["all_exits"]["advice"]
    assert told in advice
    assert record["variants"]["int8"]["policies"]["accurate"]["advice"] is None
    command_runs.draw(tmp_path / "a.png")
    run = f"--workdir={folder}"
    export = (f"--export={folder.parent / 'name'}", "--variant=int8")
    for words in ((run,), export):
        more = ("--policy=all_exits", tmp_path / "a.png")
        assert told in command_runs.done("predict", *words, *more).err
    assert told in command_runs.evaluated(folder, "--policy=all_exits")[1]


@pytest.mark.slow
def test_predict_asks_every_variant_and_all_agree(shipped, tmp_path):
    folder, _, record, _, _ = shipped
    command_runs.draw(tmp_path / "a.png", 150)
    words = [f"--export={folder.parent / 'name'}", tmp_path / "a.png"]
    for variant in ("saved_model", *record["variants"]):
        ended = command_runs.done("predict", *words, f"--variant={variant}")
        row = json.loads(ended.out)
        named = json.loads(
            command_runs.done(
                "predict",
                f"--workdir={folder}",
                "--policy=accurate",
                tmp_path / "a.png",
            ).out
        )
        assert (row["class"], row["exit"]) == (named["class"], named["exit"])
        near = pytest.approx(named["probability"], abs=0.02)
        assert row["probability"] == near
        more = (f"--variant={variant}", "--policy=static")
        row = json.loads(command_runs.done("predict", *words, *more).out)
        assert (row["exit"], row["share_of_backbone"]) == (2, 1)
