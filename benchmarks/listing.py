"""What a folder of many files costs before training: listing, and headers.

python -m benchmarks.listing [--before=CHECKOUT]

Makes 100,000 tiny photos (hard links to a few) in a folder per split and
class, and loads them as `--images_on=disk` does: all files are listed, all
headers read. With another checkout, its code and this one's in turn, each in
a process of its own. Prints JSON.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

from elf_keras import runs

HERE = pathlib.Path(__file__).resolve().parent.parent
FILES, CLASSES, KINDS, SIDE = 100_000, 100, 64, 40
SPLITS = {"train": 0.8, "val": 0.1, "test": 0.1}
# Runs on either checkout; `images.scan` is what reads headers.
CODE = """
import json, pathlib, sys, time
from elf_keras import data
from elf_keras.data import data_request, images, splits

spent = []

def scan(*paths, read=images.scan):
    began = time.perf_counter()
    found = read(*paths)
    spent.append(time.perf_counter() - began)
    return found

images.scan = scan
request = data_request.Request(
    pathlib.Path(sys.argv[1]), images_on="disk", image_size=32
)
began = time.perf_counter()
loaded = data.load("folder", request)
whole = time.perf_counter() - began
parts = (loaded.train, loaded.validation, loaded.test)
print(json.dumps([sum(map(len, parts)), whole - sum(spent), sum(spent)]))
"""


def main() -> None:
    """Time both checkouts in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=pathlib.Path)
    options = parser.parse_args()
    checkouts = {"now": HERE}
    if options.before:
        checkouts["before"] = options.before.resolve()
    found = {name: [] for name in checkouts}
    with tempfile.TemporaryDirectory() as folder:
        files = _made(pathlib.Path(folder), options.files)
        for _ in range(options.rounds):
            for name, checkout in checkouts.items():
                found[name].append(_seconds(folder, checkout, files))
    record = {"cores": runs.cores(), "files": files, "rounds": options.rounds}
    for column, what in enumerate(("listing", "headers")):
        record[f"{what}_seconds"] = _medians(found, column)
    record["seconds"] = _medians(
        {
            name: [(sum(pair),) for pair in pairs]
            for name, pairs in found.items()
        },
        0,
    )
    print(json.dumps(record, indent=1))


def _medians(found, column):
    medians = {
        name: round(statistics.median(row[column] for row in rows), 3)
        for name, rows in found.items()
    }
    if "before" in medians:
        medians["now_over_before"] = round(
            medians["now"] / medians["before"], 3
        )
    return medians


def _seconds(folder, checkout, files):
    """(listing, headers) of one load in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, folder],
        env=os.environ | {"PYTHONPATH": str(checkout)},
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    count, listing, headers = json.loads(done.stdout.splitlines()[-1])
    if count != files:
        raise SystemExit(f"{checkout} found {count} files of {files}")
    return listing, headers


def _made(root, files):
    """Photos in folders of splits and classes; the number that was made."""
    random, kinds, made = np.random.default_rng(0), [], 0
    for number in range(KINDS):
        suffix = (".jpg", ".png")[number % 2]
        path = root / f".kind_{number}{suffix}"
        pixels = random.integers(0, 256, (SIDE, SIDE, 3), "uint8")
        Image.fromarray(pixels).save(path)
        kinds.append(path)
    for split, share in SPLITS.items():
        for label in range(CLASSES):
            place = root / split / f"class_{label:03}"
            place.mkdir(parents=True)
            for index in range(round(share * files / CLASSES)):
                kind = kinds[made % KINDS]
                (place / f"{index:06}{kind.suffix}").hardlink_to(kind)
                made += 1
    return made


if __name__ == "__main__":
    main()
