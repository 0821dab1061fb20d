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
import served_model
import serving_client
import serving_stand_in
import tensorflow as tf

pytestmark = pytest.mark.slow

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
    found = client.ask("all_exits", image=images)
    np.testing.assert_allclose(found["exit_2"], scores[:, 1], atol=1e-4)
    limits = exported.limits_of(exported.DEFAULT_POLICY, len(images))
    for signature in ("serving_default", "", exported.DEFAULT_POLICY):
        found = client.ask(signature, image=images)
        assert set(exported.check(found, scores, limits)) == {1, 3}
        assert {*found["name"].tolist()} <= {
            name.encode() for name in exported.CLASS_NAMES
        }
    found = client.ask("macs_25_bytes", image_bytes=files)
    limits = exported.limits_of("macs_25", len(images))
    exported.check(found, scores, limits)


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


def test_wrong_names_and_what_is_too_large_or_missing_are_refused(client):
    image = exported.images()[:1]
    # A server's limit is gRPC's own, 4 MiB, unless it sets another.
    large = np.repeat(image, 2**22 // image.nbytes + 1, axis=0)
    codes = grpc.StatusCode
    for signature, name, images, code, word in (
        ("static", "other", image, codes.NOT_FOUND, "other"),
        ("other", exported.NAME, image, codes.FAILED_PRECONDITION, "other"),
        ("dynamic", exported.NAME, image, codes.INVALID_ARGUMENT, "threshold"),
        ("static", exported.NAME, large, codes.RESOURCE_EXHAUSTED, "larger"),
    ):
        found = client.refused(signature, name=name, image=images)
        assert found[0] == code and word in found[1], found
    assert len(client.ask("static", image=large[: len(large) // 2])["class"])


def ask_at_once(client):
    """Eight requests of four images, each with thresholds of its own."""
    random = np.random.default_rng(3)
    limits = random.uniform(0.3, 1, size=(8, 4, 2)).astype("float32")
    images, scores = (
        np.split(values, 8) for values in (exported.images(), exported.scores())
    )

    def ask(image, scores, own):
        found = client.ask("dynamic", image=image, exit_threshold=own)
        return exported.check(found, scores, own)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return [*pool.map(ask, images, scores, limits)]


def test_after_all_that_it_answers_several_threads_at_once(client):
    assert len(ask_at_once(client)) == 8


def test_requests_that_a_server_joins_keep_their_own_thresholds():
    """Alone, a request would wait 20 s for others: they are one batch."""
    model = served_model.ServedModel(exported.folder().parent, joined=32)
    server, port = serving_stand_in.serve(model)
    try:
        exits = np.concatenate(ask_at_once(serving_client.Client(port)))
    finally:
        server.stop(None)
    assert set(exits) == {1, 2, 3}
