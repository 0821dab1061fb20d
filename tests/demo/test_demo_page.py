"""The demo page in a real browser: answers, hosts, keyboard, narrow screens."""

import json
import pathlib
import shutil

import made_export
import numpy as np
import page_runs
import pytest
import rules
from PIL import Image

from elf_keras.data import images
from elf_keras.demo import __main__ as demo
from elf_keras.deploy import chain_runner, manifest, measure, parity

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chromium():
    if not (demo.NODE_MODULES / demo.RUNTIME).is_file():
        pytest.skip("no LiteRT.js: run `make page`")
    with page_runs.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return made_export.write(tmp_path_factory.mktemp("export"))


@pytest.fixture
def copy(export, tmp_path):
    """A copy of the export that a test may damage."""
    return pathlib.Path(shutil.copytree(export, tmp_path / "export"))


@pytest.fixture(scope="module")
def server(export):
    with page_runs.serving(export) as server:
        yield server


@pytest.fixture
def demo_page(chromium, server):
    with page_runs.opened(chromium, server.url) as found:
        yield found


@pytest.fixture
def page(demo_page):
    return demo_page.page


@pytest.mark.parametrize("policy", ["accurate", "macs_25", "all_exits"])
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
    folder = demo.PAGE.parents[2] / "savedmodels" / "digits_lt"
    with (
        page_runs.serving(folder) as server,
        page_runs.opened(chromium, server.url) as found,
    ):
        answers = page_runs.run_samples(found.page, "macs_50")
    same(answers, page_runs.python_answers(folder, "macs_50"))


# The first picture is decoded only when it is told to.
SLOW = """() => {
  const decode = window.createImageBitmap;
  let calls = 0;
  window.createImageBitmap = async (...given) => {
    if (++calls > 1) return decode(...given);
    await new Promise((go) => (window.letGo = go));
    // Whatever follows from it has happened a moment later.
    window.ended = new Promise((done) => setTimeout(done, 300));
    return decode(...given);
  };
}"""


def test_an_older_choice_does_not_overtake_a_newer(page, tmp_path):
    page.evaluate(SLOW)
    page_runs.pick(page, tmp_path / "old.png")
    page_runs.pick(page, tmp_path / "new.png")
    page.wait_for_selector("#answers li")
    page.evaluate("window.letGo()")
    page.evaluate("() => window.ended")
    text = page.inner_text("#answers")
    assert "new.png" in text
    assert "old.png" not in text


def test_the_same_file_can_be_picked_again(page, tmp_path):
    for _ in range(2):
        page_runs.pick(page, tmp_path / "one.png")
        page.wait_for_selector("#answers li")
        assert page.input_value("#files") == ""


def test_without_samples_pictures_can_still_be_picked(chromium, copy, tmp_path):
    with page_runs.serving(copy) as server:
        (copy / "samples" / "images.bin").write_bytes(b"cut")
        with page_runs.opened(chromium, server.url) as found:
            assert found.page.inner_text("#problem")
            page_runs.pick(found.page, tmp_path / "one.png")
            found.page.wait_for_selector("#answers li")


def test_no_error_and_no_other_host(demo_page, server):
    page_runs.run_samples(demo_page.page, "accurate")
    page_runs.run_samples(demo_page.page, "accurate", "int8")
    assert [line for kind, line in demo_page.logged if kind == "error"] == []
    assert [u for u in demo_page.asked if not u.startswith(server.url)] == []


def test_the_keyboard_reaches_every_control(page):
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        style = "getComputedStyle(document.activeElement)"
        outline = page.evaluate(f"{style}.outlineStyle")
        assert outline == "solid" or not reached[-1]
    wanted = {"files", "run", "budget", "threshold", "variant", "answers"}
    assert wanted <= set(reached)


def test_every_control_has_a_name_for_a_screen_reader(page):
    assert page.get_by_label("Pick pictures").get_attribute("type") == "file"
    for role, name in (
        ("slider", "Policy, from few"),
        ("slider", "Own threshold"),
        ("combobox", "Number format"),
        ("button", "Run the"),
        ("img", "Accuracy in per cent"),
        ("status", ""),
    ):
        assert page.get_by_role(role, name=name).count() == 1
    policy = page.inner_text("#policy")
    assert page.get_attribute("#budget", "aria-valuetext") == policy


def test_the_sliders_move_budget_and_plot(page):
    page_runs.run_samples(page, "all_exits")
    dear = page.inner_text("#summary")
    assert page.locator("#plot svg[role=img] path.run").count() == 1
    page.press("#threshold", "Home")
    page.wait_for_selector(page_runs.DONE)
    assert "of your own" in page.inner_text("#policy")
    cards = page.locator("#answers li").all()
    assert {card.get_attribute("data-exit") for card in cards} == {"1"}
    assert page.inner_text("#summary") != dear
    assert page.locator("#plot svg[role=img] path.run").count() == 2
    rows = page.locator("#points tbody tr")
    assert rows.count() == page.locator("#plot svg[role=img] path").count()


def test_a_narrow_screen_needs_no_sideways_scrolling(chromium, server):
    with page_runs.opened(chromium, server.url, width=360) as found:
        page_runs.run_samples(found.page, "accurate")
        width = found.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360


def test_no_web_assembly(chromium, server):
    script = "delete globalThis.WebAssembly"
    with page_runs.opened(
        chromium, server.url, wait=page_runs.TOLD, script=script
    ) as found:
        assert "no WebAssembly" in found.page.inner_text("#problem")
        assert found.page.is_disabled("#files")


def test_no_runtime(chromium, export, tmp_path):
    with (
        page_runs.serving(export, tmp_path) as server,
        page_runs.opened(chromium, server.url, wait=page_runs.TOLD) as found,
    ):
        assert "make page" in found.page.inner_text("#problem")


def test_no_picture(page, tmp_path):
    path = tmp_path / "letter.png"
    path.write_text("no picture")
    page.set_input_files("#files", path)
    page.wait_for_selector(page_runs.TOLD)
    assert "letter.png is no picture" in page.inner_text("#problem")
    assert len(page_runs.run_samples(page, "accurate")["exit"]) > 20


def test_a_server_that_is_gone(chromium, export):
    with (
        page_runs.serving(export) as server,
        page_runs.opened(chromium, server.url) as found,
    ):
        server.shutdown()
        server.server_close()
        page = found.page
        page.select_option("#variant", "int8")
        page.wait_for_selector(page_runs.TOLD)
        assert "does not answer" in page.inner_text("#problem")
        assert page.input_value("#variant") == "float32"


def test_a_stage_that_changes_meanwhile(chromium, copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    file = manifest["variants"]["float32"]["stages"][0]["file"]
    with page_runs.serving(copy) as server:
        (copy / file).write_bytes(b"swapped")
        with page_runs.opened(
            chromium, server.url, wait=page_runs.TOLD
        ) as found:
            assert f"{file} has changed" in found.page.inner_text("#problem")
