"""The documentation as a site: its pages, its links, its size."""

import importlib.util
import subprocess
import sys

import documented
import pytest

README = documented.CHECKOUT / "README.md"


def test_the_readme_is_short():
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    # A picture, the best result: without scrolling.
    first = "\n".join(lines[:30])
    assert "](docs/headline.png)" in first
    assert "<!-- headline: end -->" in first


def test_every_page_is_in_the_navigation():
    listed = (documented.CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8")
    docs = documented.CHECKOUT / "docs"
    for path in docs.rglob("*.md"):
        assert f" {path.relative_to(docs).as_posix()}\n" in listed


@pytest.mark.slow
@pytest.mark.skipif(
    not importlib.util.find_spec("mkdocs"),
    reason="mkdocs is not installed: pip install elf_keras[docs]",
)
def test_the_site_is_built_without_a_warning(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"]
        + ["--site-dir", str(tmp_path / "site")],
        cwd=documented.CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    for name in ("index.html", "tutorials/photos_to_phone/index.html"):
        assert (tmp_path / "site" / name).is_file()
