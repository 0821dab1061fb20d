"""A process without TensorFlow's Python loads the SavedModel and runs it."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import exported
import numpy as np
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from benchmarks.inference import c_api_client

pytestmark = pytest.mark.slow


def tensor(info):
    """`name:index` of a signature's record, apart."""
    name, index = info.name.rsplit(":", 1)
    return name, int(index)


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """Answers to a batch, to wrong input, and to the batch once more."""
    folder = tmp_path_factory.mktemp("c_api")
    record = saved_model_pb2.SavedModel()
    record.ParseFromString((exported.folder() / "saved_model.pb").read_bytes())
    signature = record.meta_graphs[0].signature_def["dynamic"]
    images = exported.images()
    limits = exported.rows(exported.thresholds(), len(images))
    batches = {
        "good": (images, limits),
        "flat": (images[0], limits[:1]),
        "empty": (images[:0], limits[:0]),
        "not a number": (images * np.float32("nan"), limits),
        "bytes": (images.astype("uint8"), limits),
        "good again": (images, limits),
    }
    calls = []
    for number, pair in enumerate(batches.values()):
        inputs = zip(("image", "exit_threshold"), pair, strict=True)
        calls.append([])
        for key, values in inputs:
            file = folder / f"{key}_{number}.npy"
            np.save(file, values)
            calls[-1].append([*tensor(signature.inputs[key]), str(file)])
    origin = importlib.util.find_spec("tensorflow").origin
    request = {
        "library": str(pathlib.Path(origin).parent),
        "model": str(exported.folder()),
        "calls": calls,
        # The client reads numbers alone.
        "outputs": {
            key: tensor(info)
            for key, info in signature.outputs.items()
            if info.dtype != types_pb2.DT_STRING
        },
    }
    (folder / "request.json").write_text(json.dumps(request))
    done = subprocess.run(
        [sys.executable, c_api_client.__file__, str(folder / "request.json")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    answers = dict(zip(batches, found["answers"], strict=True))
    return found["modules"], answers


def test_no_python_of_tensorflow_took_part(answered):
    modules, _ = answered
    assert "numpy" in modules
    assert not {"tensorflow", "keras", "elf_keras"} & set(modules)


@pytest.mark.parametrize("name", ["good", "good again"])
def test_answers_are_those_of_keras(answered, name):
    found = {k: np.array(v) for k, v in answered[1][name].items()}
    limits = exported.rows(exported.thresholds(), exported.IMAGES)
    exits = exported.check(found, exported.scores(), limits)
    assert set(exits) == {1, 2, 3}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("flat", "[8,8,3] is not compatible with expected shape [?,8,8,3]"),
        ("empty", "expected at least one image"),
        ("not a number", "expected pixel values"),
        ("bytes", "float"),
    ],
)
def test_wrong_input_is_an_error_and_no_abort(answered, name, expected):
    assert expected in answered[1][name]["error"]
