"""A stand-in for TensorFlow Serving: its gRPC interface over a SavedModel.

It is not TensorFlow Serving. Stubs, messages and status codes are the real
ones; behind them are the reloaded signatures, in Python.

python serving_stand_in.py FOLDER: prints its port, then serves until it
is ended.
"""

import concurrent.futures
import pathlib
import sys

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

THREADS = 8
CODES = {code.value[0]: code for code in grpc.StatusCode}


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    """One model's signatures; its name is the folder's.

    Args:
      joined: images of `dynamic` to wait for and compute together, from as
        many requests as it takes; 0 computes each request alone.
    """

    def __init__(self, folder: pathlib.Path, *, joined: int = 0):
        self._name = folder.name
        self._loaded = tf.saved_model.load(folder)
        self._call = dict(self._loaded.signatures)
        if joined:
            self._call["dynamic"] = join(self._call["dynamic"], joined)

    def Predict(self, request, context):  # noqa: N802 (gRPC's name)
        """Answer one request, or end it with TensorFlow's own status."""
        spec = request.model_spec
        name = spec.signature_name or "serving_default"
        if spec.name != self._name:
            context.abort(grpc.StatusCode.NOT_FOUND, spec.name)
        if name not in self._call:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, name)
        told = self._loaded.signatures[name].structured_input_signature[1]
        if {*request.inputs} != {*told}:
            told = f"inputs {[*request.inputs]}: expected {sorted(told)}"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, told)
        try:
            inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
            tensors = {k: tf.constant(v) for k, v in inputs.items()}
            found = self._call[name](**tensors)
        except tf.errors.OpError as error:
            context.abort(CODES[error.error_code], error.message)
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        for key, value in found.items():
            proto = tf.make_tensor_proto(value.numpy())
            response.outputs[key].CopyFrom(proto)
        return response


def join(signature, images: int):
    """Compute requests together; a scalar threshold could not be joined.

    The operation is the one that TensorFlow's servers batch with.
    """
    names = sorted(signature.structured_outputs)

    @tf.nondifferentiable_batch_function(
        num_batch_threads=1,
        max_batch_size=images,
        batch_timeout_micros=20_000_000,
        max_enqueued_batches=4,
    )
    def together(image, exit_threshold):
        found = signature(image=image, exit_threshold=exit_threshold)
        return [found[name] for name in names]

    def call(image, exit_threshold):
        found = together(image, exit_threshold)
        return dict(zip(names, found, strict=True))

    return call


def serve(service: Service) -> tuple[grpc.Server, int]:
    """Start a server on loopback; return it and its port."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(THREADS))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        service, server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


if __name__ == "__main__":
    running, number = serve(Service(pathlib.Path(sys.argv[1])))
    print(number, flush=True)
    running.wait_for_termination()
