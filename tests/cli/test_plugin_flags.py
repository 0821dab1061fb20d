"""--plugin: found before flags are parsed, kept by a run, told in one line."""

import re
import sys
from unittest import mock

import command_runs
import keras
import made_plugin
import pytest
from absl import flags

from elf_keras import plugins, runs
from elf_keras.cli import plugin_flags, recipe_flags, workdir

LOSS = made_plugin.LOSS
SUMMARY = '"""Cross-entropy times a weight."""'
# The same parameter, of another default: one flag cannot have both.
TWIN = LOSS.replace('"made"', '"twin"').replace("2.0", "3.0")
NAMES = '''
from elf_keras import plugins

@plugins.exit_rule("made_rule")
def rule(logits):
    """As sure as confidence."""
    from elf_keras.exits import exit_rule
    return exit_rule.confidence(logits)

@plugins.data_source("made_data")
def source(request):
    """No images."""

@plugins.backbone("made_net")
def net(images):
    """No layers."""
'''


def test_what_is_added_is_a_choice_and_told_by_help(tmp_path):
    with made_plugin.written(tmp_path, made_names=NAMES, made_loss=LOSS):
        words = ("--plugin=made_names", "--plugin", "made_loss")
        ended = command_runs.done("train", *words, "--help")
        text = " ".join(ended.out.split())
        for name, said in {
            "made": "Cross-entropy times a weight.",
            "made_rule": "As sure as confidence.",
            "made_data": "No images.",
            "made_net": "No layers.",
        }.items():
            assert f"{name}: {said}" in text
        # In a group of their own, which ends with the flags of files.
        group = ended.out.partition("Parameters that plug-ins add:")[2]
        assert "--made_weight=X" in group.partition("Flags in files:")[0]
        assert re.search(r"--made_weight=X .*? Default: 2\.0\.", text)
        given = {
            "exit_rule": "made_rule",
            "dataset": "made_data",
            "exit_loss": "made",
            "backbone": "made_net",
        }
        with command_runs.fresh_flags() as found:
            plugin_flags.load(words)
            found(["train", *(f"--{key}={v}" for key, v in given.items())])
            assert {key: found[key].value for key in given} == given
    ended = command_runs.run("train", "--exit_loss=made", "--workdir=x")
    assert ended.status == 2 and "--exit_loss=made" in ended.err


def test_a_run_keeps_its_plug_ins_and_their_parameters(tmp_path):
    with made_plugin.written(tmp_path, made_names=NAMES, made_loss=LOSS):
        words = ["--plugin=made_names", "--plugin=made_loss"]
        words += ["--exit_loss=made", "--made_weight=3", "--workdir=run"]
        with command_runs.fresh_flags():
            plugin_flags.load(words)
            flags.FLAGS(["train", *words])
            folder = workdir.open_workdir()
        kept = (folder / runs.FLAGS).read_text().splitlines()
        assert {*words[:3], "--made_weight=3.0"} <= {*kept}
        with made_plugin.forgotten(), command_runs.fresh_flags():
            plugins.LOSSES.clear()
            plugins.EXIT_RULES.clear()
            for name in ("made_names", "made_loss"):
                sys.modules.pop(name)
            # Another rule of the command line is known by the run, too.
            words = ["evaluate", f"--workdir={folder}", "--exit_rule=made_rule"]
            plugin_flags.load(words)
            found = workdir.flags_of(folder, words[2:])
            assert (found.exit_loss, found.made_weight) == ("made", 3.0)
            assert found.exit_rule == "made_rule"
            assert workdir.resolved(found).count("--plugin=made_loss") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no such module in the current folder or on PYTHONPATH"),
        ("import made_missing\n", "needs the module made_missing, which is"),
        ("x = 1\nx.y\n", r"AttributeError: .* \(made_bad.py, line 2\); mend"),
        ("def f(:\n", r"SyntaxError: .* \(made_bad.py, line 1\); mend it"),
        ("def f(:\n", r"SyntaxError: [^()]*\(made_bad.py, line 1\); mend it"),
        ("raise SystemExit(3)\n", r"SystemExit: 3 \(made_bad.py, line 1"),
        (LOSS.replace('"made"', '"ce"'), "'ce' is already defined by"),
        (LOSS.replace(SUMMARY, ""), "the function made has no docstring"),
        (LOSS.replace("=2.0", "=None"), "default None; expected a num"),
        (LOSS.replace("made_weight", "top_k"), "flag that commands have"),
        (LOSS.replace("made_weight", "recipe"), "flag that commands have"),
        ("", r'adds nothing; .* take a name, such as @plugins.loss\("mine"'),
        (LOSS.replace('("made")', ""), r"write one, such as @plugins.loss\("),
        (LOSS + TWIN, "weight has the default 3.0, and --made_weight of ano"),
        (LOSS.replace("made_weight", "tau"), "--tau is a text; choose an"),
    ],
)
def test_a_bad_plug_in_is_one_line(tmp_path, text, says):
    modules = {} if text is None else {"made_bad": text}
    with made_plugin.written(tmp_path, **modules):
        words = ("--plugin=made_bad", f"--workdir={tmp_path / 'run'}")
        told = ["--plugin=made_bad"]
        ended = command_runs.refused("train", *words, says=told)
        assert re.search(says, ended.err), ended.err
        assert not plugins.LOSSES
    assert not (tmp_path / "run").exists()


