"""A stand-in for TensorFlow Serving: its gRPC and REST over a SavedModel.

It is not TensorFlow Serving. Stubs, messages and status codes are the real
ones; behind them are the reloaded signatures, in Python.

python serving_stand_in.py FOLDER: FOLDER is a base path of numbered versions;
prints the ports of gRPC and REST, then serves until it is ended.
"""

import concurrent.futures
import pathlib
import sys
import threading

import grpc
import rest_stand_in
import tensorflow as tf
from served_model import RefusedError, ServedModel, answer
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

THREADS = 8


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    """One model's signatures; its name is the folder's."""

    def __init__(self, model: ServedModel):
        self._model = model

    def Predict(self, request, context):  # noqa: N802 (gRPC's name)
        """Answer one request, or end it with TensorFlow's own status."""
        spec = request.model_spec
        try:
            call, told, version = self._model.signature(
                spec.signature_name, spec.name, spec.version.value
            )
            given = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
            found = answer(call, told, given)
        except RefusedError as error:
            context.abort(grpc.StatusCode[error.code], error.message)
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(spec)
        response.model_spec.version.value = version
        for key, value in found.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response


def serve(model: ServedModel) -> tuple[grpc.Server, int]:
    """Start a gRPC server on loopback; return it and its port."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(THREADS))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Service(model), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


if __name__ == "__main__":
    served = ServedModel(pathlib.Path(sys.argv[1]))
    running, number = serve(served)
    rest = rest_stand_in.RestServer(served)
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    print(number, rest.server_address[1], flush=True)
    running.wait_for_termination()
