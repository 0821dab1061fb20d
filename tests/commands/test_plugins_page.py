"""The how-to page on plug-ins, run as it stands, a plug-in of each kind."""

import command_runs
import documented
import made_plugin
import pytest

from elf_keras import runs
from elf_keras.runs import flagfiles

PAGE = documented.CHECKOUT / "docs" / "how-to" / "plugins.md"


def of_page():
    """The module of the page, and each command's name and words."""
    blocks = [each for each in documented.blocks() if PAGE.match(each.page)]
    (code,) = [
        text for kind, text in documented.fenced(PAGE) if kind == "python"
    ]
    (block,) = [each for each in blocks if each.elsewhere]
    block = block.__class__(block.page, block.text.replace("my_pl", "made_pl"))
    return code, [documented.of_project(words) for words in block.commands]


@pytest.mark.slow
def test_every_kind_of_plug_in_goes_through_all_commands(tmp_path):
    code, commands = of_page()
    with made_plugin.written(tmp_path, made_plugins=code):
        for name, words in commands:
            ended = command_runs.done(name, *words)
            if name == "train":
                # As another process finds them: by the run alone.
                flags = flagfiles.values(tmp_path / "runs/stripes" / runs.FLAGS)
                assert flags["plugin"] == "made_plugins"
                assert flags["poly_epsilon"] == "2.0"
        assert "exit rule purity is of a plug-in" in ended.err
        assert "int8 are left out" in ended.err
        folder = tmp_path / "runs"
        served_at = tmp_path / "savedmodels" / "stripes"
        policy = runs.read_json(folder / "stripes" / "policy.json")
        assert policy["exit_rule"] == "purity"
        manifest = runs.read_json(served_at / "1" / "manifest.json")
        assert manifest["exit_rule"] == "purity"
        assert not manifest["variants"]
        rows = {row["artefact"]: row for row in manifest["parity"]}
        assert rows["saved_model dynamic"]["passed"] is True
        assert all(row["passed"] for row in rows.values())
        scores = runs.read_json(folder / "stripes" / "evaluation.json")[
            "splits"
        ]
        found = scores["test"]["model"]
        assert found["dynamic"]["exit_rule"] == "purity"
        assert found["static"]["accuracy"] > 0.6
        served = command_runs.evaluated(
            folder / "stripes",
            *(f"--export={served_at}", "--variant=saved_model"),
            "--policy=accurate",
        )[0]
        assert served["test"]["dynamic"]["exit_shares"] == pytest.approx(
            found["dynamic"]["exit_shares"], abs=0.02
        )
        page = (folder / "stripes_page" / "index.html").read_text(
            encoding="utf-8"
        )
        assert "purity" in page
        command_runs.refused(
            "export",
            f"--workdir={folder / 'stripes'}",
            *(f"--output={folder / 'other'}", "--formats=float32"),
            says=["exit rule purity is of a plug-in", "--formats=saved_model"],
        )
        assert not (folder / "other").exists()
