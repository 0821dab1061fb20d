"""Commands run by the tests, in this process or in one of their own."""

import contextlib
import csv
import dataclasses
import io
import os
import pathlib
import resource
import subprocess
import sys
from unittest import mock

import keras
import numpy as np
from absl import flags
from absl.testing import flagsaver
from PIL import Image
from tensorflow.python.framework import config as determinism

from elf_keras import evaluate, export, predict, report, search, sweep, train
from elf_keras.cli import command, command_flags, recipe_flags
from elf_keras.demo import __main__ as demo
from elf_keras.runs import flagfiles, read_json

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
# Command -> its main, and what `run_command` is told of it.
COMMANDS = {
    "train": (train.main, {"resumes": True}),
    "evaluate": (evaluate.main, {"of_run": True}),
    "predict": (predict.main, {"of_run": True, "of_export": True}),
    "export": (export.main, {"of_run": True}),
    "sweep": (sweep.main, {"of_run": True, "compares": True}),
    "search": (search.main, {"resumes": True}),
    "demo": (demo.main, {}),
    "report": (report.main, {}),
}
# What makes a run a matter of seconds; the digits are the default data.
TINY = (
    *("--backbone=resnet8", "--exits=1", "--exit_head=separable"),
    *("--imbalance=20", "--batch_size=64"),
)
# All that changes with the epoch changes within six of them.
RESUMED = (
    *(*TINY, "--epochs=6", "--flip", "--warmup_epochs=2"),
    *("--decay_epochs=3,5", "--decay_factor=0.1"),
    *("--class_weighting=effective_number", "--reweight_epoch=3"),
)
# Exits that are trained alone before two epochs and after them.
EXITS_ALONE = (
    *TINY,
    *("--epochs=2", "--decay_epochs=", "--warmup_epochs=0"),
    *("--exits_first=10", "--exits_last=10"),
    "--learning_rate_schedule=cosine",
    *("--frozen_until=stem_relu", "--frozen_norms", "--backbone_rate=0.1"),
)

# Logical devices must be there before anything else asks for a device.
TRAIN_ON_TWO = """
import os
import runpy
# The command sets this itself before it loads TensorFlow, which is too late
# here: two CPU devices must be asked for first.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
runpy.run_module("elf_keras.train", run_name="__main__")
"""


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a command ended: its status, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines of the one kind that tells what is wrong."""
        lines = self.err.splitlines()
        return [line for line in lines if line.startswith("error: ")]


@contextlib.contextmanager
def fresh_flags(*arguments: str):
    """Flags as a new process would have them, and afterwards as before."""
    recipe_flags.define()
    command_flags.define()
    kept = flagsaver.save_flag_values()
    policy = keras.config.dtype_policy()
    deterministic = determinism.is_op_determinism_enabled()
    try:
        if arguments:
            flags.FLAGS(flagfiles.expanded(["test", *arguments]))
        yield flags.FLAGS
    finally:
        flagsaver.restore_flag_values(kept)
        keras.config.set_dtype_policy(policy)
        # TensorFlow offers in public only how to begin it.
        if not deterministic:
            determinism.disable_op_determinism()


@contextlib.contextmanager
def given_flags(*words: str, of_run=()):
    """Flags that a run records, and a command line that wins."""
    with (
        mock.patch.object(sys, "argv", ["test", *words]),
        fresh_flags("--workdir=run", *of_run, *words),
    ):
        yield


def run(name: str, *arguments, err: io.StringIO | None = None) -> Ended:
    """Run a command in this process, as `python -m elf_keras.COMMAND`.

    `err` is what standard error is, such as a `terminals.Terminal`.
    """
    main, options = COMMANDS[name]
    words = [str(word) for word in arguments]
    out, err, status = io.StringIO(), err or io.StringIO(), 0
    with (
        fresh_flags(),
        mock.patch.object(sys, "argv", [name, *words]),
        mock.patch.dict(os.environ),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            command.run_command(main, **options)
        except SystemExit as ended:
            status = ended.code
    return Ended(status, out.getvalue(), err.getvalue())


def done(name: str, *arguments) -> Ended:
    """Run a command that must succeed."""
    ended = run(name, *arguments)
    assert ended.status == 0, ended.err
    return ended


def evaluated(folder: pathlib.Path, *words: str) -> tuple[dict, str]:
    """Evaluate a run: the model's scores by split, and what was printed."""
    out = done("evaluate", f"--workdir={folder}", *words).out
    record = read_json(folder / "evaluation.json")
    found = {name: part["model"] for name, part in record["splits"].items()}
    return found, out


def swept(folder: pathlib.Path, *words) -> tuple[Ended, dict]:
    """Sweep a run: what was printed, and its policies."""
    ended = done("sweep", f"--workdir={folder}", *words)
    return ended, read_json(folder / "policy.json")


def rows(path: pathlib.Path) -> list[dict]:
    """The rows of a CSV file."""
    with path.open() as file:
        return list(csv.DictReader(file))


def small_files(limit: int) -> dict:
    """Options of a child whose files may not grow beyond `limit` bytes.

    SIGXFSZ is ignored by Python, so that writing fails as on a full disk.
    """
    both = (resource.RLIMIT_FSIZE, (limit, limit))
    return {"preexec_fn": lambda: resource.setrlimit(*both)}


@contextlib.contextmanager
def full_disk(limit: int):
    """For a while, the same of this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def assert_told(ended: Ended, *says: str) -> None:
    """One clear line that says all this, and status 2."""
    assert ended.status == 2, ended.err[-2000:]
    assert len(ended.errors) == 1
    assert "Traceback" not in ended.err
    for word in says:
        assert word in ended.errors[0]


def refused(name: str, *arguments, says) -> Ended:
    """Run a command that must refuse its input, and return its line."""
    ended = run(name, *arguments)
    assert_told(ended, *says)
    assert ended.err.endswith(ended.errors[0] + "\n")
    return ended


def child(*words, **options) -> subprocess.Popen:
    """Start Python with the checkout on its path, whatever is installed."""
    given = options.pop("env", os.environ)
    options["env"] = {**given, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def ended(process: subprocess.Popen) -> Ended:
    """Wait for a child to end."""
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)


def succeeded(process: subprocess.Popen) -> None:
    """Wait for a child that must succeed."""
    found = ended(process)
    assert found.status == 0, found.err[-2000:]


def content(folder: pathlib.Path) -> dict[str, bytes | None]:
    """Every path below a folder, with the bytes of the files."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


def draw(path: pathlib.Path, value=100, size=(12, 9)) -> None:
    """Write a photo of noise about a brightness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(value)
    pixels = random.integers(value, value + 50, size=(*size, 3))
    Image.fromarray(pixels.astype("uint8")).save(path)
