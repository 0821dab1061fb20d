"""REST as TensorFlow Serving has it, in front of the same reloaded model.

Paths, keys, and how JSON becomes tensors and back are those of its api_rest.md
and json_tensor.cc: `inputs` or `instances`, binary values as {"b64": …}, and
errors as {"error": message}.
"""

import base64
import binascii
import http.server
import json
import re

import numpy as np
import tensorflow as tf
from served_model import RefusedError, ServedModel, answer

_PATH = re.compile(r"/v1/models/(\w+)(?:/versions/(\d+))?(:predict)?")
_STATUS = {"NOT_FOUND": 404}


class RestServer(http.server.ThreadingHTTPServer):
    """On a free port of loopback."""

    def __init__(self, model: ServedModel):
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802, the base class finds it by this name
        """Status of the model."""
        self._reply(None)

    def do_POST(self):  # noqa: N802
        """Predict."""
        size = int(self.headers["Content-Length"])
        self._reply(self.rfile.read(size))

    def log_message(self, *_):
        """Stay silent."""

    def _reply(self, body):
        status = 200
        try:
            found = self._found(body)
        except RefusedError as error:
            status = _STATUS.get(error.code, 400)
            found = {"error": error.message}
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _found(self, body):
        path = _PATH.fullmatch(self.path)
        predicts = body is not None
        if not path or predicts != (path[3] == ":predict"):
            told = f"Malformed request: {self.command} {self.path}"
            raise RefusedError("INVALID_ARGUMENT", told)
        name, version, _ = path.groups()
        version = version and int(version)
        if predicts:
            return predicted(self.server.model, name, version, body)
        *_, version = self.server.model.signature("", name, version)
        return {
            "model_version_status": [
                {"version": str(version), "state": "AVAILABLE"}
            ]
        }


def predicted(model: ServedModel, name, version, body: bytes) -> dict:
    """Answer the JSON of one request."""
    try:
        asked = json.loads(body)
    except ValueError as error:
        told = f"JSON Parse error: {error}"
        raise RefusedError("INVALID_ARGUMENT", told) from error
    if not isinstance(asked, dict) or not {"inputs", "instances"} & {*asked}:
        told = "Missing 'inputs' or 'instances' key"
        raise RefusedError("INVALID_ARGUMENT", told)
    call, specs, _ = model.signature(
        asked.get("signature_name", ""), name, version
    )
    by_row = "instances" in asked
    given = _rows(asked["instances"], specs) if by_row else asked["inputs"]
    if not isinstance(given, dict):
        # A signature of one input takes it without its name.
        given = dict.fromkeys(specs, given)
    found = answer(
        call,
        specs,
        {
            key: _tensor(value, specs[key].dtype) if key in specs else None
            for key, value in given.items()
        },
    )
    told = {key: _plain(value) for key, value in found.items()}
    if not by_row:
        return {"outputs": told}
    rows = zip(*told.values(), strict=True)
    return {"predictions": [dict(zip(told, row, strict=True)) for row in rows]}


def _rows(instances, specs):
    """Row after row as columns by name."""
    only = next(iter(specs))
    named = [
        row if isinstance(row, dict) and "b64" not in row else {only: row}
        for row in instances
    ]
    keys = {key for row in named for key in row}
    if any({*row} != keys for row in named) or keys != {*specs}:
        told = f"keys must be equal to: {','.join(specs)}"
        raise RefusedError("INVALID_ARGUMENT", told)
    return {key: [row[key] for row in named] for key in keys}


def _tensor(value, dtype):
    told = (
        f"JSON Value: {str(value)[:80]} is not of expected type: {dtype.name}"
    )
    try:
        if dtype == tf.string:
            return np.array(_bytes(value), object)
        found = np.array(value)
        if found.dtype.kind not in "iuf":
            raise RefusedError("INVALID_ARGUMENT", told)
        return found.astype(dtype.as_numpy_dtype)
    except (ValueError, TypeError, binascii.Error) as error:
        raise RefusedError("INVALID_ARGUMENT", told) from error


def _bytes(value):
    if isinstance(value, list):
        return [_bytes(each) for each in value]
    if isinstance(value, dict) and [*value] == ["b64"]:
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, str):
        return value.encode()
    raise TypeError(value)


def _plain(values):
    if values.dtype == object:
        values = np.vectorize(bytes.decode, otypes=[object])(values)
    return values.tolist()
