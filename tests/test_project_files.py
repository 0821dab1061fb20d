"""Files for people who cite, change or install the project agree with it."""

import re

import pytest
from lock_file import CHECKOUT, EXTRAS, PROJECT

import elf_keras


def test_both_papers_can_be_cited():
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text())
    assert cited["title"] == PROJECT["name"]
    assert cited["license"] == PROJECT["license"]
    assert {"cff-version", "message", "authors"} <= set(cited)
    # The package alone says what version it is.
    assert "version" not in cited
    papers = {
        work["title"].partition(":")[0]: (work["year"], work["authors"])
        for work in cited["references"]
    }
    assert {name: year for name, (year, _) in papers.items()} == {
        "ELF": 2020,
        "HAR": 2021,
    }
    for _, authors in papers.values():
        names = [author["family-names"] for author in authors]
        assert names == ["Duggal", "Freitas", "Dhamnani", "Chau", "Sun"]
    places = {
        work.get("url", f"https://doi.org/{work.get('doi')}")
        for work in cited["references"]
    }
    assert set(PROJECT["urls"].values()) == places


def test_the_changelog_begins_with_this_version():
    text = (CHECKOUT / "CHANGELOG.md").read_text()
    first = re.search(r"^## (\S+)", text, re.M)[1]
    assert first == elf_keras.__version__


def test_the_command_that_pins_names_every_extra():
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    command = re.search(r"^uv pip compile (.*?)\n```", text, re.S | re.M)[1]
    named = re.findall(r"--extra (\w+)", command)
    assert sorted(named) == EXTRAS


def test_every_extra_is_explained():
    """And no other is."""
    page = (CHECKOUT / "docs" / "how-to" / "install.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.M) == [
        *PROJECT["optional-dependencies"]
    ]
