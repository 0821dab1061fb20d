"""A client of the stand-in for TensorFlow Serving, and fixtures of both."""

import contextlib
import subprocess
import sys

import exported
import grpc
import pytest
import serving_stand_in
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

SECONDS = 60


class Client:
    """The model's answers as arrays."""

    def __init__(self, port):
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def ask(self, signature, *, name=exported.NAME, **inputs):
        found = self.response(signature, name, **inputs).outputs
        return {key: tf.make_ndarray(value) for key, value in found.items()}

    def response(self, signature, name=exported.NAME, **inputs):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        request.model_spec.signature_name = signature
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        return self.stub.Predict(request, timeout=SECONDS)

    def refused(self, signature, **inputs):
        """Return the status and message of a request that fails."""
        with pytest.raises(grpc.RpcError) as raised:
            self.ask(signature, **inputs)
        return raised.value.code(), raised.value.details()


@contextlib.contextmanager
def serving(folder):
    """A process that serves the versions in a folder, with its ports."""
    with subprocess.Popen(
        [sys.executable, serving_stand_in.__file__, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        ports = process.stdout.readline().split()
        process.port, process.rest_port = map(int, ports)
        yield process
        process.terminate()


@pytest.fixture(scope="module")
def server():
    with serving(exported.folder().parent) as process:
        yield process


@pytest.fixture(scope="module")
def client(server):
    return Client(server.port)
