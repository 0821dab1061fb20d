"""The notebooks of the documentation run as they stand, in a new folder."""

import os
import re
import sys

import command_runs
import pytest

FOLDER = command_runs.CHECKOUT / "docs" / "notebooks"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=str)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    # Its commands are those of the checkout, by this very Python.
    command = tmp_path / "bin" / "elf-keras"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m elf_keras "$@"\n'
    )
    command.chmod(0o755)
    path_of_all = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path_of_all)
    monkeypatch.setenv("PYTHONPATH", str(command_runs.CHECKOUT))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(notebook, timeout=300, resources=place)
    client.execute()
    lines = re.split(r"[\r\n]+", told(notebook))
    assert not [x for x in lines if x.startswith(("error:", "Traceback"))]
    assert any(x.startswith("written to runs") for x in lines)
    for name in ("runs/digits", "runs/own"):
        if name in path.read_text(encoding="utf-8"):
            assert (tmp_path / name / "policy.json").is_file()


def told(notebook):
    """All that cells printed or returned."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            found.append(output.get("text", "") + data.get("text/plain", ""))
    return "\n".join(found)


def test_both_notebooks_are_there():
    names = {path.stem for path in FOLDER.glob("*.ipynb")}
    assert names == {"first_run", "own_model"}
