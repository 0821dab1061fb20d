"""Numbered images, trainings that may be ended, and what they must leave."""

import dataclasses
import pathlib
import re
import signal
import subprocess
import time

import command_runs
import numpy as np
import run_states
from PIL import Image

from elf_keras import runs

COMMAND = ("-m", "elf_keras.train")
HERE = pathlib.Path(__file__).resolve().parent
IMAGES = (500, 140)
EPOCHS, BATCH = 9, 16
PATIENCE = 200
# A checkpoint every 30 ms: what is cut is often one that is being written.
OFTEN = 0.0005


def draw(folder: pathlib.Path) -> None:
    """Draw two classes of images, each with its number in one pixel."""
    random = np.random.default_rng(0)
    for label, count in enumerate(IMAGES):
        (folder / str(label)).mkdir(parents=True)
        for index in range(count):
            pixels = random.integers(60 + 90 * label, 256, (8, 8, 3))
            number = label * IMAGES[0] + index
            pixels[0, 0] = number % 256, number // 256, 0
            image = Image.fromarray(pixels.astype("uint8"))
            image.save(folder / str(label) / f"{number}.png")


@dataclasses.dataclass
class Run:
    """One run's folder, and the processes that worked on it so far."""

    photos: pathlib.Path
    folder: pathlib.Path
    logs: list = dataclasses.field(default_factory=list)

    def start(self, *, recorded=True, **options) -> subprocess.Popen:
        """Start or resume it, as the bare command where nothing is logged."""
        self.folder.parent.mkdir(exist_ok=True)
        log = self.folder.with_name(f"{self.folder.name}_{len(self.logs)}.log")
        self.logs.append(log)
        return command_runs.child(
            *([HERE / "recorded_training.py", log] if recorded else COMMAND),
            f"--workdir={self.folder}",
            f"--data_dir={self.photos}",
            *("--dataset=folder", "--image_size=8", "--augmentation=none"),
            *("--backbone=resnet8", "--exits=1", "--exit_head=separable"),
            *(f"--epochs={EPOCHS}", f"--batch_size={BATCH}"),
            *("--decay_epochs=5,7", "--decay_factor=0.1"),
            *("--class_weighting=effective_number", "--reweight_epoch=5"),
            f"--checkpoint_minutes={OFTEN}",
            "--resume",
            **options,
        )

    def wait_for_a_step(self, process) -> None:
        """Wait until the newest process has done a step, or has ended."""
        until, log = time.monotonic() + PATIENCE, self.logs[-1]
        while process.poll() is None:
            if log.exists() and log.read_text().count("\n") > 1:
                break
            assert time.monotonic() < until
            time.sleep(0.01)

    def wait_for_a_handler(self, process) -> None:
        """Wait until the process catches SIGTERM: it loads TensorFlow then."""
        status = pathlib.Path(f"/proc/{process.pid}/status")
        caught = 1 << signal.SIGTERM - 1
        until = time.monotonic() + PATIENCE
        while not caught & int(
            re.search(r"SigCgt:\s*(\w+)", status.read_text())[1], 16
        ):
            assert time.monotonic() < until
            time.sleep(0.01)

    def finish(self) -> None:
        """Train to the end."""
        command_runs.succeeded(self.start())

    @property
    def is_finished(self) -> bool:
        return (self.folder / runs.METRICS).exists()

    def checksum(self) -> str:
        """Of weights and optimizer after the last epoch."""
        name = f"epoch_{EPOCHS:04d}_step_000000.json"
        record = runs.read_json(self.folder / "checkpoints" / name)
        return record["weights"]["sha256"]

    def shown(self) -> tuple[dict[int, list[int]], int]:
        """Step of the run -> images, as it counts; steps done again."""
        found, again = {}, 0
        for log in self.logs:
            text = log.read_text() if log.exists() else ""
            # A line that a kill cut off has no end.
            for step, numbers in re.findall(r"^(\d+) \[(.*)\]$", text, re.M):
                images = [int(number) for number in numbers.split()]
                again += int(step) in found
                assert found.setdefault(int(step), images) == images
        return found, again

    def check_images(self) -> int:
        """Every image once an epoch; return the steps that were done again."""
        found, again = self.shown()
        count = runs.read_json(self.folder / runs.RECORD)["data"]["images"]
        steps = -(-count["train"] // BATCH)
        assert sorted(found) == list(range(steps * EPOCHS))
        first = None
        for epoch in range(EPOCHS):
            part = [found[epoch * steps + step] for step in range(steps)]
            images = sorted(sum(part, []))
            assert len(set(images)) == len(images) == count["train"]
            first = first or images
            assert images == first
        return again

    def check_same(self, whole: "Run") -> None:
        """It ended as the uninterrupted one did, bit for bit."""
        assert self.checksum() == whole.checksum()
        found = run_states.history(self.folder)
        assert found == run_states.history(whole.folder)
        for name in (runs.METRICS, "per_class.csv"):
            if (whole.folder / name).exists():
                ours, theirs = self.folder / name, whole.folder / name
                assert ours.read_text() == theirs.read_text()
