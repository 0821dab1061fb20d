"""A report in a real browser: its slider, keyboard, narrow screens, print."""

import json

import made_report
import page_runs
import pytest

from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.reports import leavers, page, score_rows, slider

pytestmark = pytest.mark.slow
READY = "section.run[data-ready]"


@pytest.fixture(scope="module")
def chromium():
    with page_runs.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    return made_report.view(tmp_path_factory.mktemp("made") / "run", exits=4)


@pytest.fixture(scope="module")
def address(view, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    other = made_report.view(folder / "other", exits=1, seed=1)
    page.write(folder / "report", [view, other])
    return (folder / "report" / "index.html").as_uri()


@pytest.fixture
def opened(chromium, address):
    with page_runs.opened(chromium, address, wait=READY) as found:
        found.page.context.set_offline(True)
        yield found


def value(found, key):
    cell = found.page.locator(f'output[data-key="{key}"]').first
    return float(cell.get_attribute("data-value"))


def assert_scores(opened, view, at):
    expected = view.scored.scorer.dynamic(view.seen, at)
    for key in (*score_rows.ACCURACIES, "macs", *score_rows.SAVINGS):
        assert value(opened, key) == pytest.approx(expected[key], abs=1e-9)
    cell = opened.page.locator('output[data-key="accuracy"]').first
    assert cell.inner_text() == f"{100 * expected['accuracy']:.1f}\u00a0%"


def test_arrow_keys_go_through_the_thresholds_of_the_record(opened, view):
    opened.page.focus(".slider")
    opened.page.keyboard.press("Home")
    for s in slider.record(view)["slider"][:8]:
        assert_scores(opened, view, ExitThresholds.shared(s, view.exits))
        opened.page.keyboard.press("ArrowRight")


@pytest.mark.parametrize("s", [0.01, 0.4, 0.55, 0.63, 0.999])
def test_numbers_are_those_of_the_scorer(opened, view, s):
    opened.page.fill("section.run .own", repr(s))
    at = ExitThresholds.shared(s, view.exits)
    assert_scores(opened, view, at)
    cells = opened.page.locator(".composition [data-exit]")
    rows = leavers.composition(view, at)
    assert cells.count() == len(rows) == 12
    for row in rows:
        cell = opened.page.locator(
            f'.composition [data-exit="{row["exit"]}"]'
            f'[data-group="{row["group"]}"]'
        )
        for key in ("share", "accuracy"):
            told = json.loads(cell.get_attribute(f"data-{key}"))
            assert told == pytest.approx(row[key], abs=1e-9)


def test_a_policy_moves_every_exit(opened):
    assert opened.page.locator(".policy").first.is_visible()
    before = opened.page.inner_text("section.run .said")
    opened.page.focus(".slider")
    opened.page.keyboard.press("End")
    assert opened.page.inner_text("section.run .said") != before
    assert value(opened, "saving_with_heads") < 0
    last = opened.page.locator('.gallery .exit[data-exit="4"] img').count()
    assert last == opened.page.locator(".gallery").first.locator("img").count()
    opened.page.keyboard.press("Home")
    first = opened.page.locator('.gallery .exit[data-exit="1"] img').count()
    assert first >= last


def test_no_error_nothing_asked_for_and_no_picture_broken(opened):
    opened.page.focus(".slider")
    for _ in range(5):
        opened.page.keyboard.press("ArrowLeft")
    for button in opened.page.locator(".picker button").all():
        button.click()
    assert [line for kind, line in opened.logged if kind != "log"] == []
    assert all(u.startswith(("file:", "data:")) for u in opened.asked)
    broken = opened.page.eval_on_selector_all(
        "img", "all => all.filter(img => !img.naturalWidth).length"
    )
    assert broken == 0


def test_one_run_at_a_time(opened):
    shown = "section.run:not([hidden])"
    assert opened.page.locator(shown).count() == 1
    opened.page.click('.picker button[data-show="2"]')
    assert opened.page.locator(f"{shown}#run-2").count() == 1
    assert opened.page.locator(shown).count() == 1


def test_keyboard_walks_through_the_gallery(opened):
    image = opened.page.locator(".gallery img").first
    image.focus()
    said = opened.page.locator(".answer").first
    assert said.inner_text() == image.get_attribute("alt")
    opened.page.keyboard.press("ArrowRight")
    second = opened.page.evaluate("document.activeElement.alt")
    assert said.inner_text() == second
    stops = opened.page.locator('.gallery >> nth=0 >> img[tabindex="0"]')
    assert stops.count() == 1


def test_controls_have_names_and_are_not_printed(opened):
    names = {"slider": "Threshold s", "spinbutton": "or type s"}
    names["combobox"] = "or take a policy"
    for role, name in names.items():
        assert opened.page.get_by_role(role, name=name).count() == 1
    text = opened.page.get_attribute(".slider", "aria-valuetext")
    assert text.startswith("s = ")
    # On paper they are left out.
    opened.page.emulate_media(media="print")
    assert not opened.page.locator(".controls").first.is_visible()
    assert opened.page.locator(".chart").first.is_visible()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_sideways_scrolling(chromium, address, width):
    with page_runs.opened(chromium, address, wait=READY, width=width) as found:
        wide = found.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


CUT = """() => [...document.querySelectorAll(
    "h1, h2, h3, h4, h5, li, p, figcaption, summary")]
  .filter((e) => !e.closest(".contents") && e.getClientRects().length)
  .filter((e) => e.scrollWidth > e.clientWidth + 1
    || e.getBoundingClientRect().right > innerWidth)
  .map((e) => e.textContent)"""


def test_no_caption_is_cut_on_a_phone(chromium, address):
    with page_runs.opened(chromium, address, wait=READY, width=390) as found:
        assert found.page.locator(".caption").first.is_visible()
        assert found.page.evaluate(CUT) == []


def test_a_heading_sorts_the_classes(opened):
    opened.page.click("section.run .sortable button >> text=F1")
    cells = opened.page.locator("#run-1 .sortable tbody td:nth-child(7)")
    values = [float(cell.get_attribute("data-value")) for cell in cells.all()]
    assert values == sorted(values)
    opened.page.click("section.run .sortable button >> text=F1")
    first = cells.first.get_attribute("data-value")
    assert float(first) == values[-1] > values[0]


def test_the_contents_open_another_run(opened):
    opened.page.click(".contents a >> text=Run: other")
    assert opened.page.locator("section.run:not([hidden])#run-2").count() == 1
    parts = opened.page.locator(".contents [data-of]:not([hidden])")
    assert [p.get_attribute("data-of") for p in parts.all()] == ["2"]


def test_a_browser_that_cannot_unpack(chromium, address):
    script = "delete globalThis.DecompressionStream"
    with page_runs.opened(
        chromium, address, wait=".stuck:not([hidden])", script=script
    ) as found:
        assert "cannot unpack" in found.page.inner_text(".stuck >> nth=0")
        # What Python wrote stands.
        cell = found.page.locator('output[data-key="accuracy"]').first
        assert cell.inner_text().endswith("%")