def test_help_is_shown_without_a_plug_in_that_is_not_found(tmp_path):
    (tmp_path / runs.FLAGS).write_text("--plugin=made_gone\n")
    words = (f"--workdir={tmp_path}", "--help")
    ended = command_runs.done("evaluate", *words)
    assert "The flags that most people need:" in ended.out
    (line,) = ended.err.splitlines()
    assert line.startswith("help is without a plug-in: --plugin=made_gone (of")


def test_a_module_of_something_else_adds_nothing():
    command_runs.refused("train", "--plugin=json", says=["adds nothing"])


@pytest.mark.parametrize(
    "text",
    [
        LOSS,
        "import made_names\n",
        """
        import keras
        @keras.saving.register_keras_serializable("made_of_tests")
        class Made(keras.layers.Layer):
            pass
        """,
    ],
)
def test_one_that_is_loaded_again_still_adds(tmp_path, text):
    objects = keras.saving.get_custom_objects()
    with (
        made_plugin.written(tmp_path, made_names=NAMES, made_again=text),
        command_runs.fresh_flags(),
        mock.patch.dict(objects),
    ):
        for _ in range(2):
            plugin_flags.load(["--plugin=made_again"])


def test_one_may_only_import_what_another_registered(tmp_path):
    text = "import made_names\n"
    with (
        made_plugin.written(tmp_path, made_names=NAMES, made_all=text),
        command_runs.fresh_flags(),
    ):
        plugin_flags.load(["--plugin=made_names", "--plugin=made_all"])


def test_one_that_fails_in_use_is_one_line(tmp_path):
    text = NAMES.replace(
        '"""No images."""', '"""Files."""\n    open("made.txt")'
    )
    with made_plugin.written(tmp_path, made_names=text):
        command_runs.refused(
            "train",
            *("--plugin=made_names", "--dataset=made_data"),
            f"--workdir={tmp_path / 'run'}",
            says=[
                "data source 'made_data' of the plug-in made_names fails: ",
                "FileNotFoundError: ",
                "'made.txt' (made_names.py, line 13)",
            ],
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["my_losses.py", "a/b", "", "--x"])
def test_a_file_is_no_module(name):
    command_runs.refused(
        "train", f"--plugin={name}", says=["expected the name of a module"]
    )


def test_an_existing_flag_is_a_parameter_too(tmp_path):
    text = LOSS.replace("made_weight", "ldam_scale")
    with (
        made_plugin.written(tmp_path, made_loss=text),
        command_runs.fresh_flags("--workdir=run") as found,
    ):
        before = found["ldam_scale"]
        plugin_flags.load(["--plugin=made_loss"])
        assert found["ldam_scale"] is before


def test_flags_of_commands_are_reserved():
    """Every command is imported by the helper."""
    assert command_runs.COMMANDS
    with command_runs.fresh_flags():
        own = {
            flag.name
            for module, each in flags.FLAGS.flags_by_module_dict().items()
            if module.startswith("elf_keras.")
            for flag in each
        } - {flag.name for flag in recipe_flags.shared()}
    assert set(plugin_flags.RESERVED) == own
