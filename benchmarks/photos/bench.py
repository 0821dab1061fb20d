"""Runs units of the comparison one by one, and keeps their records."""

import argparse
import pathlib
import sys

from benchmarks.photos import data_sets, ours, table, units
from elf_keras import runs
from elf_keras.errors import InputError


class Bench:
    """Runs units, and keeps the file of their records.

    Args:
      options: of the command line.
      place: a folder for links.
    """

    def __init__(self, options: argparse.Namespace, place: pathlib.Path):
        self.options, self.place = options, place

    @property
    def records(self) -> list[dict]:
        """All that are there, also by other processes."""
        return table.load(self.options.results)

    def train(self, unit: units.Unit) -> None:
        """Train and score a unit, unless its record is there.

        Raises:
          InputError: without its images.
          SystemExit: where a command of ours fails.
        """
        if self._found(unit):
            print(f"{unit.name}: is in {self.options.results}", flush=True)
            return
        print(f"{unit.name}: begins", flush=True)
        if unit.method == units.OURS:
            found = ours.train(self._run(unit), self._flags(unit))
        else:
            found = self._single(unit)
        # A record at another size, say, is replaced.
        others = [each for each in self.records if not unit.is_of(each)]
        self._write([*others, self._facts(unit) | found])
        for row, scores in found["scores"].items():
            print(f"{unit.name}: {row}: {scores}", flush=True)

    def export(self, unit: units.Unit) -> None:
        """Add figures in int8 to a unit of ours that has none."""
        found = self._found(unit)
        if not self.options.export or "policies" not in (found or ()):
            return
        run = self._run(unit)
        if "int8" in found or not run.folder.exists():
            return
        found["int8"] = ours.export(run, found["policies"])
        others = [each for each in self.records if not unit.is_of(each)]
        self._write([*others, found])
        print(f"{unit.name}: int8: {found['int8']}", flush=True)

    def _found(self, unit):
        """Its record at the size and within the minutes asked for, if any."""
        return next(
            (each for each in self._asked_for() if unit.is_of(each)), None
        )

    def _asked_for(self):
        """Records at the size and within the minutes asked for."""
        asked = self.options.image_size, self.options.minutes
        return [
            each
            for each in self.records
            if (each["image_size"], each["minutes"]) == asked
        ]

    def _write(self, records):
        self.options.results.parent.mkdir(parents=True, exist_ok=True)
        ordered = sorted(records, key=units.order)
        runs.write_json(self.options.results, {"units": ordered})

    def _facts(self, unit):
        told = runs.environment()
        words = ["python", "-m", "benchmarks.photos", *sys.argv[1:]]
        return {
            **{"set": unit.set, "method": unit.method, "seed": unit.seed},
            "minutes": self.options.minutes,
            "image_size": self.options.image_size,
            **told,
            "command": " ".join(words),
        }

    def _single(self, unit):
        import keras

        from benchmarks.photos import probe, single_nets, tutorial

        keras.utils.clear_session()
        chosen = data_sets.SETS[unit.set]
        data = data_sets.load(
            chosen,
            self._folder(unit),
            size=self.options.image_size,
            seed=unit.seed,
        )
        images = {name: len(part) for name, part in data.parts.items()}
        trunk = single_nets.pretrained(data.image_shape)
        if unit.method == units.PROBE:
            return probe.run(data, trunk) | {"images": images}
        seconds = units.seconds_of_ours(self._asked_for(), unit)
        return {"images": images} | tutorial.run(
            data,
            trunk,
            seconds=seconds or 60 * self.options.minutes,
            flip=chosen.flip,
            seed=unit.seed,
        )

    def _run(self, unit):
        folder = self.options.runs / f"{unit.set}_seed{unit.seed}"
        return ours.Run(folder, self._folder(unit))

    def _flags(self, unit):
        group = data_sets.SETS[unit.set].group
        return [
            f"--flagfile={self.options.recipe.resolve()}",
            f"--image_size={self.options.image_size}",
            f"--most_minutes={self.options.minutes:g}",
            f"--seed={unit.seed}",
            *([f"--validation_group={group}"] if group else []),
        ]

    def _folder(self, unit):
        chosen = data_sets.SETS[unit.set]
        source = self.options.data_dir / chosen.folder
        part = "images" if chosen.tail == data_sets.SENDERS else "train"
        if not (source / part).is_dir():
            raise InputError(
                f"--data_dir={self.options.data_dir}: there is no folder "
                f"{chosen.folder}/{part} in it; name the folder above it"
            )
        if not chosen.tail:
            return source
        target = self.place / unit.set
        if not target.exists():
            data_sets.make(chosen, source, target)
        return target
