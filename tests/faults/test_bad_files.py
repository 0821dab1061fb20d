"""Bad images and paths: skipped and listed, or refused in one line."""

import json
import pathlib
import resource
import warnings

import bad_files
import command_runs
import pytest

from elf_keras import runs

GIB = 2**30
CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SMALL = (
    *("--dataset=folder", "--image_size=8", "--epochs=1", "--batch_size=64"),
    *("--backbone=resnet8", "--method=single", "--validation_fraction=0"),
)
ALL = bad_files.BEFORE_DECODING | bad_files.BY_DECODING


def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.fixture(autouse=True)
def flat_memory():
    """No bomb is decoded: the smallest of them takes 2.7 GB."""
    before = peak()
    yield
    assert peak() - before < GIB


def words(tmp_path, photos, *more):
    """Of a training that is as small as can be."""
    return (
        *(f"--workdir={tmp_path / 'run'}", f"--data_dir={photos}"),
        *(*SMALL, *more),
    )


@pytest.mark.parametrize(
    ("where", "files"),
    [("memory", ALL), ("disk", bad_files.BEFORE_DECODING)],
    ids=["memory", "disk"],
)
def test_few_bad_images_are_skipped_and_listed(tmp_path, figures, where, files):
    photos = bad_files.photos(tmp_path / "photos", 50 * len(files) + 50)
    bad_files.write(photos / "class_0", files | bad_files.MISNAMED)
    ended = command_runs.done(
        "train", *words(tmp_path, photos, f"--images_on={where}")
    )
    assert "Traceback" not in ended.err
    record = runs.read_json(tmp_path / "run" / runs.RECORD)
    skipped = [f"class_0/{name}" for name in sorted(files)]
    assert record["data"]["skipped"] == skipped
    figures(
        f"bad images among sound ones, in {where}",
        injected=len(files),
        survived=len(files),
    )


def test_what_only_decoding_finds_is_black_on_disk_and_listed(
    tmp_path, figures
):
    files = bad_files.BY_DECODING
    photos = bad_files.photos(tmp_path / "photos", 20)
    bad_files.write(photos / "class_0", files)
    ended = command_runs.done(
        "train", *words(tmp_path, photos, "--images_on=disk")
    )
    assert f"taken as black: {len(files)}" in ended.err
    record = runs.read_json(tmp_path / "run" / runs.RECORD)
    named = [f"class_0/{name}" for name in sorted(files)]
    assert sorted(record["data"]["damaged"]) == named
    figures("damaged inside, on disk", injected=len(files), survived=len(files))


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_many_bad_images_are_refused_and_named(tmp_path, figures, where):
    photos = bad_files.photos(tmp_path / "photos", 5)
    for name, content in bad_files.BEFORE_DECODING.items():
        bad_files.write(photos / "class_1", {name: content})
        command_runs.refused(
            "train",
            *words(tmp_path, photos, f"--images_on={where}"),
            says=[f"class_1/{name}", "repair or remove"],
        )
        assert not (tmp_path / "run").exists()
        (photos / "class_1" / name).unlink()
    count = len(bad_files.BEFORE_DECODING)
    figures(f"many bad images, in {where}", injected=count, survived=count)


def test_a_bomb_in_a_published_list_is_not_decoded(tmp_path, figures):
    photos = bad_files.photos(tmp_path / "photos", 9)
    bombs = [name for name in ALL if name.startswith("bomb")]
    paths = sorted(path.relative_to(photos) for path in photos.rglob("*.png"))
    lines = [f"{path} {str(path)[6]}" for path in paths]
    for split, part in (("train", lines[::2]), ("val", lines[1::2])):
        name = f"iNaturalist18_{split}.txt"
        (photos / name).write_text("\n".join(part) + "\n")
    listed = photos / "iNaturalist18_train.txt"
    before = listed.read_text()
    for name in bombs:
        bad_files.write(photos / "class_0", {name: ALL[name]})
        listed.write_text(before + f"class_0/{name} 0\n")
        command_runs.refused(
            "train",
            *words(tmp_path, photos, "--dataset=inat18", "--nocheck_counts"),
            f"--workdir={tmp_path / name}",
            says=[f"class_0/{name}", "decompression bomb"],
        )
    figures("bombs in a list", injected=len(bombs), survived=len(bombs))


def test_predict_answers_each_bad_file_with_a_reason(tmp_path, figures):
    photos = bad_files.photos(tmp_path / "photos", 5)
    command_runs.done("train", *words(tmp_path, photos))
    files = ALL | bad_files.MISNAMED
    bad_files.write(tmp_path / "files", files)
    with warnings.catch_warnings():
        # On a screen it is one line on the standard error.
        warnings.filterwarnings("ignore", message="Image size")
        ended = command_runs.run(
            "predict",
            f"--workdir={tmp_path / 'run'}",
            *(tmp_path / "files" / name for name in files),
        )
    assert ended.status == 2
    assert "Traceback" not in ended.err
    check_lines(ended.out, files)
    figures("bad files to predict", injected=len(ALL), survived=len(ALL))


def test_the_chain_runner_answers_each_bad_file_with_a_reason(
    tmp_path, figures, capsys
):
    pytest.importorskip("ai_edge_litert")
    from elf_keras.deploy import chain_runner

    files = ALL | {
        "objects.npy": b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117)
        + b"\ncos\n",
        "cut.npy": b"\x93NUMPY\x01",
    }
    given = files | bad_files.MISNAMED
    bad_files.write(tmp_path, given)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Image size")
        status = chain_runner.main(
            [
                str(CHECKOUT / "savedmodels" / "digits_lt"),
                *(str(tmp_path / name) for name in given),
            ]
        )
    assert status == 2
    check_lines(capsys.readouterr().out, given)
    figures("bad files to a chain", injected=len(files), survived=len(files))


def check_lines(out, files):
    """A line for each file, in order; an error for each bad one."""
    lines = [json.loads(line) for line in out.splitlines()]
    names = [pathlib.Path(line["file"]).name for line in lines]
    assert names == list(files)
    for name, line in zip(names, lines, strict=True):
        assert ("error" in line) == (name not in bad_files.MISNAMED), line


@pytest.mark.parametrize(
    "flag", ["workdir", "data_dir", "list_dir", "flagfile", "weights"]
)
def test_a_path_below_a_regular_file(tmp_path, figures, flag):
    file = tmp_path / "file"
    file.write_text("mine")
    photos = bad_files.photos(tmp_path / "photos", 5)
    dataset = "inat18" if flag == "list_dir" else "folder"
    last = (f"--dataset={dataset}", f"--{flag}={file / 'below'}")
    command_runs.refused(
        "train", *words(tmp_path, photos, *last), says=[str(file)]
    )
    assert file.read_text() == "mine"
    assert not (tmp_path / "run").exists()
    figures(f"--{flag} below a file", injected=1, survived=1)
