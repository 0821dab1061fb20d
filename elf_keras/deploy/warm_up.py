"""Requests that TensorFlow Serving runs at start, so that no user waits.

They reach every stage of the dynamic signature and every other signature:
assets.extra/tf_serving_warmup_requests, a TFRecord of PredictionLog.
"""

import pathlib

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")


def write(
    folder: pathlib.Path,
    name: str,
    images: np.ndarray,
    thresholds: np.ndarray,
) -> None:
    """Write the requests into a SavedModel's folder.

    Args:
      folder: of the SavedModel.
      name: of the model, as the server knows it.
      images: one that leaves at each exit, `(exits, …)`, 0 to 255.
      thresholds: at which they do, `(exits - 1,)`.
    """
    images = np.asarray(images, "float32")
    files = [tf.io.encode_png(image.astype("uint8")) for image in images]
    limits = np.tile(np.asarray(thresholds, "float32"), (len(images), 1))
    requests = {
        "serving_default": {"image": images},
        "static": {"image": images},
        "dynamic": {"image": images, "exit_threshold": limits},
        "dynamic_jpeg": {
            "image_bytes": np.array([file.numpy() for file in files]),
            "exit_threshold": limits,
        },
    }
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            for row in range(len(images)):
                one = {
                    key: value[row : row + 1] for key, value in inputs.items()
                }
                writer.write(_log(name, signature, one).SerializeToString())


def _log(name, signature, inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )
