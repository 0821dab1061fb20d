"""The warm-up file is what TensorFlow Serving reads, and reaches all exits."""

import collections

import exported
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from elf_keras.deploy import saved_model

SIGNATURES = ("serving_default", "static", "dynamic", "dynamic_jpeg")


@pytest.fixture(scope="module")
def requests():
    """Every request of the file, by its signature."""
    path = exported.folder() / "assets.extra" / "tf_serving_warmup_requests"
    found = collections.defaultdict(list)
    for line in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(line.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.name == exported.NAME
        found[request.model_spec.signature_name].append(request)
    return found


def test_every_signature_is_asked_for_every_exit(requests):
    counts = {name: len(found) for name, found in requests.items()}
    assert counts == dict.fromkeys(SIGNATURES, exported.EXITS)
    # TensorFlow Serving reads at most 1000.
    assert sum(counts.values()) < 1000


@pytest.mark.parametrize("name", SIGNATURES)
def test_requests_replay_on_the_reloaded_signatures(requests, name):
    signature = exported.signatures()[name]
    exits = []
    for request in requests[name]:
        inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
        found = exported.call(signature, **inputs)
        assert all(len(value) == 1 for value in found.values())
        if "exit" in found:
            exits += found["exit"].tolist()
    expected = {"static": [3] * 3, "serving_default": []}
    assert exits == expected.get(name, [1, 2, 3])


def test_uint8_images_are_written_as_float32(tmp_path):
    images = exported.images()[:1].astype("uint8")
    saved_model.write_warm_up(tmp_path, "one", images, exported.thresholds())
    record = tf.data.TFRecordDataset(str(tmp_path / saved_model.WARM_UP))
    log = prediction_log_pb2.PredictionLog.FromString(
        next(iter(record)).numpy()
    )
    image = log.predict_log.request.inputs["image"]
    assert image.dtype == tf.float32.as_datatype_enum
    assert (tf.make_ndarray(image) == images).all()
