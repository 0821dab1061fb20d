"""The how-to page on library use, run as it stands."""

import re
import shlex

import command_runs
import pytest

from elf_keras import models, runs

PAGE = command_runs.CHECKOUT / "docs" / "how-to" / "library.md"


@pytest.mark.slow
def test_the_page_trains_a_model_and_commands_take_it(tmp_path, monkeypatch):
    text, names = PAGE.read_text(encoding="utf-8"), {}
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(code, names)
    assert isinstance(names["same"], models.MultiExitModel)
    leaving = (names["found"].exit_taken == 0).mean()
    assert 0 < leaving < 1
    (lines,) = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    for line in lines.splitlines():
        python, flag, name, *words = shlex.split(line)
        assert (python, flag) == ("python", "-m")
        command_runs.done(name.removeprefix("elf_keras."), *words)
    policy = runs.read_json(tmp_path / "runs/own/policy.json")
    static = policy["model"]["static"]["test"]["accuracy"]
    assert static > 0.7
    assert (tmp_path / "runs/own/report/index.html").is_file()
    manifest = runs.read_json(tmp_path / "runs/served/1/manifest.json")
    assert all(row["passed"] for row in manifest["parity"])
