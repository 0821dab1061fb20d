"""A SavedModel for servers: signatures that check their input and stop early.

serving_default: image -> every exit's own scores, and calibrated probabilities
of what it answers by; static: image -> the answer of the bare backbone;
dynamic: image and exit_threshold -> the answer at the exit taken;
dynamic_jpeg: the same from encoded files. Exits count from 1, as in the
outputs' names.
"""

import pathlib

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from elf_keras import models
from elf_keras.deploy import decoding, graphs
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import PLAIN, AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models.multi_exit_model import MultiExitModel

# Where TensorFlow Serving looks: a TFRecord of PredictionLog.
WARM_UP = pathlib.Path("assets.extra", "tf_serving_warmup_requests")


class Endpoints:
    """The functions behind the signatures of one model.

    Args:
      model: a multi-exit model in float32.
      temperatures: T of what each exit answers by, `(exits,)`, > 0: the
        probabilities are softmax(logits / T); exits come from T = 1.
      kept: part of a file's shorter side that is cut out, (0, 1].
      rule: how the model answers.
      static_temperature: T of the last exit's own logits, by which the bare
        backbone answers; None where all exits answer by their own.
    """

    def __init__(
        self,
        model: MultiExitModel,
        temperatures,
        *,
        kept: float = 1.0,
        rule: AnswerRule = PLAIN,
        static_temperature: float | None = None,
    ):
        self._kept, self._rule = kept, rule
        self._stages = [
            graphs.FrozenStage(stage) for stage in models.stages(model)
        ]
        self._shape = tuple(model.inputs[0].shape[1:])
        self._names = exit_rule.exit_names(models.exits(model))
        self._temperatures = tf.constant(temperatures, tf.float32)
        alone = temperatures[-1:]
        if static_temperature is not None:
            alone = [static_temperature]
        self._static_temperature = tf.constant(alone, tf.float32)

    def signatures(self) -> dict:
        """Return name -> concrete function."""
        image = tf.TensorSpec((None, *self._shape), name="image")
        threshold = tf.TensorSpec(
            (None, len(self._names) - 1), name="exit_threshold"
        )
        content = tf.TensorSpec((None,), tf.string, name="image_bytes")
        specs = {
            "serving_default": (self.all_exits, [image]),
            "static": (self.static, [image]),
            "dynamic": (self.dynamic, [image, threshold]),
            "dynamic_jpeg": (self.dynamic_jpeg, [content, threshold]),
        }
        return {
            name: tf.function(function).get_concrete_function(*inputs)
            for name, (function, inputs) in specs.items()
        }

    def all_exits(self, image):
        """Return every exit's own scores, and the probabilities it answers."""
        answers, answered = {}, None
        for number, logits in enumerate(self._logits(image)):
            name = self._names[number]
            answered = self._rule.next_answer(answered, logits)
            shares = tf.nn.softmax(answered / self._temperatures[number])
            answers |= {name: logits, f"{name}_probabilities": shares}
        return answers

    def static(self, image):
        """Return the answer of the bare backbone."""
        # What nobody reads, such as the early heads, does not run.
        logits = self._logits(image)[-1]
        last = tf.fill(tf.shape(logits)[:1], len(self._names))
        return _answer(logits, last, self._static_temperature)

    def dynamic(self, image, exit_threshold):
        """Return each image's answer at the first exit that is sure."""
        image = self._checked(image)
        limits = self._checked_thresholds(exit_threshold, image)
        found = graphs.leave_early(self._stages, image, limits, self._rule)
        taken = found.pop("exit")
        temperatures = tf.gather(self._temperatures, taken - 1)
        return found | _answer(found["scores"], taken, temperatures)

    def dynamic_jpeg(self, image_bytes, exit_threshold):
        """Decode, cut square and resize inside the graph, then `dynamic`."""
        image_bytes = tf.ensure_shape(image_bytes, (None,))
        image_bytes = _require(tf.size(image_bytes) > 0, _EMPTY, image_bytes)
        images = tf.map_fn(
            lambda content: decoding.decode(content, self._shape, self._kept),
            image_bytes,
            fn_output_signature=tf.TensorSpec(self._shape),
        )
        return self.dynamic(images, exit_threshold)

    def _logits(self, image):
        found, features = [], self._checked(image)
        for stage, name in zip(self._stages, self._names, strict=True):
            outputs = stage(features)
            features = outputs.get("features")
            found.append(outputs[name])
        return found

    def _checked(self, image):
        # A reloaded signature accepts any shape, and some kill the process.
        image = tf.ensure_shape(image, (None, *self._shape))
        image = _require(tf.shape(image)[0] > 0, _EMPTY, image)
        # NaN is inside no range.
        inside = tf.logical_and(image >= 0, image <= 255)
        return _require(tf.reduce_all(inside), _PIXELS, image)

    def _checked_thresholds(self, thresholds, image):
        columns = len(self._names) - 1
        thresholds = tf.ensure_shape(thresholds, (None, columns))
        same = tf.shape(thresholds)[0] == tf.shape(image)[0]
        thresholds = _require(same, _ROWS, thresholds)
        # No certainty is above 1: there nobody leaves.
        inside = tf.logical_and(thresholds > 0, thresholds <= 1)
        return _require(tf.reduce_all(inside), _THRESHOLD, thresholds)


