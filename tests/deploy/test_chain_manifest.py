"""What the chain runner refuses: manifests and files that are wrong."""

import hashlib
import json

import pytest

from elf_keras.deploy.chain_runner import ChainError, ChainRunner

pytest.importorskip("ai_edge_litert")


def edit(manifest, change):
    record = json.loads(manifest.read_text())
    change(record)
    manifest.write_text(json.dumps(record))


def test_a_manifest_is_named_by_a_path():
    with pytest.raises(ChainError, match="manifest None: expected a path"):
        ChainRunner(None)


def swap_in_the_manifest(record):
    stages = record["variants"]["float32"]["stages"]
    stages[1:] = stages[:0:-1]


def put(value, *path):
    def change(record):
        for name in path[:-1]:
            record = record[name]
        record[path[-1]] = value

    return change


def lose(path):
    """Without the field at a path such as `exits/0/macs`, which is named."""
    *parents, last = path.split("/")

    def change(record):
        for name in parents:
            record = record[int(name) if name.isdigit() else name]
        record.pop(int(last) if last.isdigit() else last)

    return change, last


FIRST = ("variants", "float32", "stages", 0)
POLICY = ("variants", "float32", "policies", "accurate")
FIELDS = (
    "format class_names input/width variants exits/0/macs checksums "
    "exits/1/temperature default_policy variants/float32/stages "
    "variants/float32/policies variants/float32/stages/1/file "
    "variants/float32/stages/2/milliseconds "
    "variants/float32/policies/accurate/thresholds "
    "variants/float32/policies/all_exits/exit_shares"
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *map(lose, FIELDS.split()),
        (lambda record: record["checksums"].clear(), "checksum"),
        (put(3, "format"), "format"),
        (
            put({}, "variants"),
            "names no chain: expected an export of --formats",
        ),
        (put([1], "exits"), "cannot be used"),
        (put("best", "default_policy"), "'best'"),
        (put([0.5], *POLICY, "thresholds"), "0.5"),
        (put([0.5, 2.0], *POLICY, "thresholds"), "2.0"),
        (put([1.0], *POLICY, "exit_shares"), "shares"),
        (put(0, "exits", 0, "temperature"), "temperature"),
        (put(["a", "b"], "class_names"), "stage 1"),
        (put(16, "input", "width"), "stage 1"),
        (put("../copy/x.tflite", *FIRST, "file"), "inside"),
        (put("/etc/passwd", *FIRST, "file"), "inside"),
        (put("tflite\\..\\..\\x", *FIRST, "file"), "inside"),
        (put("C:x", *FIRST, "file"), "inside"),
        (swap_in_the_manifest, "swapped"),
        (lose("variants/float32/stages/2")[0], "2 stages"),
        (lose("exits/2")[0], "shares"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(copy, change, says):
    edit(copy, change)
    with pytest.raises(ChainError) as refused:
        ChainRunner(copy)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 99999, "\xff"])
def test_what_is_no_manifest_is_refused(copy, text):
    copy.write_bytes(text.encode("latin-1"))
    with pytest.raises(ChainError, match="manifest.json"):
        ChainRunner(copy)


def test_files_that_changed_are_refused(copy):
    one, two, three = (
        copy.parent / f"tflite/float32/stage_{number}.tflite"
        for number in (1, 2, 3)
    )
    whole = two.read_bytes()
    for content in (whole[:-1], b"", three.read_bytes()):
        two.write_bytes(content)
        with pytest.raises(ChainError, match="stage_2.tflite has sha256"):
            ChainRunner(copy)
    two.unlink()
    with pytest.raises(ChainError, match=f"No such file.*{two.name}"):
        ChainRunner(copy)
    with pytest.raises(ChainError, match="No such file"):
        ChainRunner(copy.parent / "other.json")
    with pytest.raises(ChainError, match="variant 'int4'.*'float32', 'int8'"):
        ChainRunner(copy, variant="int4")
    assert ChainRunner(copy, variant="int8").variant == "int8"


def test_a_stage_that_was_cut_before_it_was_signed_is_refused(copy):
    file = "tflite/float32/stage_2.tflite"
    cut = (copy.parent / file).read_bytes()[:20000]
    (copy.parent / file).write_bytes(cut)
    edit(copy, put(hashlib.sha256(cut).hexdigest(), "checksums", file))
    with pytest.raises(ChainError, match="cannot be used"):
        ChainRunner(copy)


def test_a_path_that_no_system_takes_is_one_line():
    with pytest.raises(ChainError, match="File name too long") as raised:
        ChainRunner("x" * 300)
    assert "\n" not in str(raised.value)


def test_a_version_that_is_not_whole_yet(copy, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    copy.parent.rename(folder / "1")
    assert ChainRunner(folder).stages
    (folder / "2").mkdir()
    with pytest.raises(ChainError, match="2 holds no manifest.json.* wait"):
        ChainRunner(folder)


def test_what_no_server_takes_for_a_version_is_none(copy, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    copy.parent.rename(folder / "1")
    (folder / "20261101").write_text("a file")
    (folder / ("9" * 19)).mkdir()
    assert ChainRunner(folder).stages
