"""The chain runner as a command, and the image files that it reads."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from elf_keras.data import image_formats, images
from elf_keras.deploy import chain_runner

pytestmark = pytest.mark.slow

pytest.importorskip("ai_edge_litert")


def edit(manifest, change):
    record = json.loads(manifest.read_text())
    change(record)
    manifest.write_text(json.dumps(record))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(40, 31), (9, 20), (32, 32), (300, 211)])
def test_image_files_become_the_pixels_of_training(tmp_path, size, channels):
    random = np.random.default_rng(size)
    pixels = random.integers(256, size=(*size, 4)).astype("uint8")
    colour = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = colour.convert("RGB")
    colour.save(tmp_path / "alpha.png")
    plain.save(tmp_path / "turned.jpg", exif=exif)
    plain.convert("P").save(tmp_path / "palette.gif", transparency=3)
    plain.convert("CMYK").save(tmp_path / "four.jpg")
    deep = pixels[..., 0].astype("uint16") * 257
    Image.fromarray(deep).save(tmp_path / "deep.png")
    for file in sorted(tmp_path.iterdir()):
        for kept in (1.0, 224 / 256):
            expected = images.read(file, 32, channels=channels, kept=kept)
            found = chain_runner.read_image(file, (32, 32, channels), kept)
            np.testing.assert_array_equal(found, expected, err_msg=file.name)


@pytest.fixture
def files(chain, tmp_path):
    """The first image twice, and a text that is none."""
    Image.fromarray(chain.images[0][..., 0]).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", chain.images[0])
    (tmp_path / "c.png").write_text("text")
    return [str(tmp_path / name) for name in ("a.png", "b.npy", "c.png")]


def told(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_policy_dearer_than_the_backbone_is_said(
    chain, files, tmp_path, capsys
):
    folder = tmp_path / "export"
    shutil.copytree(chain.manifest.parent, folder)
    path = folder / "manifest.json"
    name = json.loads(path.read_text())["default_policy"]
    advice = "dearer than the bare backbone; take static"

    def change(record):
        for variant in record["variants"].values():
            variant["policies"][name]["advice"] = advice

    edit(path, change)
    for words, notes in (((), 1), (("--policy=all_exits",), 0)):
        assert chain_runner.main([str(path), files[1], *words]) == 0
        assert capsys.readouterr().err.count(f"note: {advice}\n") == notes


def test_the_command_prints_a_line_a_file(chain, runner, files, capsys):
    assert chain_runner.main([str(chain.manifest), *files[:2]]) == 0
    lines = told(capsys.readouterr().out)
    answer = runner.predict(chain.images[0])
    for line, file in zip(lines, files, strict=False):
        assert line.pop("milliseconds") > 0
        assert line == {
            "file": file,
            "class": answer.class_name,
            "confidence": round(answer.confidence, 4),
            "probability": round(float(max(answer.probabilities)), 4),
            "exit": answer.exit,
            "macs": answer.macs,
        }
    words = [str(chain.manifest), *files[::-1], "--policy=macs_25"]
    assert chain_runner.main([*words, "--variant=int8"]) == 2
    lines = told(capsys.readouterr().out)
    assert "cannot identify image" in lines[0]["error"]
    assert [line["exit"] for line in lines[1:]] == [1, 1]


@pytest.mark.parametrize("word", ["absent", "--policy=x", "--variant=x"])
def test_the_command_tells_in_one_line_what_is_wrong(
    chain, files, word, capsys
):
    words = [word] if word == "absent" else [str(chain.manifest), word]
    assert chain_runner.main([*words, files[0]]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1


ALONE = """
import runpy, sys
for name in ("elf_keras", "keras", "tensorflow", "PIL"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_file_runs_alone_beside_a_manifest(chain, copy, files):
    script = shutil.copy(chain_runner.__file__, copy.parent)
    ended = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, script, copy, *files[1::-1]],
        capture_output=True,
        text=True,
        cwd=copy.parent,
    )
    lines = told(ended.stdout)
    assert "exit" in lines[0]
    assert "install" in lines[1]["error"]
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_it_ends_in_silence_when_its_reader_has_seen_enough(copy, files):
    name = shutil.copy(files[1], f"{files[1]}\udce9.npy")
    with subprocess.Popen(
        [sys.executable, chain_runner.__file__, copy, *200 * [name]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        line = json.loads(process.stdout.readline())
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert line["file"] == f"{files[1]}\\xe9.npy"
    assert process.returncode == 0


def test_a_program_is_no_image(tmp_path):
    """Pillow would hand PostScript to an interpreter; as in training."""
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.jpg", "EPS")
    with pytest.raises(UnidentifiedImageError):
        chain_runner.read_image(tmp_path / "photo.jpg", (8, 8, 3))
    Image.new("I", (9, 9), 70000).save(tmp_path / "photo.tiff")
    with pytest.raises(
        chain_runner.ChainError, match="signed or 32-bit pixels: expected"
    ):
        chain_runner.read_image(tmp_path / "photo.tiff", (8, 8, 3))
    assert image_formats.readable() == chain_runner._readable()


def test_a_photo_of_a_phone_that_nothing_here_reads_names_the_extra(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(chain_runner, "_readable", lambda: ("JPEG",))
    (tmp_path / "photo.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(chain_runner.ChainError, match="pillow-heif.*\\[heic"):
        chain_runner.read_image(tmp_path / "photo.HEIC", (8, 8, 3))
