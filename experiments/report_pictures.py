"""Screenshots of a report for the documentation.

python -m experiments.report_pictures runs/har/report/index.html docs/

Needs Chromium and playwright. Writes report_top.png (warnings, findings,
curves) and report_threshold.png (the slider two thirds to the right, which
images leave where, images).
"""

import argparse
import io
import os
import pathlib
import shutil

from PIL import Image
from playwright import sync_api

from elf_keras import runs

_VIEW = {"width": 1180, "height": 1260}
# So that the first curves are in the first picture.
_TOP = {**_VIEW, "height": 1560}
_SCALE, _COLOURS = 0.8, 128


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    options = parser.parse_args()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        page = browser.new_page(viewport=_TOP)
        page.goto(options.page.resolve().as_uri())
        page.wait_for_selector("section.run[data-ready]")
        _save(page.screenshot(), options.output / "report_top.png")
        page.set_viewport_size(_VIEW)
        page.evaluate(
            "() => { const s = document.querySelector('.slider');"
            "s.value = s.max * 0.65;"
            "s.dispatchEvent(new Event('input'));"
            "s.closest('.controls').previousElementSibling.scrollIntoView(); }"
        )
        _save(page.screenshot(), options.output / "report_threshold.png")
        browser.close()


def _save(content, path):
    """Write a picture of few colours, which a text page hardly misses."""
    with Image.open(io.BytesIO(content)) as picture:
        size = [round(_SCALE * side) for side in picture.size]
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    small = small.quantize(_COLOURS)
    with runs.replacing(path) as temporary:
        small.save(temporary, "PNG", optimize=True)


if __name__ == "__main__":
    main()
