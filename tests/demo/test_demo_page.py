"""The demo page in a real browser: hosts, keyboard, narrow screens, faults."""

import json

import page_runs
import pytest

pytestmark = pytest.mark.slow


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


def test_what_costs_more_than_the_backbone_is_said_where_it_is_chosen(
    page, export
):
    """In the manifest's words, and static can be taken in its place."""
    record = json.loads((export / "manifest.json").read_text())
    policies = record["variants"]["float32"]["policies"]
    advice = policies["all_exits"]["advice"]
    assert "all_exits at 1" in advice
    assert policies["macs_25"]["advice"] is None
    for policy, said in (("all_exits", True), ("macs_25", False)):
        page_runs.run_samples(page, policy)
        text = page.inner_text("#policy")
        assert text.endswith(f"{advice}.") is said
        assert ("backbone" in text) is said
        assert page.get_attribute("#budget", "aria-valuetext") == text
    found = page_runs.run_samples(page, "static")
    assert {*found["macs"]} == {record["backbone_macs"]}
    assert "the backbone alone" in page.inner_text("#policy")


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
