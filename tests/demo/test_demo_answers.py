"""The demo page in a real browser: it answers as Python does."""

import json

import numpy as np
import page_runs
import pytest
import rules
from PIL import Image

from elf_keras.data import images
from elf_keras.demo import __main__ as demo
from elf_keras.deploy import chain_runner, manifest, measure, parity

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "policy", ["accurate", "macs_25", "all_exits", "static"]
)
def test_answers_are_those_of_the_python_chain(page, export, policy):
    found = page_runs.run_samples(page, policy)
    assert len(found["exit"]) > 20
    same(found, page_runs.python_answers(export, policy))
    exits = len(set(found["exit"]))
    assert exits == (3 if policy == "accurate" else 1)


def same(found, expected):
    for key in ("exit", "index", "macs"):
        np.testing.assert_array_equal(found[key], expected[key])
    for key in ("certainty", "confidence", "probability"):
        np.testing.assert_allclose(found[key], expected[key], atol=1e-5)


def leave_by(folder, rule):
    """Make a folder the export of a rule, and `accurate` leave everywhere."""
    path = folder / "manifest.json"
    record = json.loads(path.read_text()) | manifest.leaving(rule)
    stages = chain_runner.ChainRunner(path).stages
    own = measure.chain_logits(stages, page_runs.samples(folder))
    policy = record["variants"]["float32"]["policies"]["accurate"]
    policy["thresholds"] = parity.spread(own, rule).to_json()
    path.write_text(json.dumps(record))


# Running sums; own scores are what all other tests here ask for.
@pytest.mark.parametrize("rule", rules.ALL[1::2], ids=rules.NAMES[1::2])
def test_pictures_leave_by_the_rule_of_the_manifest(chromium, copy, rule):
    leave_by(copy, rule)
    with (
        page_runs.serving(copy) as server,
        page_runs.opened(chromium, server.url) as found,
    ):
        answers = page_runs.run_samples(found.page, "accurate")
        words = found.page.inner_text("#measure")
        assert f"when the {words} is above" in found.page.inner_text("#policy")
        assert words in found.page.inner_text("#answers li >> nth=0")
    same(answers, page_runs.python_answers(copy, "accurate"))
    assert len(set(answers["exit"])) > 1


def test_int8_answers_are_close_to_the_python_chains(page, export):
    found = page_runs.run_samples(page, "all_exits", "int8")
    expected = page_runs.python_answers(export, "all_exits", "int8")
    # Integer kernels differ between processors by a step of a score.
    np.testing.assert_allclose(
        found["confidence"], expected["confidence"], atol=0.05
    )
    assert (found["index"] == expected["index"]).mean() > 0.9


def test_a_picture_is_read_as_python_reads_it(page, export, tmp_path):
    pixels = np.random.default_rng(3).integers(0, 256, (33, 47, 3), "uint8")
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    page.set_input_files("#files", path)
    page.wait_for_selector("#answers li")
    card = page.locator("#answers li").first
    runner = chain_runner.ChainRunner(export / "manifest.json")
    height, _, channels = runner.image_shape
    answer = runner.predict(images.read(path, height, channels=channels))
    assert int(card.get_attribute("data-exit")) == answer.exit
    assert float(card.get_attribute("data-confidence")) == pytest.approx(
        answer.confidence, abs=1e-5
    )
    told = page.inner_text("#status")
    assert f"{answer.class_name}, at exit {answer.exit} of" in told


def test_the_committed_export_answers_as_in_python(chromium):
    folder = demo.PAGE.parents[2] / "savedmodels" / "digits_lt" / "1"
    with (
        page_runs.serving(folder) as server,
        page_runs.opened(chromium, server.url) as found,
    ):
        answers = page_runs.run_samples(found.page, "macs_50")
    same(answers, page_runs.python_answers(folder, "macs_50"))
