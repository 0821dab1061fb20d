"""The comparison on own photos: its commands, run once and named by logs."""

import argparse

import command_runs
import numpy as np
import photo_folders
import pytest
from PIL import Image

from benchmarks.photos import (
    bench,
    data_sets,
    ours,
    table,
    units,
)
from elf_keras import runs
from elf_keras.data import recorded
from elf_keras.errors import InputError

GROUPS = {"many": 0.9, "medium": 0.5, "few": None}


TINY = """--dataset=folder
--backbone=resnet8
--method=sum
--epochs=1
--schedule_epochs=1
--batch_size=16
"""


@pytest.fixture
def options(tmp_path):
    random = np.random.default_rng(0)
    for split, tracks in (("train", 8), ("test", 2)):
        for number in range(3):
            for track in range(tracks):
                for view in range(2):
                    name = f"gtsrb/{split}/{number}/{track}_{view}.png"
                    pixels = random.integers(0, 60, (32, 32, 3)) + 60 * number
                    image = Image.fromarray(pixels.astype("uint8"))
                    photo_folders.save(tmp_path / name, image)
    recipe = tmp_path / "tiny.flags"
    recipe.write_text(TINY)
    return argparse.Namespace(
        data_dir=tmp_path,
        runs=tmp_path / "runs",
        results=tmp_path / "photos.json",
        recipe=recipe,
        minutes=1.0,
        image_size=32,
        export=False,
    )


def in_this_process(called):
    def call(run, name, *words):
        places = f"--workdir={run.folder}", f"--data_dir={run.data_dir}"
        called.append(name)
        command_runs.done(name, *words, *places)

    return call


@pytest.mark.slow
def test_ours_is_scored_by_its_own_commands_once(options, monkeypatch):
    called = []
    monkeypatch.setattr(ours.Run, "call", in_this_process(called))
    unit = units.Unit("signs", "ours", 3)
    bench.Bench(options, options.runs).train(unit)
    (found,) = table.load(options.results)
    folder = options.runs / "signs_seed3"
    swept = runs.read_json(folder / "policy.json")["policies"]
    for row, name in found["policies"].items():
        scores, expected = found["scores"][row], swept[name]["test"]
        for key in ("accuracy", "top1", "few"):
            assert scores[key] == pytest.approx(expected[key])
        assert scores["macs"] == pytest.approx(1 - expected["saving"])
    assert found["seconds"] > 0
    # The others have the same splits.
    signs = data_sets.SETS["signs"]
    same = data_sets.load(signs, options.data_dir / "gtsrb", size=32, seed=3)
    assert recorded.table(same) == (folder / runs.EXAMPLES).read_text()
    sizes = {name: len(part) for name, part in same.parts.items()}
    assert found["images"] == sizes and sizes["validation"]
    count = len(called)
    bench.Bench(options, options.runs).train(unit)
    assert len(called) == count and len(table.load(options.results)) == 1


def test_a_record_at_another_size_is_replaced(options, monkeypatch):
    monkeypatch.setattr(ours, "train", lambda run, flags: {"scores": {}})
    units_of_ours = [units.Unit("signs", "ours", seed) for seed in (3, 4)]
    for size in (32, 32, 64):
        options.image_size = size
        for unit in units_of_ours:
            bench.Bench(options, options.runs).train(unit)
        found = table.load(options.results)
        assert [each["image_size"] for each in found] == [size, size]
        assert [each["seed"] for each in found] == [3, 4]


def test_a_folder_without_the_images_is_named(tmp_path, options):
    options.data_dir = tmp_path / "elsewhere"
    unit = units.Unit("groceries", "probe", 0)
    with pytest.raises(InputError, match="there is no folder grocery/train"):
        bench.Bench(options, tmp_path).train(unit)
    assert not options.results.exists()


def test_a_failing_command_names_its_log(tmp_path):
    run = ours.Run(tmp_path / "mine", tmp_path)
    with pytest.raises(SystemExit, match=r"evaluate failed: .*mine\.log says"):
        run.call("evaluate", "--policy=accurate")
    assert "error: " in (tmp_path / "mine.log").read_text()
