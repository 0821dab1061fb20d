"""What the stand-ins for TensorFlow Serving serve: a name and its versions.

As the server does it (sources/storage_path/file_system_storage_path_source.cc):
of the folders in NAME whose names are numbers the highest is loaded, again and
again as there are new ones; what is no number is not looked at.
"""

import pathlib
import re
import threading

import numpy as np
import tensorflow as tf


class RefusedError(Exception):
    """A request that cannot be answered: a code of gRPC, by name, and why."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code, self.message = code, message


class ServedModel:
    """A base path, by its folder's name.

    Args:
      joined: images of `dynamic` to wait for and compute together, from as
        many requests as it takes; 0 computes each request alone.
    """

    def __init__(self, folder: pathlib.Path, *, joined: int = 0):
        self.name, self._folder, self._joined = folder.name, folder, joined
        self._lock, self._loaded = threading.Lock(), {}
        self.version = None
        self.poll()

    def poll(self) -> None:
        """Load the highest version, if it is new; the one before goes."""
        with self._lock:
            number = max(
                int(path.name)
                for path in self._folder.iterdir()
                if re.fullmatch("[0-9]+", path.name)
            )
            if number != self.version:
                self._loaded = {number: self._load(number)}
                self.version = number

    def signature(self, name: str, spec: str, version: int | None = None):
        """The signature of that name; `spec` is the model's.

        Returns its function, its inputs by name, and the version.
        """
        self.poll()
        version = version or self.version
        if spec != self.name or version not in self._loaded:
            told = f"Servable not found for request: {spec}, {version}"
            raise RefusedError("NOT_FOUND", told)
        loaded, calls = self._loaded[version]
        name = name or "serving_default"
        if name not in calls:
            told = (
                f'Serving signature name: "{name}" not found in signature def'
            )
            raise RefusedError("FAILED_PRECONDITION", told)
        inputs = loaded.signatures[name].structured_input_signature[1]
        return calls[name], inputs, version

    def _load(self, number):
        """The signatures do not keep alive what they belong to: both."""
        loaded = tf.saved_model.load(self._folder / str(number))
        calls = dict(loaded.signatures)
        if self._joined:
            calls["dynamic"] = join(calls["dynamic"], self._joined)
        return loaded, calls


def answer(call, inputs, given: dict[str, np.ndarray]) -> dict:
    """Ask a signature of that `inputs`; its answers as arrays.

    Raises:
      RefusedError: with TensorFlow's own code and message.
    """
    if {*given} != {*inputs}:
        told = f"inputs {[*given]}: expected {sorted(inputs)}"
        raise RefusedError("INVALID_ARGUMENT", told)
    try:
        tensors = {key: tf.constant(value) for key, value in given.items()}
        found = call(**tensors)
    except tf.errors.OpError as error:
        code = {3: "INVALID_ARGUMENT"}.get(error.error_code, "UNKNOWN")
        raise RefusedError(code, error.message) from error
    return {key: value.numpy() for key, value in found.items()}


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
