"""The demo page, opened in a real browser and read by the tests."""

import contextlib
import dataclasses
import json
import os
import shutil
import threading

import numpy as np
import pytest
from PIL import Image

from elf_keras.demo import __main__ as demo
from elf_keras.deploy import chain_runner

READY = "#controls:not([disabled])"
TOLD = "#problem:not([hidden])"
DONE = "#stop:disabled"
# What a card tells of its answer.
KEYS = ("exit", "index", "certainty", "confidence", "probability", "macs")


@dataclasses.dataclass(frozen=True)
class Opened:
    """A page, and what it logged and asked for until now."""

    page: object
    logged: list
    asked: list


@contextlib.contextmanager
def chromium():
    """The system's Chromium, driven by Playwright, or a skip."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install playwright"
    )
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no browser: install chromium")
    # Chromium's own sandbox refuses to run as root.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


def serving(folder, node_modules=demo.NODE_MODULES):
    return running(demo.open_server(folder, 0, node_modules))


@contextlib.contextmanager
def running(server):
    """A server that answers until the end."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def opened(chromium, url, *, wait=READY, script=None, width=1000):
    """Open a page and wait until it is ready, or tells of a problem."""
    page = chromium.new_page(viewport={"width": width, "height": 800})
    found = Opened(page, [], [])
    page.on("console", lambda line: found.logged.append((line.type, line.text)))
    page.on("pageerror", lambda error: found.logged.append(("error", error)))
    page.on("request", lambda request: found.asked.append(request.url))
    if script:
        page.add_init_script(script)
    page.goto(url)
    page.wait_for_selector(wait, timeout=60_000)
    yield found
    page.close()


def pick(page, path):
    """Give the page a picture, which is drawn first."""
    Image.new("L", (8, 8), 99).save(path)
    page.set_input_files("#files", path)


def run_samples(page, policy, variant="float32"):
    """Answers of the page to the samples, at a policy set by keyboard."""
    page.select_option("#variant", variant)
    page.wait_for_selector(READY)
    page.press("#budget", "Home")
    for _ in range(10):
        if page.inner_text("#policy").startswith(f"{policy}:"):
            break
        page.press("#budget", "ArrowRight")
    assert page.inner_text("#policy").startswith(f"{policy}:")
    page.click("#run")
    page.wait_for_selector(DONE, timeout=60_000)
    cards = page.locator("#answers li").evaluate_all(
        "cards => cards.map(card => ({ ...card.dataset }))"
    )
    return {key: np.array([float(card[key]) for card in cards]) for key in KEYS}


def python_answers(export, policy, variant="float32"):
    """Answers of the Python chain to the samples."""
    runner = chain_runner.ChainRunner(export / "manifest.json", variant=variant)
    answers = [
        runner.predict(image, policy=policy) for image in samples(export)
    ]
    rows = [
        (one.exit, one.class_index, one.certainty, one.confidence)
        + (one.probabilities.max(), one.macs)
        for one in answers
    ]
    return dict(zip(KEYS, np.array(rows).T, strict=True))


def samples(export):
    """Images of an export's sample set, `(images, height, width, channels)`."""
    record = json.loads((export / "manifest.json").read_text())["input"]
    sides = [record[side] for side in ("height", "width", "channels")]
    content = (export / "samples" / "images.bin").read_bytes()
    return np.frombuffer(content, "uint8").reshape(-1, *sides)
