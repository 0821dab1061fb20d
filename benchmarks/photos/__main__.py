"""Own photos: early exits against a linear probe and against a Keras tutorial.

python -m benchmarks.photos --data_dir=../shared/data --export

All methods have the same images, splits and pretrained backbone. The tutorial
gets as many seconds as ours took; a linear probe needs fewer. A unit is a data
set, a method and a seed; one that --results has is skipped, so that a stopped
benchmark goes on; a unit is run anew once its record is removed, and the folder
of its run below --runs, too.
--only=groceries,ours,0 selects units. --export adds accuracy and milliseconds
in int8 to the units of ours whose runs are there.
"""

import argparse
import pathlib
import sys
import tempfile

from benchmarks.photos import bench, data_sets, ours, table, units
from elf_keras.errors import InputError


def main() -> None:
    """Run what is asked for and not there."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.photos", description=__doc__
    )
    parser.add_argument(
        "--data_dir", type=pathlib.Path, default=pathlib.Path("../shared/data")
    )
    parser.add_argument(
        "--runs", type=pathlib.Path, default=pathlib.Path("runs/photos")
    )
    parser.add_argument("--results", type=pathlib.Path, default=table.RESULTS)
    parser.add_argument("--only", default="", help="such as groceries,ours,0")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--minutes", type=float, default=11)
    parser.add_argument("--image_size", type=int, default=data_sets.SIZE)
    parser.add_argument("--recipe", type=pathlib.Path, default=ours.RECIPE)
    parser.add_argument("--export", action="store_true")
    options = parser.parse_args()
    try:
        chosen = units.select(options.only, options.seeds)
    except ValueError as error:
        parser.error(str(error))
    try:
        _run(options, chosen)
    except InputError as error:
        sys.exit(f"error: {error}")


def _run(options, chosen):
    with tempfile.TemporaryDirectory() as place:
        kept = bench.Bench(options, pathlib.Path(place))
        for unit in chosen:
            kept.train(unit)
        for unit in chosen:
            kept.export(unit)


if __name__ == "__main__":
    main()
