"""Which nodes of a SavedModel's signature ran, and on how much.

The loader and session are those that servers use from C++; only a session
records every node that ran and the shape of what came out.
"""

import collections
import re

import tensorflow as tf

v1 = tf.compat.v1


class Traced:
    """A SavedModel in a session of its own."""

    def __init__(self, folder, signature="dynamic"):
        graph = tf.Graph()
        self._session = v1.Session(graph=graph)
        with graph.as_default():
            loaded = v1.saved_model.loader.load(
                self._session, ["serve"], str(folder)
            )
        self._signature = loaded.signature_def[signature]

    def run(self, image, exit_threshold=None):
        """Return exits taken, and stage -> batches its layers gave out."""
        record = v1.RunMetadata()
        inputs = self._signature.inputs
        fed = {inputs["image"].name: image}
        if exit_threshold is not None:
            fed[inputs["exit_threshold"].name] = exit_threshold
        exits = self._session.run(
            self._signature.outputs["exit"].name,
            fed,
            options=v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE),
            run_metadata=record,
        )
        return exits, _batches(record)


def _batches(record):
    """A stage that did not run has no node, hence no key."""
    found = collections.defaultdict(set)
    for device in record.step_stats.dev_stats:
        for node in device.node_stats:
            stage = re.search(r"stage_(\d)/", node.node_name)
            if not stage:
                continue
            seen = found[int(stage[1])]
            if node.node_name.endswith("Relu"):
                shape = node.output[0].tensor_description.shape
                seen.add(shape.dim[0].size)
    return dict(found)
