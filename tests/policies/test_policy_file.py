"""Policy files that are whole, damaged, or of another model."""

import dataclasses
import json

import pytest

from elf_keras.errors import InputError
from elf_keras.policies import policy_file

RULE = {"kind": "shared", "unit": None, "limit": None}
WHOLE = {
    "format": 1,
    "model": {"exits": 3, "classes": 10, "score_scale": 30.0},
    "guard": {"tolerance": 0.05, "confidence": 0.9},
    "default_policy": "accurate",
    "policies": {
        "accurate": {"rule": RULE, "thresholds": [0.5, None]},
        "macs_50": {"rule": RULE, "thresholds": [0.25, 0.125]},
    },
}


LIKE_IT = policy_file.UsedBy(3, 10, 30.0)


def of_rule(**change):
    policy = {"rule": RULE | change, "thresholds": [0.5, 0.5]}
    return {"policies": {"accurate": policy}}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / policy_file.NAME
    file.write_text(json.dumps(WHOLE))
    return file


def test_thresholds_by_name_and_by_default(path):
    record = policy_file.read(path)
    for name, expected in (("macs_50", [0.25, 0.125]), (None, [0.5, None])):
        found = policy_file.thresholds_of(record, name, LIKE_IT, path=path)
        assert found.to_json() == expected


def test_an_unknown_name_and_another_model(path):
    record = policy_file.read(path)
    with pytest.raises(InputError, match="choose one of accurate, macs_50"):
        policy_file.thresholds_of(record, "macs_5", LIKE_IT, path=path)
    for change, says in (
        ({"exits": 4}, "of 3 exits, this one has 4"),
        ({"classes": 3000}, "of 10 classes, this one has 3000"),
        ({"score_scale": 1.0}, "by 30.0, this one has .* by 1.0"),
    ):
        other = dataclasses.replace(LIKE_IT, **change)
        with pytest.raises(InputError, match=says):
            policy_file.thresholds_of(record, "macs_50", other, path=path)


def test_a_file_of_before_does_not_tell_classes_and_scale(path):
    path.write_text(json.dumps(WHOLE | {"model": {"exits": 3}}))
    record = policy_file.read(path)
    found = policy_file.thresholds_of(record, "macs_50", LIKE_IT, path=path)
    assert found.early.tolist() == [0.25, 0.125]


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"model": {}},
        {"model": None},
        {"policies": {}},
        {"policies": {"accurate": {"rule": RULE, "thresholds": [0.5]}}},
        {"policies": {"accurate": {"rule": RULE, "thresholds": [0.5, 1.0]}}},
        {"policies": {"accurate": {"rule": RULE, "thresholds": ["a", 0.5]}}},
        {"policies": {"accurate": {"thresholds": [0.5, 0.5]}}},
        {"policies": [1]},
        {"guard": {"tolerance": None}},
        {"guard": {"confidence": "0.9"}},
        {"guard": {"tolerance": 2}},
        {"guard": {"resamples": 0.5}},
        {"guard": {"comment": "mine"}},
        {"guard": []},
        of_rule(kind="own"),
        of_rule(unit="s", limit=1),
        of_rule(unit="macs"),
        of_rule(unit="macs", limit="0.5"),
        of_rule(limit=0.5),
        of_rule(comment="mine"),
        {"default_policy": "none"},
    ],
)
def test_a_file_that_is_not_whole(path, change):
    path.write_text(json.dumps(WHOLE | change))
    with pytest.raises(InputError, match="is no policy file of format 1"):
        policy_file.read(path)


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"format": 1', "\0", None])
def test_a_file_of_something_else(path, content):
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    says = "does not exist" if content is None else "policy.json"
    with pytest.raises(InputError, match=says):
        policy_file.read(path)


@pytest.mark.parametrize("chosen_by", [None, "confidence", "entropy"])
@pytest.mark.parametrize("used_by", ["confidence", "entropy", "patience"])
def test_thresholds_of_one_exit_rule_say_nothing_by_another(
    path, chosen_by, used_by
):
    if chosen_by:
        path.write_text(json.dumps(WHOLE | {"exit_rule": chosen_by}))
    record = policy_file.read(path)
    model = dataclasses.replace(LIKE_IT, exit_rule=used_by)
    given = {"model": model, "path": path}
    if used_by == (chosen_by or "confidence"):
        found = policy_file.thresholds_of(record, "macs_50", **given)
        assert found.early[0] == 0.25
        return
    with pytest.raises(InputError, match=f"--exit_rule={used_by}"):
        policy_file.thresholds_of(record, "macs_50", **given)


@pytest.mark.parametrize(
    ("told", "used", "fits"),
    [
        ({}, {}, True),
        ({"answer": "own", "answer_decay": 0.1}, {}, True),
        ({"answer": "running"}, {}, False),
        ({}, {"answer": "running"}, False),
        ({"answer": "running"}, {"answer": "running"}, True),
        (
            {"answer": "running", "answer_decay": 0.25},
            {"answer": "running"},
            False,
        ),
    ],
)
def test_thresholds_of_one_answer_say_nothing_of_another(
    path, told, used, fits
):
    path.write_text(json.dumps(WHOLE | told))
    record = policy_file.read(path)
    given = {"model": dataclasses.replace(LIKE_IT, **used), "path": path}
    if fits:
        found = policy_file.thresholds_of(record, "macs_50", **given)
        assert found.early[0] == 0.25
        return
    of = f"--exit_rule=confidence --answer={used.get('answer', 'own')}"
    asks = f"not apply to {of}.*; leave these flags out, or sweep with them"
    with pytest.raises(InputError, match=asks):
        policy_file.thresholds_of(record, "macs_50", **given)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"exit_rule": "surest"}, "exit rule is 'surest', not one of"),
        ({"answer": "mean"}, "answer is 'mean', not one of own, running"),
        ({"answer_decay": 1.5}, "1.5, not in"),
    ],
)
def test_a_rule_that_no_model_has(path, told, says):
    path.write_text(json.dumps(WHOLE | told))
    with pytest.raises(InputError, match=says):
        policy_file.read(path)


def test_a_rule_of_a_plug_in_asks_for_the_plug_in(path):
    path.write_text(json.dumps(WHOLE | {"exit_rule": "surest"}))
    says = r"cannot be used \(its .*'surest'.*; if .*, add --plugin=MODULE$"
    with pytest.raises(InputError, match=says):
        policy_file.read(path)


def test_the_bare_backbone_is_no_policy_of_a_file_but_may_be_named(path):
    record = policy_file.read(path)
    found = policy_file.thresholds_of(record, "static", LIKE_IT, path=path)
    assert found.to_json() == [None, None]
    path.write_text(json.dumps(WHOLE | {"default_policy": "static"}))
    record = policy_file.read(path)
    found = policy_file.thresholds_of(record, None, LIKE_IT, path=path)
    assert found.to_json() == [None, None]
    policies = {**WHOLE["policies"], "static": WHOLE["policies"]["macs_50"]}
    path.write_text(json.dumps(WHOLE | {"policies": policies}))
    with pytest.raises(InputError, match="static is the backbone's own name"):
        policy_file.read(path)
