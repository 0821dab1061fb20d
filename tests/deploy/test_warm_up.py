"""What a server is asked at its start reaches every signature and stage."""

import collections
import dataclasses

import exported
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from elf_keras.deploy import saved_model

SIGNATURES = exported.SIGNATURES


def warm_up(folder):
    """Every request of the file, by its signature."""
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    found = collections.defaultdict(list)
    for line in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(line.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.name == exported.NAME
        found[request.model_spec.signature_name].append(request)
    return found


@pytest.fixture(scope="module")
def requests():
    return warm_up(exported.folder())


def test_every_signature_is_asked_and_every_stage_reached(requests):
    counts = {name: len(found) for name, found in requests.items()}
    assert {*counts} == {*SIGNATURES}
    for name in ("dynamic", "dynamic_jpeg"):
        assert counts.pop(name) == exported.EXITS
    assert set(counts.values()) == {1}
    # TensorFlow Serving reads at most 1000.
    assert len(SIGNATURES) + 2 * (exported.EXITS - 1) < 1000


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNATURES)
def test_requests_replay_on_the_reloaded_signatures(requests, name):
    signature = exported.signatures()[name]
    exits = []
    for request in requests[name]:
        inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
        found = exported.call(signature, **inputs)
        assert all(len(value) == 1 for value in found.values())
        exits += found["exit"].tolist()
    # By each of these policies some image goes to the last exit.
    assert exits == ([1, 2, 3] if name.startswith("dynamic") else [3])


def test_uint8_images_are_written_as_float32(tmp_path):
    images = exported.images().astype("uint8")
    reference = dataclasses.replace(exported.reference(), images=images)
    saved_model.write_warm_up(
        tmp_path, exported.NAME, reference, exported.serving()
    )
    image = warm_up(tmp_path)["static"][0].inputs["image"]
    assert image.dtype == tf.float32.as_datatype_enum
    assert (tf.make_ndarray(image) == images[:1]).all()
