"""A client built on TensorFlow Serving's stubs, against a stand-in server.

The stand-in runs in a process of its own, so that input which kills a server
shows. No TensorFlow Serving takes part.
"""

import concurrent.futures

import bad_requests
import exported
import grpc
import numpy as np
import pytest
import serving_client
import serving_stand_in
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2

pytest_plugins = ("serving_client",)
BAD = list(bad_requests.all_of_them())


def test_predict_on_every_signature(client):
    images, scores = exported.images(), exported.scores()
    limits = exported.rows(exported.thresholds(), len(images))
    files = [
        tf.io.encode_png(image).numpy() for image in images.astype("uint8")
    ]
    found = client.ask("dynamic", image=images, exit_threshold=limits)
    assert set(exported.check(found, scores, limits)) == {1, 2, 3}
    found = client.ask("dynamic_jpeg", image_bytes=files, exit_threshold=limits)
    exported.check(found, scores, limits)
    found = client.ask("static", image=images)
    exported.check(found, scores, exported.rows([2, 2], len(images)))
    for signature in ("serving_default", ""):
        found = client.ask(signature, image=images)
        np.testing.assert_allclose(found["exit_2"], scores[:, 1], atol=1e-4)


def test_metadata_tells_inputs_and_outputs(client):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = exported.NAME
    request.metadata_field.append("signature_def")
    answer = client.stub.GetModelMetadata(
        request, timeout=serving_client.SECONDS
    )
    found = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    dynamic = found.signature_def["dynamic"]
    shape = dynamic.inputs["exit_threshold"].tensor_shape
    assert [side.size for side in shape.dim] == [-1, 2]
    assert {*dynamic.outputs} >= {"class", "confidence", "exit", "scores"}


@pytest.mark.parametrize(
    ("signature", "wrong", "inputs", "words"),
    BAD,
    ids=[f"{signature}: {wrong}" for signature, wrong, *_ in BAD],
)
def test_bad_input_is_refused(client, server, signature, wrong, inputs, words):
    status, message = client.refused(signature, **inputs)
    assert status == grpc.StatusCode.INVALID_ARGUMENT
    assert words in message
    assert server.poll() is None


def test_after_all_that_it_answers(client):
    limits = exported.rows(exported.thresholds(), 3)
    images = exported.images()[:3]
    found = client.ask("dynamic", image=images, exit_threshold=limits)
    exported.check(found, exported.scores()[:3], limits)


def test_wrong_names_are_refused(client):
    image = exported.images()[:1]
    status, _ = client.refused("static", name="other", image=image)
    assert status == grpc.StatusCode.NOT_FOUND
    status, message = client.refused("other", image=image)
    assert status == grpc.StatusCode.FAILED_PRECONDITION
    assert "other" in message
    status, message = client.refused("dynamic", image=image)
    assert status == grpc.StatusCode.INVALID_ARGUMENT
    assert "exit_threshold" in message


def test_too_large_a_message_is_refused(client):
    count = serving_stand_in.MESSAGE_BYTES // exported.images()[0].nbytes + 1
    image = np.zeros((count, *exported.images()[0].shape), "float32")
    status, _ = client.refused("static", image=image)
    assert status == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(client.ask("static", image=image[: count // 2])["class"])


def parts():
    """Eight requests of four images, each with thresholds of its own."""
    random = np.random.default_rng(3)
    limits = random.uniform(0.3, 1, size=(32, 2)).astype("float32")
    return [
        (exported.images()[start : start + 4], limits[start : start + 4], start)
        for start in range(0, 32, 4)
    ]


def ask_at_once(client):
    def ask(part):
        image, limits, start = part
        found = client.ask("dynamic", image=image, exit_threshold=limits)
        own = exported.scores()[start : start + 4]
        return exported.check(found, own, limits)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return [*pool.map(ask, parts())]


def test_several_threads_at_once(client):
    assert len(ask_at_once(client)) == 8


def test_requests_that_a_server_joins_keep_their_own_thresholds():
    """Alone, a request would wait 20 s for others: they are one batch."""
    service = serving_stand_in.Service(
        exported.folder(), exported.NAME, joined=32
    )
    server, port = serving_stand_in.serve(service)
    try:
        exits = np.concatenate(ask_at_once(serving_client.Client(port)))
    finally:
        server.stop(None)
    assert set(exits) == {1, 2, 3}
