"""The signatures of a served model: checked input, early leaving, an answer.

Each takes pixels, and as NAME_bytes encoded files. Exits count from 1, as in
the outputs' names.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from elf_keras import models
from elf_keras.deploy import decoding, graphs
from elf_keras.deploy.serving import (
    ALL_EXITS,
    DEFAULT,
    DYNAMIC,
    DYNAMIC_FILES,
    FILES,
    STATIC,
    Serving,
)
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.models.multi_exit_model import MultiExitModel

# Best classes that are told by name.
TOP = 5


class Endpoints:
    """The functions behind the signatures of one model, in float32."""

    def __init__(self, model: MultiExitModel, serving: Serving):
        self._serving = serving
        self._stages = [
            graphs.FrozenStage(stage) for stage in models.stages(model)
        ]
        self._shape = tuple(model.inputs[0].shape[1:])
        self._names = exit_rule.exit_names(models.exits(model))
        # All arrays: a tensor from outside a function is one more argument of
        # every request. Row k is of exit k, so nothing is subtracted there.
        columns = [[1.0], *([value] for value in serving.temperatures)]
        self._temperatures = np.array(columns, np.float32)
        alone = serving.static_temperature
        if alone is None:
            alone = serving.temperatures[-1]
        self._static_temperature = np.float32(alone)
        costs = multiply_adds.exit_costs(model)
        self._macs = np.array([0, *costs.with_heads], np.int64)
        self._backbone_macs = np.int64(costs.backbone)
        self._class_names = np.array(
            [
                name.encode("utf-8", "backslashreplace")
                for name in serving.class_names
            ],
            object,
        )
        self._image = tf.TensorSpec((None, *self._shape), name="image")
        self._limits = tf.TensorSpec(
            (None, len(self._names) - 1), name="exit_threshold"
        )
        self._files = tf.TensorSpec((None,), tf.string, name="image_bytes")
        # Traced once, called by every policy: a graph for each of them would
        # make file and export several times as large and slow.
        self._left = _traced(self._leave, self._image, self._limits)
        self._pixels = _traced(self._decoded, self._files)

    def signatures(self) -> dict:
        """Return name -> concrete function."""
        answers = {ALL_EXITS: self.all_exits, STATIC: self.static}
        for name, limits in self._serving.policies.items():
            answers.setdefault(name, self.by_policy(limits))
        answers[DEFAULT] = answers[self._serving.default_policy]
        found = {
            DYNAMIC: _traced(self.dynamic, self._image, self._limits),
            DYNAMIC_FILES: _traced(
                self.dynamic_jpeg, self._files, self._limits
            ),
        }
        for name, answer in answers.items():
            found[name] = _traced(answer, self._image)
            found[name + FILES] = _traced(self._of_files(answer), self._files)
        return found

    def all_exits(self, image):
        """Return the answer of the last exit, and what every exit says.

        `exit_k`: own scores; `exit_k_probabilities`: calibrated, of what the
        exit answers by.
        """
        told, answered = {}, None
        for number, logits in enumerate(self._logits(image)):
            name = self._names[number]
            answered = self._serving.rule.next_answer(answered, logits)
            shares = tf.nn.softmax(answered / self._temperatures[number + 1])
            told |= {name: logits, f"{name}_probabilities": shares}
        last = tf.fill(tf.shape(answered)[:1], len(self._names))
        return told | self._answer(answered, last)

    def static(self, image):
        """Return the answer of the bare backbone."""
        # What nobody reads, such as the early heads, does not run.
        logits = self._logits(image)[-1]
        count = tf.shape(logits)[:1]
        return self._told(
            logits,
            tf.fill(count, len(self._names)),
            self._static_temperature,
            tf.fill(count, self._backbone_macs),
        )

    def by_policy(self, thresholds: ExitThresholds) -> Callable:
        """Return the function of a policy: image to answers."""
        (limits,) = thresholds.rows(1)

        def call(image):
            image = self._checked(image)
            rows = tf.tile(limits[None], [tf.shape(image)[0], 1])
            return self._left(image=image, exit_threshold=rows)

        return call

    def dynamic(self, image, exit_threshold):
        """Return each image's answer at the first exit that is sure."""
        columns = len(self._names) - 1
        limits = tf.ensure_shape(exit_threshold, (None, columns))
        image = self._checked(image, limits)
        return self._left(image=image, exit_threshold=limits)

    def dynamic_jpeg(self, image_bytes, exit_threshold):
        """Decode, cut square and resize inside the graph, then `dynamic`."""
        return self.dynamic(self._read(image_bytes), exit_threshold)

    def _of_files(self, answer):
        return lambda image_bytes: answer(self._read(image_bytes))

    def _read(self, image_bytes):
        image_bytes = tf.ensure_shape(image_bytes, (None,))
        image_bytes = _require({_EMPTY: tf.size(image_bytes) > 0}, image_bytes)
        return self._pixels(image_bytes=image_bytes)

    def _decoded(self, image_bytes):
        kept = self._serving.kept
        return decoding.decode_all(image_bytes, self._shape, kept)

    def _leave(self, image, exit_threshold):
        rule = self._serving.rule
        found = graphs.leave_early(self._stages, image, exit_threshold, rule)
        taken = found.pop("exit")
        # What the rule looked at is there already.
        return self._answer(found.pop("scores"), taken) | found

    def _logits(self, image):
        found, features = [], self._checked(image)
        for stage, name in zip(self._stages, self._names, strict=True):
            outputs = stage(features)
            features = outputs.get("features")
            found.append(outputs[name])
        return found

    def _answer(self, scores, taken):
        """What is told of scores that were answered by at the exits taken."""
        temperatures = tf.gather(self._temperatures, taken)
        macs = tf.gather(self._macs, taken)
        return self._told(scores, taken, temperatures, macs)

    def _told(self, scores, taken, temperatures, macs):
        probabilities = tf.nn.softmax(scores / temperatures)
        # Of scores: probabilities that round to the same are no tie.
        most = min(TOP, len(self._class_names))
        best = tf.math.top_k(scores, most).indices
        names = tf.gather(self._class_names, best)
        return {
            "class": best[:, 0],
            "name": names[:, 0],
            "top_classes": best,
            "top_names": names,
            # In the order of scores; a gather by rows is a dozen operations.
            "top_probabilities": tf.math.top_k(probabilities, most).values,
            "probabilities": probabilities,
            "scores": scores,
            "confidence": exit_rule.confidence(scores),
            "exit": taken,
            "macs": macs,
        }

    def _checked(self, image, limits=None):
        """The image, to be read only where it and the thresholds are right."""
        # A reloaded signature accepts any shape, and some kill the process.
        image = tf.ensure_shape(image, (None, *self._shape))
        count = tf.shape(image)[0]
        # NaN equals nothing.
        limited = tf.raw_ops.ClipByValue(
            t=image, clip_value_min=0.0, clip_value_max=255.0
        )
        inside = tf.reduce_all(limited == image)
        conditions = {_EMPTY: count > 0, _PIXELS: inside}
        if limits is not None:
            conditions[_ROWS] = tf.shape(limits)[0] == count
            # In (0, 1]; no certainty is above 1: there nobody leaves.
            sound = tf.reduce_all(tf.math.ceil(limits) == 1)
            conditions[_THRESHOLD] = sound
        return _require(conditions, image)


_EMPTY = "an empty batch came; expected at least one image"
_PIXELS = (
    "image has NaN or values outside 0 to 255; expected pixel values, which "
    "the model normalizes itself"
)
_ROWS = (
    "exit_threshold and image differ in their batch; expected a row of "
    "thresholds for every image"
)
_THRESHOLD = "exit_threshold is outside (0, 1]; 1 lets no image leave"


def _traced(function, *inputs):
    # Nothing to translate: conditions are TensorFlow's own here.
    function = tf.function(function, autograph=False)
    return function.get_concrete_function(*inputs)


def _require(conditions, tensor):
    """Return the tensor, to be read only where all conditions hold.

    Args:
      conditions: by what a request is told that breaks one.
    """
    checks = [
        tf.debugging.Assert(holds, [told]) for told, holds in conditions.items()
    ]
    with tf.control_dependencies(checks):
        return tf.identity(tensor)