_EMPTY = "an empty batch came; expected at least one image"
_PIXELS = (
    "image has NaN or values outside 0 to 255; expected pixel values, which "
    "the model normalizes itself"
)
_ROWS = (
    "exit_threshold and image differ in their batch; expected a row of "
    "thresholds for every image"
)
_THRESHOLD = "exit_threshold is outside (0, 1]; 1 lets nobody leave"


def save(
    model: MultiExitModel,
    folder: pathlib.Path,
    *,
    temperatures: np.ndarray,
    kept: float = 1.0,
    rule: AnswerRule = PLAIN,
    static_temperature: float | None = None,
) -> None:
    """Write the SavedModel; arguments as in `Endpoints`."""
    endpoints = Endpoints(
        model,
        temperatures,
        kept=kept,
        rule=rule,
        static_temperature=static_temperature,
    )
    signatures = endpoints.signatures()
    tf.saved_model.save(tf.Module(), folder, signatures=signatures)


def write_warm_up(
    folder: pathlib.Path,
    name: str,
    images: np.ndarray,
    thresholds: ExitThresholds,
) -> None:
    """Write requests that a server runs at start, so that no user waits.

    They reach every stage of the dynamic signature and every other signature,
    of the model that the server knows by `name`. Of the images, `(exits, …)`,
    0 to 255, one leaves at each exit at these thresholds.
    """
    path = folder / WARM_UP
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests(images, thresholds).items():
            for row in range(len(images)):
                one = {key: batch[[row]] for key, batch in inputs.items()}
                writer.write(_log(name, signature, one).SerializeToString())


def requests(images: np.ndarray, thresholds: ExitThresholds) -> dict:
    """The same images, 0 to 255, as the inputs of each signature by name."""
    images = np.asarray(images, "float32")
    files = [tf.io.encode_png(image.astype("uint8")) for image in images]
    limits = thresholds.rows(len(images))
    return {
        "serving_default": {"image": images},
        "static": {"image": images},
        "dynamic": {"image": images, "exit_threshold": limits},
        "dynamic_jpeg": {
            "image_bytes": np.array([file.numpy() for file in files]),
            "exit_threshold": limits,
        },
    }


def _log(name, signature, inputs):
    request = predict_pb2.PredictRequest(
        model_spec={"name": name, "signature_name": signature},
        inputs={k: tf.make_tensor_proto(v) for k, v in inputs.items()},
    )
    return prediction_log_pb2.PredictionLog(predict_log={"request": request})


def _answer(logits, taken, temperatures):
    """What signatures say, of the logits answered by at the exits taken."""
    return {
        "class": tf.argmax(logits, -1, tf.int32),
        "confidence": exit_rule.confidence(logits),
        "exit": taken,
        "scores": logits,
        "probabilities": tf.nn.softmax(logits / temperatures[:, None]),
    }


def _require(condition, message, tensor):
    """Return the tensor, to be read only where the condition holds."""
    check = tf.debugging.Assert(condition, [message])
    with tf.control_dependencies([check]):
        return tf.identity(tensor)
