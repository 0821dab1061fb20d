"""Fuzzed flagfiles, lists, manifests, images: one clear line, or an answer."""

import contextlib
import io
import json
import shutil
import signal
from unittest import mock

import command_runs
import made_chain
import mutations
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from PIL import Image

from elf_keras import errors, train
from elf_keras.data import image_files, images
from elf_keras.data.sources import list_files
from elf_keras.deploy import chain_runner
from elf_keras.distribution import cluster
from elf_keras.training import plan

TRIED = 200
# Long enough for a model to be built, far too short for a training.
SECONDS = 60
RECIPE = "\n".join(
    [
        *("# A recipe.", *command_runs.TINY, "--epochs=3"),
        *("--learning_rate=0.1", "--decay_epochs=1,2", "--train_threshold=2/C"),
        *("--exit_loss=ldam", "--class_weighting=effective_number"),
        *("--mixing=none", "--flip", "--noresume", "--sampler=square_root"),
        "--image_size=8",
    ]
)
LIST = "\n".join(f"train/n{k % 5:04}/{k}.JPEG {k % 5}" for k in range(30))


def fuzzed(**given_by):
    """Two hundred cases, the same each time, within a time of their own."""

    def decorate(function):
        chosen = settings(
            max_examples=TRIED,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        return chosen(given(**given_by)(function))

    return decorate


@contextlib.contextmanager
def no_hang():
    def ring(*_):
        raise TimeoutError(f"no answer after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Count:
    """How many cases were tried, and how many were refused."""

    def __init__(self):
        self.tried = self.refused = 0

    def told(self, message):
        """Count a refusal, which is one line that says something."""
        assert len(message) > 10
        assert "Traceback" not in message
        self.refused += 1

    @contextlib.contextmanager
    def case(self, *refusals):
        """Count one; it may be refused, and must end in time."""
        self.tried += 1
        try:
            with no_hang():
                yield
        except refusals as error:
            self.told(str(error))


@pytest.fixture
def count(figures, request):
    found = Count()
    yield found
    assert found.tried >= TRIED
    name = request.node.name.removeprefix("test_")
    answered = {"tried": found.tried, "answered": found.tried}
    figures(f"fuzzed {name}", **answered, refused=found.refused)


@fuzzed(content=mutations.files(RECIPE.encode()))
def test_flagfiles(tmp_path_factory, count, content):
    folder = tmp_path_factory.getbasetemp() / "flagfiles"
    folder.mkdir(exist_ok=True)
    path = folder / "recipe.flags"
    path.write_bytes(content)
    # All that flags and data can get wrong is found before `_fit`.
    with count.case(), mock.patch.object(train, "_fit", lambda *_, **__: {}):
        ended = command_runs.run(
            "train", f"--flagfile={path}", f"--workdir={folder / 'run'}"
        )
    shutil.rmtree(folder / "run", ignore_errors=True)
    assert ended.status in (0, 2), ended.err
    if ended.status == 2:
        assert len(ended.errors) == 1, ended.err
        count.told(ended.errors[0])


@fuzzed(content=mutations.files(LIST.encode()))
def test_lists(tmp_path_factory, count, content):
    path = tmp_path_factory.getbasetemp() / "list.txt"
    path.write_bytes(content)
    # The commands have a line of their own for what is no text.
    with count.case(errors.InputError, UnicodeDecodeError):
        names, labels = list_files.read(path, labels_below=5, taken={})
        assert len(names) == len(labels)
        assert all(0 <= label < 5 for label in labels)
        for name in names:
            assert not name.startswith("/")
            assert ".." not in name.split("/")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return made_chain.make(tmp_path_factory.mktemp("chain"), ["float32"])


@fuzzed(data=strategies.data())
def test_manifests(chain, count, data):
    sound = json.loads(chain.manifest.read_text())
    damaged = mutations.files(chain.manifest.read_bytes())
    content = data.draw(
        strategies.one_of(
            mutations.of_json(sound).map(lambda r: json.dumps(r).encode()),
            damaged,
        )
    )
    path = chain.manifest.with_name("fuzzed.json")
    path.write_bytes(content)
    with count.case(chain_runner.ChainError):
        runner = chain_runner.ChainRunner(path)
        answer = runner.predict(chain.images[0])
        assert 1 <= answer.exit <= 3
        assert 0 <= answer.class_index < 3


def encoded(kind, mode="RGB"):
    random = np.random.default_rng(0)
    pixels = random.integers(256, size=(12, 9, 3), dtype="uint8")
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind)
    return file.getvalue()


IMAGES = mutations.files(
    *(encoded(kind) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP")),
    encoded("GIF", "P"),
    encoded("PNG", "LA"),
)


@fuzzed(content=IMAGES)
def test_images(tmp_path_factory, chain, count, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.png"
    path.write_bytes(content)
    with count.case():
        _, headers = images.scan([path])
        pixels, reasons = images.read_all([path], 8)
    assert len(headers) == len(reasons) == 1
    if reasons[0]:
        count.told(f"{path.name} {reasons[0]}")
    else:
        assert pixels.shape[-3:] == (8, 8, 3)
    out = io.StringIO()
    with no_hang(), contextlib.redirect_stdout(out):
        status = chain_runner.main([str(chain.manifest), str(path)])
    (line,) = out.getvalue().splitlines()
    assert (status == 2) == ("error" in json.loads(line))


@fuzzed(content=IMAGES)
def test_images_on_disk(tmp_path_factory, count, content):
    """By TensorFlow's decoders, where a header is sound."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.jpg"
    path.write_bytes(content)
    with count.case(errors.InputError):
        special, (reason,) = images.scan([path])
        if reason:
            raise errors.InputError(f"{path.name} {reason}")
        files = image_files.of(
            path.parent, [path.name], size=8, special=special
        )
        assert np.asarray(files).shape == (1, 8, 8, 3)


FLEETS = strategies.one_of(
    strategies.text(max_size=60),
    *(
        mutations.of_bytes(sound).map(lambda text: text.decode("latin-1"))
        for sound in (b"8xA100@2.5", b"4x900/s@1", b"2x312T", b"1xhere")
    ),
)


@fuzzed(text=FLEETS)
def test_fleets(count, text):
    with count.case(errors.InputError):
        assert plan.parse_fleet(text).count > 0


CLUSTER = {
    "cluster": {"worker": ["one:1", "two:2"], "chief": ["three:3"]},
    "task": {"type": "worker", "index": 1},
}


@fuzzed(record=mutations.of_json(CLUSTER))
def test_clusters(count, record):
    config = {cluster.VARIABLE: json.dumps(record)}
    with mock.patch.dict("os.environ", config), count.case(errors.InputError):
        found = cluster.from_environment()
        assert found is None or 0 <= found.index < len(found.workers)
