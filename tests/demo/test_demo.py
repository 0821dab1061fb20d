"""The demo's command: what it checks before it serves, and how it ends."""

import hashlib
import json
import signal

import command_runs
import pytest

from elf_keras.demo import __main__ as demo
from elf_keras.demo import server
from elf_keras.errors import InputError

STAGE = "tflite/float32/stage_1.tflite"


@pytest.fixture
def export(tmp_path):
    """The files of an export; what is in them matters to the page only."""
    folder = tmp_path / "export"
    (folder / STAGE).parent.mkdir(parents=True)
    (folder / STAGE).write_bytes(b"the first stage")
    (folder / "notes.txt").write_text("not of the export")
    manifest = {
        "format": 1,
        "variants": {"float32": {"stages": [{"file": STAGE}]}},
        "checksums": {STAGE: hashlib.sha256(b"the first stage").hexdigest()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_serves_page_runtime_and_the_files_of_the_export(export, tmp_path):
    runtime = tmp_path / "@litertjs" / "runtime.js"
    runtime.parent.mkdir()
    runtime.write_text("")
    (tmp_path / "another.js").write_text("")
    with demo.open_server(export, 0, tmp_path) as server:
        assert server.find("/") == demo.PAGE / "index.html"
        assert server.find("/vendor/@litertjs/runtime.js") == runtime
        assert server.find("/vendor/another.js") is None
        assert server.find(f"/model/{STAGE}") == export / STAGE
        manifest = export / "manifest.json"
        assert server.find("/model/manifest.json") == manifest
        assert server.find("/model/notes.txt") is None
        assert server.find("/demo.py") is None


def test_the_page_and_where_make_puts_its_runtime():
    makefile = (command_runs.CHECKOUT / "Makefile").read_text()
    page = demo.PAGE.relative_to(command_runs.CHECKOUT)
    assert f"cp {page}/package.json" in makefile
    made = demo.NODE_MODULES.relative_to(command_runs.CHECKOUT).parent
    assert f"--prefix {made} " in makefile
    kinds = {path.suffix for path in demo.PAGE.iterdir()}
    assert kinds <= set(server.TYPES)


def test_without_a_makefile_the_line_asks_for_a_checkout(
    tmp_path, monkeypatch, capsys
):
    """As installed from a wheel."""
    with command_runs.fresh_flags(f"--node_modules={tmp_path}"):
        demo._node_modules()
        assert "until `make page` has" in capsys.readouterr().err
        monkeypatch.setattr(demo, "PAGE", tmp_path / "elf_keras/demo/page")
        demo._node_modules()
    (line,) = capsys.readouterr().err.splitlines()
    assert "without a checkout of the repository; run `make page`" in line


@pytest.mark.parametrize("content", [b"the first", b"the other stage", b""])
def test_a_truncated_or_swapped_stage(export, content):
    (export / STAGE).write_bytes(content)
    with pytest.raises(InputError, match="its checksum differs"):
        demo.checked_files(export)


def naming(file):
    """What a manifest that names another file of a stage changes."""
    return {
        "checksums": {file: "0"},
        "variants": {"a": {"stages": [{"file": file}]}},
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 3}, "another format"),
        ({"exit_rule": "surest"}, "its exit rule is 'surest'"),
        ({"answer": "mean"}, "its answer is 'mean'"),
        ({"checksums": {}}, "stages without checksums"),
        ({"checksums": {STAGE: "0"}}, "its checksum differs"),
        ({"checksums": None}, "no manifest"),
        ({"variants": {}}, "no TFLite stages"),
        ({"variants": {"float32": {}}}, "no manifest"),
        (naming("tflite/stage_9.tflite"), "stage_9.tflite is missing"),
        (naming("../secret.txt"), "outside its folder"),
        (naming("a\0b"), "outside its folder|is missing"),
        (naming(300 * "a"), "outside its folder|is missing"),
        (naming("circle/a"), "outside its folder|is missing"),
    ],
)
def test_a_damaged_manifest(export, changes, says):
    (export.parent / "secret.txt").write_text("secret")
    (export / "circle").symlink_to(export / "circle")
    path = export / demo.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(InputError, match=says):
        demo.checked_files(export)


def test_the_command_refuses_in_one_line(export, tmp_path):
    refused = command_runs.refused
    refused("demo", says=["--model is missing"])
    refused("demo", f"--model={tmp_path}", says=["manifest.json", "export"])
    refused("demo", f"--model={export / STAGE}", says=["does not exist"])
    refused("demo", "--port=70000", says=["70000"])
    refused("demo", f"--model={export}", "word", says=["unexpected words"])
    for content in ("{", "[" * 99_999):
        (export / "manifest.json").write_text(content)
        refused("demo", f"--model={export}", says=["cannot be read"])


def test_interrupted_it_ends_quietly(export, tmp_path):
    process = command_runs.child(
        *("-m", "elf_keras.demo", f"--model={export}", "--port=0"),
        f"--node_modules={tmp_path}",
        # A background shell may hand SIGINT down ignored; Ctrl-C never is.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    line = process.stdout.readline()
    assert line.startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    ended = command_runs.ended(process)
    assert ended.status == 0
    assert ended.err.count("\n") == 1
    assert "make page" in ended.err
