"""What a signature tells beside the class: names, top k, MACs, policies."""

import dataclasses

import exported
import numpy as np
import pytest

from elf_keras.cli import export_tables
from elf_keras.deploy import endpoints, parity_runs
from elf_keras.deploy.serving import Serving
from elf_keras.errors import InputError
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds

pytestmark = pytest.mark.slow

NAMES = [name.encode() for name in exported.CLASS_NAMES]
POLICY = {"serving_default": "accurate", "static": None}


@pytest.fixture(scope="module")
def costs():
    return multiply_adds.exit_costs(exported.model())


@pytest.fixture(scope="module")
def files():
    """The images as PNG files."""
    return exported.files()


@pytest.mark.parametrize("name", [*exported.POLICIES, *POLICY, "all_exits"])
def test_a_policy_is_asked_by_name_in_pixels_and_in_files(name, costs, files):
    policy = POLICY.get(name, name)
    limits = exported.limits_of(policy, exported.IMAGES)
    spent = costs.with_heads if policy else [costs.backbone] * 3
    for key, given in (("image", exported.images()), ("image_bytes", files)):
        signature = name if key == "image" else f"{name}_bytes"
        found = exported.ask(signature, key, given)
        exits = exported.check(found, exported.scores(), limits)
        macs = [int(spent[number - 1]) for number in exits]
        assert found["macs"].tolist() == macs
        told(found, exported.TEMPERATURES[exits - 1, None])


def told(found, temperatures):
    """Best classes first, by name, with calibrated probabilities."""
    shares = exported.softmax(found["scores"] / temperatures)
    np.testing.assert_allclose(found["probabilities"], shares, atol=1e-5)
    order = np.argsort(-found["scores"], axis=-1, kind="stable")
    np.testing.assert_array_equal(found["top_classes"], order)
    np.testing.assert_array_equal(found["class"], order[:, 0])
    best = np.take_along_axis(found["probabilities"], order, axis=-1)
    np.testing.assert_array_equal(found["top_probabilities"], best)
    names = [[NAMES[place] for place in row] for row in order]
    assert found["top_names"].tolist() == names
    assert found["name"].tolist() == [row[0] for row in names]


def test_policies_differ_in_who_leaves_where():
    left = {
        name: tuple(exported.ask(name, "image", exported.images())["exit"])
        for name in exported.POLICIES
    }
    assert len({*left.values()}) == len(left)


def test_the_default_may_be_the_bare_backbone(costs):
    serving = dataclasses.replace(
        exported.serving(), policies={}, default_policy="static"
    )
    model, count = exported.model(), exported.IMAGES
    answer = endpoints.Endpoints(model, serving).signatures()
    found = exported.call(answer["serving_default"], image=exported.images())
    limits = exported.limits_of("static", count)
    assert {*exported.check(found, exported.scores(), limits)} == {3}
    assert {*found["macs"]} == {costs.backbone}
    row = parity_runs._of_policy(
        *(exported.reference(), serving, "serving_default", found)
    )
    assert row["passed"]


def test_one_signature_that_differs_fails_the_row_of_all_and_is_named():
    reference, serving = exported.reference(), exported.serving()
    rows = []
    for name, change in (("accurate", 0), ("macs_25", 1)):
        found = exported.ask(name, "image", exported.images())
        found["scores"] = found["scores"] + np.float32(change)
        row = parity_runs._of_policy(reference, serving, name, found)
        rows.append(row)
    row = parity_runs._joined("by name", rows)
    assert rows[0]["passed"]
    assert not row["passed"]
    assert row["reason"] == f"macs_25: {rows[1]['reason']}"
    told = export_tables.parity([0.25] * 3, [row]).splitlines()[-1]
    assert told.startswith("FAILED: by name does not answer as the model: mac")
    assert parity_runs._joined("by name", rows[:1])["reason"] is None


def test_of_many_classes_five_are_told_and_ties_go_to_the_first():
    classes = 7
    serving = Serving(np.ones(3), [str(n) for n in range(classes)])
    model = exported.built(classes=classes)
    served = endpoints.Endpoints(model, serving)
    scores = np.zeros((1, classes), "float32")
    scores[0, [4, 2]] = 1.0
    found = served._answer(scores, np.array([2]))
    assert found["top_classes"].numpy().tolist() == [[2, 4, 0, 1, 3]]
    assert found["name"].numpy().tolist() == [b"2"]


@pytest.mark.parametrize(
    "name", ["static", "dynamic", "serving_default", "macs_5_bytes", ""]
)
def test_a_policy_cannot_take_another_signatures_name(name):
    policies = {name: ExitThresholds.of([0.5, 0.5])}
    with pytest.raises(InputError, match="cannot be served: another signature"):
        Serving(np.ones(3), exported.CLASS_NAMES, policies)


def test_a_name_that_is_no_text_is_escaped():
    """As a folder can have it; a graph holds bytes."""
    serving = Serving(np.ones(3), ["a", "b\udcff", "c"])
    model = exported.model()
    blank = np.zeros((1, *model.inputs[0].shape[1:]), "float32")
    told = endpoints.Endpoints(model, serving).static(blank)
    order = np.argsort(told["top_classes"].numpy()[0])
    names = told["top_names"].numpy()[0][order]
    assert names.tolist() == [b"a", b"b\\udcff", b"c"]
