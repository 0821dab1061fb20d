"""requirements.lock fits pyproject.toml, for every Python that it promises."""

import re
import shutil
import subprocess

import pytest
from lock_file import CHECKOUT, EXTRAS, PINNED, PROJECT, environment, locked
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
# The lock knows a package that 3.11.5 has another version of.
PATCHES = ("3.10.0", "3.11.0", "3.11.5", "3.12.0", "3.13.0")


def test_every_python_that_is_promised_is_tested():
    promised = SpecifierSet(PROJECT["requires-python"])
    minors = [f"3.{minor}" for minor in range(8, 20)]
    assert [v for v in minors if f"{v}.5" in promised] == [*PYTHONS]
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"]]
    assert [name for name in named if name.startswith("3.")] == [*PYTHONS]


@pytest.mark.parametrize("python", PATCHES)
def test_what_is_required_is_locked(python):
    """Of the package and of every extra but those of a GPU."""
    found = locked(python)
    extras = [PROJECT["optional-dependencies"][name] for name in EXTRAS]
    for words in (PROJECT["dependencies"], *extras):
        for word in words:
            wanted = Requirement(word)
            marker = wanted.marker
            if marker and not marker.evaluate(environment(python)):
                continue
            assert found[wanted.name.lower()] in wanted.specifier, word


def test_every_locked_file_has_a_hash():
    text = (CHECKOUT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", text.replace("\\\n", " ").strip())
    assert len(entries) == len(PINNED.findall(text))
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.slow
def test_a_resolver_takes_the_lock(tmp_path):
    """All that is required, no more, and nothing that contradicts another.

    The lock's versions are given, and what the packages require of each other
    is asked of the index: the answer must be the lock, package by package.
    """
    if shutil.which("uv") is None:
        pytest.skip("no uv here: it comes with the extra dev")
    children = {python: resolving(python, tmp_path) for python in PATCHES}
    for python, child in children.items():
        out, told = child.communicate()
        if "dns error" in told or "client error (Connect)" in told:
            pytest.skip("no package index here")
        assert child.returncode == 0, told
        assert dict(row.split("==") for row in out.split()) == locked(python)


def resolving(python, place):
    pins = place / f"{python}.txt"
    pairs = locked(python).items()
    pins.write_text("".join(f"{name}=={version}\n" for name, version in pairs))
    words = ["uv", "pip", "compile", "pyproject.toml", "--quiet"]
    words += [f"--extra={name}" for name in EXTRAS]
    words += [f"--python-version={python}", f"--constraint={pins}"]
    words += ["--no-header", "--no-annotate", "--python-platform=linux"]
    words += ["--no-python-downloads"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, cwd=CHECKOUT, text=True, **pipes)
