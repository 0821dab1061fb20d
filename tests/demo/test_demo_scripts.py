"""The page's rule and its pixels, in Node, against NumPy and Pillow."""

import json
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import rules
from PIL import Image

from elf_keras.data import images
from elf_keras.demo import __main__ as demo
from elf_keras.deploy import manifest
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import AnswerRule


def run_node(*words, given=None) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node: install it to test the page's scripts")
    ended = subprocess.run(
        [node, *words],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=demo.PAGE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def answers(script: str, given) -> list:
    """What a module's expression says for JSON on standard input."""
    code = (
        'import { readFileSync } from "node:fs";\n'
        "const given = JSON.parse(readFileSync(0));\n"
        "const say = (value) => console.log(JSON.stringify(value));\n"
    )
    words = ("--input-type=module", "-e", code + script)
    return json.loads(run_node(*words, given=given))


@pytest.mark.slow
def test_every_script_is_well_formed():
    for path in demo.PAGE.glob("*.js"):
        run_node("--check", path)


def test_a_threshold_below_1_is_not_written_as_1():
    found = answers(
        'import { limit } from "./elements.js";\nsay(given.map(limit));',
        [0.5, 0.9998, 0.9999999, 1],
    )
    assert found == ["0.500", "0.9998", "0.9999999", "1.000"]


def test_confidence_is_the_exit_rules():
    random = np.random.default_rng(0)
    scores = random.normal(0, 4, size=(300, 10)).astype("float32")
    found = answers(
        'import { confidence } from "./exit_rule.js";\n'
        "say(given.map((scores) => confidence(scores)));",
        scores.tolist(),
    )
    expected = exit_rule.confidence(scores)
    np.testing.assert_allclose(found, expected, rtol=3e-7)
    np.testing.assert_array_equal(np.float32(found), found)


@pytest.mark.parametrize("classes", [1000, 8142])
def test_small_terms_of_many_classes_count(classes):
    """Added to a sum of 1 one by one, e^-17 is lost in float32."""
    random = np.random.default_rng(0)
    scores = np.full((2, classes), -17, "float32")
    scores[:, 0] = 0
    scores[1, 1:] += random.normal(0, 1, classes - 1)
    one = {"exit_rule": "confidence"}, {"exit_rule": "entropy"}
    given = [
        {"manifest": each, "images": scores[:, None].tolist()} for each in one
    ]
    for found, each in zip(answers(ASK_ALL, given), one, strict=True):
        sure = AnswerRule(**each).certainty(scores[:, None].astype("float64"))
        found = np.array(found)[:, 0, 0]
        np.testing.assert_allclose(found, sure[:, 0], rtol=0, atol=1e-6)


ASK_ALL = """
import { ExitRule } from "./certainty.js";
say(given.map(({ manifest, images }) => {
  const rule = new ExitRule(manifest);
  return images.map((exits) => {
    const ask = rule.begin();
    return exits.map(ask).map((at) => [at.certainty, ...at.scores]);
  });
}));
"""


def test_every_rule_and_answer_is_that_of_the_python_side():
    random = np.random.default_rng(0)
    scores = random.normal(0, 3, size=(100, 5, 7)).astype("float32")
    # Ties, and an exit that is as sure as can be.
    scores[0], scores[1, 2, 1] = 0, 300
    manifests = [manifest.leaving(rule) for rule in rules.ALL]
    given = [{"manifest": one, "images": scores.tolist()} for one in manifests]
    for found, rule in zip(answers(ASK_ALL, given), rules.ALL, strict=True):
        found, answered = np.array(found), rule.answered(scores)
        np.testing.assert_array_equal(found[..., 1:], answered)
        sure = rule.certainty(answered)
        np.testing.assert_allclose(found[..., 0], sure, rtol=0, atol=3e-7)
        np.testing.assert_array_equal(np.float32(found[..., 0]), found[..., 0])


def test_a_manifest_of_before_leaves_by_confidence():
    scores = [[1.0, 2.0], [3.0, 1.0]]
    given = [{"manifest": {}, "images": [scores]}]
    (((first, second),),) = answers(ASK_ALL, given)
    expected = exit_rule.confidence(np.float32(scores))
    np.testing.assert_allclose([first[0], second[0]], expected, rtol=3e-7)
    assert [first[1:], second[1:]] == scores


def test_a_rule_that_the_page_does_not_know_is_a_sentence():
    found = answers(
        'import { ExitRule } from "./certainty.js";\n'
        'import { sentence } from "./problem.js";\n'
        "say(given.map((manifest) => {\n"
        "  try { return new ExitRule(manifest).words; }\n"
        "  catch (error) { return sentence(error); }\n"
        "}));",
        [{"exit_rule": "surest"}, {"answer": "mean"}, {"exit_rule": "margin"}],
    )
    assert "“surest” of “own” scores, which this page" in found[0]
    assert "“confidence” of “mean” scores" in found[1]
    assert found[2] == "lead of the best class"


def test_who_leaves():
    found = answers(
        'import { largest, leaves } from "./exit_rule.js";\n'
        "say([leaves(...given[0]), leaves(...given[1]), leaves(...given[2]),"
        "leaves(...given[3]), largest([1, 5, 5])]);",
        # A threshold of 0.7 means float32's 0.7, which is not above itself.
        [[0.8, 0.7], [float(np.float32(0.7)), 0.7], [1.0, None], [0.6, 0.7]],
    )
    assert found == [True, False, False, False, 1]


def test_calibration_divides_the_scores():
    found = answers(
        'import { calibrated } from "./exit_rule.js";\n'
        "say([calibrated(given, 1, 1), calibrated(given, 2, 1)]);",
        [0.0, 2 * np.log(3.0)],
    )
    np.testing.assert_allclose(found, [9 / 10, 3 / 4])


def test_quantized_numbers_round_half_to_even_and_stay_in_range():
    found = answers(
        'import * as numbers from "./numbers.js";\n'
        'const tensor = { dtype: "int8", scale: 2, zero_point: -3 };\n'
        "const stored = numbers.stored(given, tensor);\n"
        "say([[...stored], [...numbers.real(stored, tensor)]]);",
        [0, 1, 3, 5, -1, 999, -999, 4.2],
    )
    stored = [-3, -3, -1, -1, -3, 127, -128, -1]
    assert found[0] == stored
    assert found[1] == [2 * (value + 3) for value in stored]


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [(40, 31), (31, 40), (9, 9), (5, 7), (8, 8), (12, 20), (20, 36)]
)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kept", [1, 0.875])
def test_pixels_are_those_of_the_python_side(tmp_path, size, channels, kept):
    random = np.random.default_rng(sum(size))
    pixels = random.integers(0, 256, size=(*size, 3)).astype("uint8")
    path = pathlib.Path(tmp_path, "photo.png")
    Image.fromarray(pixels).save(path)
    found = answers(
        'import { centreSquare, grey } from "./resample.js";\n'
        "const pixels = Uint8Array.from(given.pixels);\n"
        "const one = given.channels === 1;\n"
        "say([...centreSquare(one ? grey(pixels) : pixels, given,"
        "{ width: 8, height: 8, kept: given.kept })]);",
        {
            "pixels": pixels.ravel().tolist(),
            "kept": kept,
            **{"height": size[0], "width": size[1], "channels": channels},
        },
    )
    expected = images.read(path, 8, channels=channels, kept=kept)
    np.testing.assert_array_equal(found, expected.ravel())
