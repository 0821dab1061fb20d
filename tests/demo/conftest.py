"""The page of an export, opened in a real browser."""

import pathlib
import shutil

import made_export
import page_runs
import pytest

from elf_keras.demo import __main__ as demo


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
