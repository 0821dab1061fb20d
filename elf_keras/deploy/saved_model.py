"""A SavedModel for servers, and the requests that warm it up.

Signatures: `serving_default` is the default policy and stops early, and so
does each policy by its name; `all_exits` is one of them and tells what every
exit says; `static` is the bare backbone; `dynamic` takes thresholds in the
request. See `endpoints`.
"""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from elf_keras.deploy import endpoints, parity
from elf_keras.deploy.serving import (
    DEFAULT,
    DYNAMIC,
    DYNAMIC_FILES,
    FILES,
    Serving,
)
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models.multi_exit_model import MultiExitModel

# Where TensorFlow Serving looks: a TFRecord of PredictionLog.
WARM_UP = pathlib.Path("assets.extra", "tf_serving_warmup_requests")


def save(model: MultiExitModel, folder: pathlib.Path, serving: Serving) -> None:
    """Write the SavedModel of a model in float32."""
    signatures = endpoints.Endpoints(model, serving).signatures()
    tf.saved_model.save(tf.Module(), folder, signatures=signatures)


def requests(
    images: np.ndarray, thresholds: ExitThresholds, serving: Serving
) -> dict:
    """The same images, 0 to 255, as the inputs of each signature by name."""
    images = np.asarray(images, "float32")
    files = [tf.io.encode_png(image.astype("uint8")) for image in images]
    limits = {"exit_threshold": thresholds.rows(len(images))}
    pixels = {"image": images}
    files = {"image_bytes": np.array([file.numpy() for file in files])}
    found = {
        DYNAMIC: pixels | limits,
        DYNAMIC_FILES: files | limits,
    }
    for name in serving.names:
        found |= {name: pixels, name + FILES: files}
    return found


def write_warm_up(
    folder: pathlib.Path,
    name: str,
    reference: parity.Reference,
    serving: Serving,
) -> None:
    """Write requests that a server runs at start, so that no user waits.

    The first image that leaves at each exit reaches every stage of the
    signatures that take thresholds; every other one is asked for the image
    that goes furthest by its policy, of the model that the server knows by
    `name`.
    """
    path = folder / WARM_UP
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, rows in _asked(reference, serving).items():
            images = reference.images[rows]
            found = requests(images, reference.thresholds, serving)[signature]
            for row in range(len(rows)):
                one = {key: batch[[row]] for key, batch in found.items()}
                writer.write(_log(name, signature, one).SerializeToString())


def _asked(reference, serving):
    """Which images of the reference each signature is asked for, by name."""
    _, first = np.unique(reference.exits, return_index=True)
    found = dict.fromkeys((DYNAMIC, DYNAMIC_FILES), first)
    for name in serving.names:
        policy = serving.default_policy if name == DEFAULT else name
        row = 0
        if policy in serving.policies:
            limits = serving.policies[policy]
            left = dataclasses.replace(reference, thresholds=limits).exits
            row = int(left.argmax())
        found |= dict.fromkeys((name, name + FILES), [row])
    return found


def _log(name, signature, inputs):
    request = predict_pb2.PredictRequest(
        model_spec={"name": name, "signature_name": signature},
        inputs={k: tf.make_tensor_proto(v) for k, v in inputs.items()},
    )
    return prediction_log_pb2.PredictionLog(predict_log={"request": request})
