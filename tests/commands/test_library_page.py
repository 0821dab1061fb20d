"""The how-to page on library use, run as it stands."""

import command_runs
import documented
import pytest

from elf_keras import models, runs

PAGE = documented.CHECKOUT / "docs" / "how-to" / "library.md"


@pytest.mark.slow
def test_the_page_trains_a_model_and_commands_take_it(tmp_path, monkeypatch):
    names = {}
    monkeypatch.chdir(tmp_path)
    for language, code in documented.fenced(PAGE):
        if language == "python":
            exec(code, names)
    assert isinstance(names["same"], models.MultiExitModel)
    leaving = (names["found"].exit_taken == 0).mean()
    assert 0 < leaving < 1
    (block,) = [each for each in documented.blocks() if PAGE.match(each.page)]
    for words in block.commands:
        name, arguments = documented.of_project(words)
        command_runs.done(name, *arguments)
    policy = runs.read_json(tmp_path / "runs/own/policy.json")
    static = policy["model"]["static"]["test"]["accuracy"]
    assert static > 0.7
    assert (tmp_path / "runs/own/report/index.html").is_file()
    manifest = runs.read_json(tmp_path / "runs/served/1/manifest.json")
    assert all(row["passed"] for row in manifest["parity"])
